//! Each value in terms of its own mean and standard deviation over the training images: 128 is the
//! mean, 32 levels are a deviation. What never varied is 128.

use bakeoff_core::{ImageShape, Images, ModelReader, ModelWriter, StoreError, TensorData};

use crate::step::{FittedStep, Step};

/// The level of the mean.
const MIDDLE: f64 = 128.0;
/// Levels of one standard deviation.
const DEVIATION: f64 = 32.0;

/// The step.
pub(crate) struct Standardise;

/// `factor · value + offset`, a pair for each value.
struct Fitted {
    factors: Vec<f32>,
    offsets: Vec<f32>,
}

impl Step for Standardise {
    fn shape(&self, input: ImageShape) -> Result<ImageShape, String> {
        Ok(input)
    }

    fn fit(&self, train: &Images, _: u64) -> Result<Box<dyn FittedStep>, String> {
        let each = train.shape().pixels();
        let mut sums = vec![(0_u64, 0_u64); each];
        for image in train.iter() {
            for ((sum, squares), &value) in sums.iter_mut().zip(image) {
                *sum += u64::from(value);
                *squares += u64::from(value).pow(2);
            }
        }
        let count = train.len() as f64;
        let line = |&(sum, squares): &(u64, u64)| {
            let mean = sum as f64 / count;
            let variance = squares as f64 / count - mean * mean;
            let factor = match variance > 1e-9 {
                true => DEVIATION / variance.sqrt(),
                false => 0.0,
            };
            (factor as f32, (MIDDLE - factor * mean) as f32)
        };
        let (factors, offsets) = sums.iter().map(line).unzip();
        Ok(Box::new(Fitted { factors, offsets }))
    }

    fn load(
        &self,
        input: ImageShape,
        name: &str,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedStep>, StoreError> {
        let shape = [input.pixels()];
        Ok(Box::new(Fitted {
            factors: reader.f32(&format!("{name}.factors"), &shape)?,
            offsets: reader.f32(&format!("{name}.offsets"), &shape)?,
        }))
    }
}

impl FittedStep for Fitted {
    fn apply(&self, images: &[u8], out: &mut [u8]) {
        let each = self.factors.len();
        for (image, out) in images.chunks_exact(each).zip(out.chunks_exact_mut(each)) {
            let lines = self.factors.iter().zip(&self.offsets);
            for ((&value, out), (factor, offset)) in image.iter().zip(out).zip(lines) {
                *out = (f32::from(value) * factor + offset).round() as u8;
            }
        }
    }

    fn parameters(&self) -> u64 {
        2 * self.factors.len() as u64
    }

    fn save(&self, name: &str, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let shape = [self.factors.len()];
        out.tensor(
            &format!("{name}.factors"),
            &shape,
            TensorData::F32(&self.factors),
        )?;
        out.tensor(
            &format!("{name}.offsets"),
            &shape,
            TensorData::F32(&self.offsets),
        )
    }
}
