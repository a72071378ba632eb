//! What every engine is given: the pictures, labels without gaps, and the penalty.

use bakeoff_core::{FitError, ImageShape, Images, Samples};

use crate::{SoftmaxModel, recipe::Options};

/// Pixels are divided by this and nothing else.
pub(crate) const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// A training set that can be fitted: at least two classes occur.
pub(crate) struct Problem<'a> {
    images: &'a Images,
    /// One per picture: its label's position in `present`.
    pub(crate) targets: Vec<u16>,
    /// The classes that occur, ascending.
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
        Ok(Self {
            images: train.images(),
            targets: train
                .labels()
                .iter()
                .map(|&label| position[usize::from(label)])
                .collect(),
            present,
            classes: counts.len(),
            options,
        })
    }

    /// Number of samples.
    pub(crate) fn samples(&self) -> usize {
        self.targets.len()
    }

    /// Number of classes that occur, at least 2.
    pub(crate) fn present(&self) -> usize {
        self.present.len()
    }

    /// The pictures' shape.
    pub(crate) fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    /// Samples × pixels.
    pub(crate) fn pixels(&self) -> &[u8] {
        self.images.pixels()
    }

    /// Samples × pixels in 0..=1, for libraries that want them all at once.
    pub(crate) fn scaled_pixels(&self) -> Vec<f64> {
        self.pixels()
            .iter()
            .map(|&byte| f64::from(byte) * PIXEL_SCALE)
            .collect()
    }

    /// What stands before `½‖W‖²` in the sum objective divided by `c`, with one row of
    /// weights for each class that occurs. Two rows `−w/2` and `w/2` have half the
    /// square norm of the one row `w` that the penalty is meant for.
    pub(crate) fn penalty(&self) -> f64 {
        let rows = if self.present() == 2 { 2.0 } else { 1.0 };
        rows / self.options.c
    }

    /// The model that answers for every class, absent ones included.
    pub(crate) fn model(&self, solution: &Solution) -> SoftmaxModel {
        let pixels = self.shape().pixels();
        let (from_weights, from_biases) = solution.parameters.split_at(self.present() * pixels);
        let mut weights = vec![0.0; self.classes * pixels];
        let mut biases = vec![f32::MIN; self.classes];
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
        SoftmaxModel::new(self.shape(), weights, biases)
    }
}
