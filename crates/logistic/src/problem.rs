//! What every engine gets: the images, labels without gaps, and the penalty.

use bakeoff_core::{FitError, Images, Samples};

use crate::{
    model::{PIXEL_SCALE, SoftmaxModel},
    options::Options,
};

/// The bias of a class without training samples: with it and weights of zero, softmax
/// gives exactly zero.
const ABSENT: f32 = f32::MIN;

/// The training data, with classes numbered without gaps.
pub(crate) struct Data {
    pub(crate) images: Images,
    /// One class for each image, below `classes`.
    pub(crate) targets: Vec<u16>,
    /// Number of classes, all of which occur in the training set.
    pub(crate) classes: usize,
    /// What a sample of each class weighs in the loss; none where all weigh 1.
    pub(crate) class_weights: Vec<f64>,
    /// The factor of `½‖W‖²` in the mean objective.
    pub(crate) penalty: f64,
}

impl Data {
    /// Number of samples.
    pub(crate) fn samples(&self) -> usize {
        self.targets.len()
    }

    /// Number of pixels in an image.
    pub(crate) fn columns(&self) -> usize {
        self.images.shape().pixels()
    }

    /// What a sample of this class weighs.
    pub(crate) fn weight(&self, target: u16) -> f64 {
        let weight = self.class_weights.get(usize::from(target));
        weight.copied().unwrap_or(1.0)
    }

    /// `count` different samples, spread evenly over the data and the same for the same
    /// data, with the same penalty.
    pub(crate) fn part(&self, count: usize) -> Self {
        let samples = self.samples();
        // Steps of about the golden ratio spread evenly and, unlike every n-th sample, do
        // not follow a period of the data. Without a common divisor no sample repeats.
        let step = (samples as f64 * 0.618_034) as usize;
        let step = (step..).find(|&step| gcd(step, samples) == 1).unwrap_or(1);
        let picks: Vec<usize> = std::iter::successors(Some(0), |at| Some((at + step) % samples))
            .take(count.min(samples))
            .collect();
        Self {
            images: self.images.select(&picks),
            targets: picks.iter().map(|&at| self.targets[at]).collect(),
            classes: self.classes,
            class_weights: self.class_weights.clone(),
            penalty: self.penalty,
        }
    }
}

/// The greatest common divisor.
fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A training set that can be fitted: at least two classes occur.
pub(crate) struct Problem<'a> {
    pub(crate) data: Data,
    /// The classes that occur, ascending; `data` counts them without gaps.
    present: Vec<u16>,
    /// Number of classes that the model answers for.
    classes: usize,
    pub(crate) options: &'a Options,
}

/// Where an engine ended.
pub(crate) struct Solution {
    /// Present classes × pixels weights, for pixels in 0..=1, then one bias for each
    /// present class.
    pub(crate) parameters: Vec<f64>,
    /// Iterations taken; 0 where the library does not report them.
    pub(crate) steps: u64,
    /// The instruction set that computed it, where the engine chooses one.
    pub(crate) kernel: Option<&'static str>,
}

impl<'a> Problem<'a> {
    /// # Errors
    /// [`FitError::Data`] when fewer than two classes occur.
    pub(crate) fn new(train: &Samples, options: &'a Options) -> Result<Self, FitError> {
        let counts = train.class_counts();
        let present: Vec<u16> = (0..=u16::MAX)
            .zip(&counts)
            .filter(|&(_, &count)| count > 0)
            .map(|(class, _)| class)
            .collect();
        match present[..] {
            [] => return Err(FitError::Data("there are no samples".into())),
            [only] => {
                return Err(FitError::Data(format!(
                    "all {} samples are of one class, {}; logistic regression needs two",
                    train.len(),
                    train.class_names()[usize::from(only)]
                )));
            }
            _ => {}
        }
        let mut position = vec![0; counts.len()];
        for (at, &class) in (0..).zip(&present) {
            position[usize::from(class)] = at;
        }
        let targets: Vec<u16> = train
            .labels()
            .iter()
            .map(|&label| position[usize::from(label)])
            .collect();
        // The penalty is meant for the one row `w`; the two rows `−w/2` and `w/2` have
        // half its squared norm.
        let rows = if present.len() == 2 { 2.0 } else { 1.0 };
        Ok(Self {
            data: Data {
                images: train.images().clone(),
                targets,
                classes: present.len(),
                class_weights: options
                    .class_weight
                    .of_classes(&counts)
                    .into_iter()
                    .filter(|&weight| weight > 0.0)
                    .collect(),
                penalty: rows / (options.c * train.len() as f64),
            },
            present,
            classes: counts.len(),
            options,
        })
    }

    /// Samples × pixels in 0..=1, for libraries that need them all at once.
    pub(crate) fn scaled_pixels(&self) -> Vec<f64> {
        let pixels = self.data.images.pixels().iter();
        pixels.map(|&byte| f64::from(byte) * PIXEL_SCALE).collect()
    }

    /// The model of all classes, those without samples included.
    pub(crate) fn model(&self, solution: &Solution) -> SoftmaxModel {
        let pixels = self.data.columns();
        let (from_weights, from_biases) = solution.parameters.split_at(self.data.classes * pixels);
        let mut weights = vec![0.0; self.classes * pixels];
        let mut biases = vec![ABSENT; self.classes];
        for (row, &class) in self.present.iter().enumerate() {
            let class = usize::from(class);
            for (to, &from) in weights[class * pixels..][..pixels]
                .iter_mut()
                .zip(&from_weights[row * pixels..])
            {
                *to = from as f32;
            }
            biases[class] = from_biases[row] as f32;
        }
        SoftmaxModel::new(self.data.images.shape(), weights, biases)
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::ImageShape;

    use super::*;

    #[test]
    fn a_part_is_drawn_from_all_over_without_repeats() {
        for samples in [1_usize, 2, 7, 1000, 4096, 6000] {
            let data = Data {
                images: Images::new(
                    ImageShape::new(1, 1, 2),
                    (0..samples)
                        .flat_map(|at| (at as u16).to_le_bytes())
                        .collect::<Vec<u8>>(),
                )
                .unwrap(),
                targets: (0..samples).map(|at| (at % 10) as u16).collect(),
                classes: 10,
                class_weights: Vec::new(),
                penalty: 0.5,
            };
            let count = samples.div_ceil(3);
            let part = data.part(count);
            assert_eq!((part.samples(), part.penalty), (count, 0.5));
            let mut seen = vec![false; samples];
            let mut per_class = [0; 10];
            for (bytes, &target) in part.images.iter().zip(&part.targets) {
                let at = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
                assert!(!std::mem::replace(&mut seen[at], true), "{at} twice");
                assert_eq!(usize::from(target), at % 10);
                per_class[usize::from(target)] += 1;
            }
            // Labels that repeat with a period are still drawn evenly.
            let (least, most) = (per_class.iter().min(), per_class.iter().max());
            assert!(
                samples < 1000 || most.unwrap() - least.unwrap() <= 5,
                "{per_class:?}"
            );
        }
    }
}
