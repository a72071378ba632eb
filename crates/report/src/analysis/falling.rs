//! Whether training ended while the validation loss was still falling.

use bakeoff_core::EpochMetrics;

use super::trial::Entry;

/// The last epochs that are looked at: one in five, at least one.
const PART: usize = 5;
/// So much less than before them is a fall, ...
const FALL: f64 = 0.05;
/// ... and so much of all that the loss has fallen by. The first sees networks that are nearly
/// right and get better still, the second those that have hardly begun.
const SHARE: f64 = 0.1;
/// Less is no fall in either.
const LEAST: f64 = 0.01;
/// Of a loss of so little, in nats, nothing worth an epoch is left.
const SETTLED: f64 = 1e-3;

/// A validation loss that fell up to the last epoch, which is the one that was kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Falling {
    /// The validation loss before the last epochs, in nats.
    pub(crate) from: f64,
    /// At the end.
    pub(crate) to: f64,
    /// How many epochs were the last.
    pub(crate) last: usize,
    /// All epochs.
    pub(crate) epochs: usize,
}

impl Falling {
    /// Of a model, where it is so for more than half of its fits; the losses are the first such fit's.
    pub(crate) fn of(entry: &Entry<'_>) -> Option<Self> {
        let fits: Vec<Option<Self>> = entry
            .successes()
            .map(|(_, fit)| Self::of_fit(&fit.measured.epochs))
            .collect();
        let falling = fits.iter().flatten().count();
        fits.iter()
            .flatten()
            .next()
            .copied()
            .filter(|_| 2 * falling > fits.len())
    }

    fn of_fit(epochs: &[EpochMetrics]) -> Option<Self> {
        let losses: Vec<f64> = epochs.iter().filter_map(|e| e.validation_loss).collect();
        let last = losses.len().div_ceil(PART);
        let before = losses.len().checked_sub(last + 1)?;
        let (first, from, to) = (losses[0], losses[before], losses[losses.len() - 1]);
        let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let fell = from - to;
        let falls = to <= best && (fell >= FALL * from || fell >= SHARE * (first - to));
        (falls && fell >= LEAST * from && from > SETTLED).then_some(Self {
            from,
            to,
            last,
            epochs: losses.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn falling(losses: &[f64]) -> Option<Falling> {
        let epochs = losses.iter().zip(1..).map(|(&loss, epoch)| EpochMetrics {
            epoch,
            epochs: losses.len() as u64,
            train_loss: 0.0,
            train_accuracy: 0.0,
            validation_loss: Some(loss),
            validation_accuracy: None,
            learning_rate: 0.0,
        });
        Falling::of_fit(&epochs.collect::<Vec<_>>())
    }

    /// Losses of real fits: the first two of a hundred classes with ten images each, the others of
    /// MNIST.
    #[test]
    fn a_loss_that_still_falls_is_told_from_one_that_has_settled() {
        let cnn = [
            4.588, 4.576, 4.564, 4.549, 4.532, 4.501, 4.447, 4.376, 4.288, 4.23,
        ];
        assert_eq!(
            falling(&cnn),
            Some(Falling {
                from: 4.376,
                to: 4.23,
                last: 2,
                epochs: 10
            })
        );
        let ann = [
            4.605, 4.522, 4.372, 4.209, 4.118, 4.063, 3.992, 3.94, 3.923, 3.921,
        ];
        assert_eq!(falling(&ann), None);
        assert!(falling(&[0.3042, 0.1593]).is_some());
        let settled = [
            0.2787, 0.1566, 0.1133, 0.0982, 0.0845, 0.0717, 0.0672, 0.0648, 0.0623, 0.0618,
        ];
        assert_eq!(falling(&settled), None);
        // Noise: a hundredth of nothing much.
        assert_eq!(falling(&[0.6698, 0.668, 0.665, 0.661, 0.6596]), None);
        // Nothing is left to fall.
        assert_eq!(falling(&[0.1, 0.0004, 0.0002]), None);
        // The last is not the best.
        assert_eq!(falling(&[0.5, 0.2, 0.3]), None);
        assert_eq!(falling(&[0.5]), None);
        assert_eq!(falling(&[]), None);
    }
}
