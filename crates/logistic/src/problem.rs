//! What every engine is given: the pictures, labels without gaps, and the penalty.

use std::borrow::Cow;

use bakeoff_core::{FitError, ImageShape, Samples};

use crate::{SoftmaxModel, recipe::Options};

/// Pixels are divided by this and nothing else.
pub(crate) const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// The bias of a class without training samples: with it and no weights, softmax gives
/// exactly zero.
const ABSENT: f32 = f32::MIN;

/// Pictures in the form that the native engine sums over.
#[derive(Clone, Debug)]
pub(crate) struct Data<'a> {
    /// Samples × pixels.
    pub(crate) pixels: Cow<'a, [u8]>,
    /// One class for each picture, below `classes`.
    pub(crate) targets: Cow<'a, [u16]>,
    /// Pixels in a picture.
    pub(crate) columns: usize,
    /// Number of classes, all of which occur in the training set.
    pub(crate) classes: usize,
    /// What stands before `½‖W‖²` in the mean objective.
    pub(crate) penalty: f64,
}

impl Data<'_> {
    /// Number of samples.
    pub(crate) fn samples(&self) -> usize {
        self.targets.len()
    }

    /// `count` different samples from all over, the same for the same data; penalised
    /// as all are.
    pub(crate) fn part(&self, count: usize) -> Data<'static> {
        let samples = self.samples();
        // Steps of about the golden ratio spread evenly, and unlike every n-th sample
        // they fall in with no period of the data. Without a common divisor none recurs.
        let step = (samples as f64 * 0.618_034) as usize;
        let step = (step..).find(|&step| gcd(step, samples) == 1).unwrap_or(1);
        let mut pixels = Vec::with_capacity(count * self.columns);
        let mut targets = Vec::with_capacity(count);
        let mut at = 0;
        for _ in 0..count.min(samples) {
            pixels.extend_from_slice(&self.pixels[at * self.columns..][..self.columns]);
            targets.push(self.targets[at]);
            at = (at + step) % samples;
        }
        Data {
            pixels: pixels.into(),
            targets: targets.into(),
            ..*self
        }
    }
}

/// The greatest common divisor.
fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A training set that can be fitted: at least two classes occur.
pub(crate) struct Problem<'a> {
    pub(crate) data: Data<'a>,
    shape: ImageShape,
    /// The classes that occur, ascending; `data` counts them without gaps.
    present: Vec<u16>,
    /// Number of classes that the model answers for.
    classes: usize,
    pub(crate) options: Options,
}

/// Where an engine ended.
pub(crate) struct Solution {
    /// Present classes × pixels weights, for pixels in 0..=1, then one bias for each
    /// present class.
    pub(crate) parameters: Vec<f64>,
    /// Iterations taken; 0 where the library does not tell.
    pub(crate) steps: u64,
}

impl<'a> Problem<'a> {
    /// Checks that there is something to tell apart.
    pub(crate) fn new(train: &'a Samples, options: Options) -> Result<Self, FitError> {
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
        // Two rows `−w/2` and `w/2` have half the square norm of the one row `w` that
        // the penalty is meant for.
        let rows = if present.len() == 2 { 2.0 } else { 1.0 };
        Ok(Self {
            data: Data {
                pixels: train.images().pixels().into(),
                targets: targets.into(),
                columns: train.images().shape().pixels(),
                classes: present.len(),
                penalty: rows / (options.c * train.len() as f64),
            },
            shape: train.images().shape(),
            present,
            classes: counts.len(),
            options,
        })
    }

    /// Samples × pixels in 0..=1, for libraries that want them all at once.
    pub(crate) fn scaled_pixels(&self) -> Vec<f64> {
        self.data
            .pixels
            .iter()
            .map(|&byte| f64::from(byte) * PIXEL_SCALE)
            .collect()
    }

    /// A model's parameters, of the classes that occur.
    pub(crate) fn parameters(&self, model: &SoftmaxModel) -> Vec<f64> {
        let pixels = self.data.columns;
        let present = || self.present.iter().copied().map(usize::from);
        let weights = present().flat_map(|class| &model.weights()[class * pixels..][..pixels]);
        // A class that the model never saw starts as likely as any.
        let biases = present().map(|class| match model.biases()[class] {
            ABSENT => 0.0,
            bias => f64::from(bias),
        });
        weights.copied().map(f64::from).chain(biases).collect()
    }

    /// The model that answers for every class, absent ones included.
    pub(crate) fn model(&self, solution: &Solution) -> SoftmaxModel {
        let pixels = self.data.columns;
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
        SoftmaxModel::new(self.shape, weights, biases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_drawn_from_all_over_without_repeats() {
        for samples in [1_usize, 2, 7, 1000, 4096, 6000] {
            let data = Data {
                pixels: (0..samples)
                    .flat_map(|at| (at as u16).to_le_bytes())
                    .collect(),
                targets: (0..samples).map(|at| (at % 10) as u16).collect(),
                columns: 2,
                classes: 10,
                penalty: 0.5,
            };
            let count = samples.div_ceil(3);
            let part = data.part(count);
            assert_eq!((part.samples(), part.penalty), (count, 0.5));
            let mut seen = vec![false; samples];
            let mut per_class = [0; 10];
            for (bytes, &target) in part.pixels.chunks_exact(2).zip(part.targets.iter()) {
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
