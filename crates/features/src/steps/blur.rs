//! A Gaussian blur, rows first and columns after them. What lies outside the image has the value of its
//! nearest pixel.

use bakeoff_core::{ImageShape, Images, ModelReader, StoreError};

use crate::step::{FittedStep, Step};

/// The step; the radius is the Gaussian's standard deviation in pixels.
pub(crate) struct Blur {
    pub(crate) radius: f64,
}

struct Fitted {
    shape: ImageShape,
    /// The weights from the middle outwards; both sides together make 1.
    weights: Vec<f32>,
}

impl Blur {
    fn fitted(&self, shape: ImageShape) -> Box<dyn FittedStep> {
        // Beyond three deviations lies less than a level of 255.
        let reach = (3.0 * self.radius).ceil() as usize;
        let weight = |at: usize| (-0.5 * (at as f64 / self.radius).powi(2)).exp();
        let sum: f64 = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f64>();
        let weights = (0..=reach).map(|at| (weight(at) / sum) as f32).collect();
        Box::new(Fitted { shape, weights })
    }
}

impl Step for Blur {
    fn shape(&self, input: ImageShape) -> Result<ImageShape, String> {
        Ok(input)
    }

    fn fit(&self, train: &Images, _: u64) -> Result<Box<dyn FittedStep>, String> {
        Ok(self.fitted(train.shape()))
    }

    fn load(
        &self,
        input: ImageShape,
        _: &str,
        _: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedStep>, StoreError> {
        Ok(self.fitted(input))
    }
}

impl Fitted {
    /// The blur at one place of a line of `length` values.
    fn at(&self, place: usize, length: usize, value: impl Fn(usize) -> f32) -> f32 {
        let mut sum = self.weights[0] * value(place);
        for (away, weight) in self.weights.iter().enumerate().skip(1) {
            let (before, after) = (place.saturating_sub(away), (place + away).min(length - 1));
            sum += weight * (value(before) + value(after));
        }
        sum
    }
}

impl FittedStep for Fitted {
    fn apply(&self, images: &[u8], out: &mut [u8]) {
        let ImageShape { height, width, .. } = self.shape;
        let mut rows = vec![0.0; height * width];
        let planes = images.chunks_exact(height * width);
        for (plane, out) in planes.zip(out.chunks_exact_mut(height * width)) {
            for (line, values) in plane.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
                for (x, value) in values.iter_mut().enumerate() {
                    *value = self.at(x, width, |x| f32::from(line[x]));
                }
            }
            for (place, out) in out.iter_mut().enumerate() {
                let (y, x) = (place / width, place % width);
                *out = self.at(y, height, |y| rows[y * width + x]).round() as u8;
            }
        }
    }
}
