//! Softmax and cross-entropy.

/// What a batch says about the network.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Sum of the samples' cross-entropy, in nats, each times the weight of its class.
    pub loss_sum: f64,
    /// Samples whose largest logit, the first of equals, is that of their label.
    pub hits: usize,
    /// Samples counted.
    pub samples: usize,
}

impl Score {
    /// Adds N×K scores before the softmax, sample by sample, with the weight of each class, or
    /// none where all weigh 1. Among equal scores the lowest class is the answer, as everywhere.
    pub fn add(&mut self, scores: &[f32], classes: usize, labels: &[u16], weights: &[f32]) {
        for (row, &label) in scores.chunks_exact(classes).zip(labels) {
            self.add_sample(row, label, weight_of(label, weights), None);
        }
    }

    /// Adds one sample; `gradient` as for [`cross_entropy`], before the weight.
    pub(crate) fn add_sample(
        &mut self,
        scores: &[f32],
        label: u16,
        weight: f32,
        gradient: Option<Gradient<'_>>,
    ) {
        let gradient = gradient.map(|gradient| Gradient {
            scale: gradient.scale * weight,
            ..gradient
        });
        let (loss, hit) = cross_entropy(scores, label.into(), gradient);
        self.loss_sum += f64::from(weight) * loss;
        self.hits += usize::from(hit);
        self.samples += 1;
    }

    /// Mean cross-entropy.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.samples as f64
    }

    /// Share of right answers.
    pub fn accuracy(&self) -> f64 {
        self.hits as f64 / self.samples as f64
    }
}

/// What a sample of this class weighs.
pub(crate) fn weight_of(label: u16, weights: &[f32]) -> f32 {
    weights.get(usize::from(label)).copied().unwrap_or(1.0)
}

impl std::ops::AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.loss_sum += other.loss_sum;
        self.hits += other.hits;
        self.samples += other.samples;
    }
}

/// Smaller gradients of a logit become zero: what follows from them would be denormal numbers,
/// on which processors compute up to a hundred times slower.
const SMALLEST: f32 = 1e-20;

/// Where the gradient of a sample's logits goes.
pub(crate) struct Gradient<'a> {
    pub(crate) to: &'a mut [f32],
    pub(crate) scale: f32,
    /// The share ε of the target that all classes get alike: with K classes it is
    /// `(1 − ε) · one-hot(label) + ε / K` (Szegedy et al., "Rethinking the Inception Architecture
    /// for Computer Vision", 2016, section 7).
    pub(crate) smoothing: f32,
}

/// Cross-entropy of one sample in nats, and whether the label has the largest logit.
///
/// Where a gradient is wanted it becomes `scale · (softmax(logits) − target)`, and what it is
/// longer than the logits becomes zero. The loss is that of the label whatever the target is, so
/// that losses can be compared. A label that is no class gives an infinite loss.
fn cross_entropy(logits: &[f32], label: usize, gradient: Option<Gradient<'_>>) -> (f64, bool) {
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class;
        }
    }
    let Some(&own) = logits.get(label) else {
        return (f64::INFINITY, false);
    };
    let largest = logits[best];
    let sum: f64 = logits
        .iter()
        .map(|&logit| f64::from((logit - largest).exp()))
        .sum();
    if let Some(Gradient {
        to,
        scale,
        smoothing,
    }) = gradient
    {
        let factor = f64::from(scale) / sum;
        let share = f64::from(scale * smoothing) / logits.len() as f64;
        #[allow(clippy::cast_possible_truncation, reason = "rounded to f32 on purpose")]
        for (to, &logit) in to.iter_mut().zip(logits) {
            let slope = (f64::from((logit - largest).exp()) * factor - share) as f32;
            *to = if slope.abs() < SMALLEST { 0.0 } else { slope };
        }
        to[label] -= scale * (1.0 - smoothing);
        to[logits.len()..].fill(0.0);
    }
    (
        sum.ln() + f64::from(largest) - f64::from(own),
        best == label,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_the_mean_cross_entropy() {
        let mut score = Score::default();
        score.add(&[1.0, 1.0, 0.0, 1000.0], 2, &[0, 0], &[]);
        // A tie counts for the lower class; large scores do not overflow.
        assert_eq!(score.accuracy(), 0.5);
        let loss = score.loss();
        assert!((loss - (2f64.ln() + 1000.0) / 2.0).abs() < 1e-9, "{loss}");
    }

    #[test]
    fn agrees_with_the_definition() {
        let logits = [1.0_f32, -2.0, 0.5];
        let exponentials: Vec<f64> = logits.iter().map(|&l| f64::from(l).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        for (label, smoothing) in [(0, 0.0), (1, 0.0), (2, 0.0), (0, 0.1), (2, 0.5)] {
            let mut gradient = [9.0; 5];
            let to = Gradient {
                to: &mut gradient,
                scale: 0.25,
                smoothing,
            };
            let (loss, hit) = cross_entropy(&logits, label, Some(to));
            assert!((loss + (exponentials[label] / sum).ln()).abs() < 1e-6);
            assert_eq!(hit, label == 0);
            let smoothing = f64::from(smoothing);
            for (class, &slope) in gradient.iter().enumerate() {
                let target = f64::from(u8::from(class == label));
                let target = (1.0 - smoothing) * target + smoothing / 3.0;
                let share = exponentials
                    .get(class)
                    .map_or(0.0, |e| 0.25 * (e / sum - target));
                assert!((f64::from(slope) - share).abs() < 1e-7, "class {class}");
            }
        }
    }

    #[test]
    fn gradients_are_zero_or_far_from_denormal() {
        let mut gradient = [9.0; 4];
        let mut slopes = |smoothing| {
            let to = Gradient {
                to: &mut gradient,
                scale: 1.0,
                smoothing,
            };
            cross_entropy(&[0.0, -40.0, -60.0, -100.0], 0, Some(to));
            gradient
        };
        let plain = slopes(0.0);
        assert!(plain[1] > 1e-18);
        assert_eq!([plain[0], plain[2], plain[3]], [0.0; 3]);
        assert_eq!(slopes(4e-30), plain);
    }

    #[test]
    fn huge_logits_do_not_overflow_and_ties_go_to_the_first() {
        let (loss, hit) = cross_entropy(&[1e4, 1e4, -1e4], 1, None);
        assert!((loss - 2.0_f64.ln()).abs() < 1e-6);
        assert!(!hit);
        assert!(cross_entropy(&[1e4, 1e4, -1e4], 0, None).1);
        assert_eq!(cross_entropy(&[0.0, 0.0], 2, None), (f64::INFINITY, false));
        assert!(cross_entropy(&[f32::NAN, 0.0], 1, None).0.is_nan());
    }
}
