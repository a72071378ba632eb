//! Principal components (Pearson 1901; Hotelling 1933), the most important first.
//!
//! Sums and products of the bytes are exact, so that means and covariances are rounded once, and the
//! eigenvectors are those of the whole matrix. One factor serves all components, so that distances
//! between images stay in proportion: the farthest value in the training images comes to 0 or 255, and
//! 127.5 is the mean. A component's sign is the one that makes its largest weight positive.

use bakeoff_core::{ImageShape, Images, ModelReader, ModelWriter, StoreError, TensorData};
use bakeoff_kernels::{Strided, byte_products, multiply};
use linfa_linalg::eigh::{EigSort, EighInto};
use ndarray::Array2;
use rayon::prelude::*;

use crate::step::{FittedStep, Step};

/// The level of the mean.
const MIDDLE: f64 = 127.5;
/// Images that are multiplied together.
const ROWS: usize = 64;

/// The step.
pub(crate) struct Pca {
    pub(crate) components: usize,
}

/// `weights · image + bias`, rounded.
struct Fitted {
    values: usize,
    /// Components × values of an image.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// Symmetric `values`, largest eigenvalue first: eigenvalues, and eigenvectors as columns.
pub(crate) fn eigen(values: Array2<f64>) -> Result<(Vec<f64>, Array2<f64>), String> {
    let found = values.eigh_into().map_err(|error| error.to_string())?;
    let (values, vectors) = found.sort_eig_desc();
    Ok((values.to_vec(), vectors))
}

/// Mean and covariance (divided by the count) of images.
fn covariance(images: &Images) -> (Vec<f64>, Array2<f64>) {
    let each = images.shape().pixels();
    let count = images.len() as f64;
    let mut sums = vec![0_u64; each];
    for image in images.iter() {
        for (sum, &value) in sums.iter_mut().zip(image) {
            *sum += u64::from(value);
        }
    }
    let mean: Vec<f64> = sums.iter().map(|&sum| sum as f64 / count).collect();
    let products = byte_products(images.pixels(), each);
    let covariance = Array2::from_shape_fn((each, each), |(row, column)| {
        products[row * each + column] as f64 / count - mean[row] * mean[column]
    });
    (mean, covariance)
}

impl Step for Pca {
    fn shape(&self, input: ImageShape) -> Result<ImageShape, String> {
        match self.components <= input.pixels() {
            true => Ok(ImageShape::new(1, 1, self.components)),
            false => Err(format!(
                "{} components are asked for, of images of {} values",
                self.components,
                input.pixels()
            )),
        }
    }

    fn fit(&self, train: &Images, _: u64) -> Result<Box<dyn FittedStep>, String> {
        let values = train.shape().pixels();
        let (mean, covariance) = covariance(train);
        let (_, vectors) = eigen(covariance)?;
        let mut weights = Vec::with_capacity(self.components * values);
        let mut bias = Vec::with_capacity(self.components);
        for vector in vectors.columns().into_iter().take(self.components) {
            let largest = vector.iter().copied().fold(0.0_f64, |largest, value| {
                match value.abs() > largest.abs() {
                    true => value,
                    false => largest,
                }
            });
            let sign = if largest < 0.0 { -1.0 } else { 1.0 };
            let offset: f64 = vector
                .iter()
                .zip(&mean)
                .map(|(weight, mean)| weight * mean)
                .sum();
            weights.extend(vector.iter().map(|weight| (sign * weight) as f32));
            bias.push((-sign * offset) as f32);
        }
        let mut fitted = Fitted {
            values,
            weights,
            bias,
        };
        // A maximum does not depend on the order.
        let farthest = train
            .pixels()
            .par_chunks(ROWS * values)
            .map(|images| {
                let mut farthest = 0.0_f32;
                fitted.project(images, |_, value| farthest = farthest.max(value.abs()));
                farthest
            })
            .reduce(|| 0.0, f32::max);
        if farthest > 0.0 {
            let factor = (MIDDLE / f64::from(farthest)) as f32;
            fitted.weights.iter_mut().for_each(|value| *value *= factor);
            fitted.bias.iter_mut().for_each(|value| *value *= factor);
        }
        fitted
            .bias
            .iter_mut()
            .for_each(|value| *value += MIDDLE as f32);
        Ok(Box::new(fitted))
    }

    fn load(
        &self,
        input: ImageShape,
        name: &str,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedStep>, StoreError> {
        let values = input.pixels();
        Ok(Box::new(Fitted {
            values,
            weights: reader.f32(&format!("{name}.weights"), &[self.components, values])?,
            bias: reader.f32(&format!("{name}.bias"), &[self.components])?,
        }))
    }
}

impl Fitted {
    /// Tells of each value of each image, in order, what it comes to.
    fn project(&self, images: &[u8], mut tell: impl FnMut(usize, f32)) {
        let components = self.bias.len();
        let mut floats = vec![0.0; ROWS * self.values];
        let mut out = vec![0.0; ROWS * components];
        for (block, images) in images.chunks(ROWS * self.values).enumerate() {
            for (float, &value) in floats.iter_mut().zip(images) {
                *float = f32::from(value);
            }
            // Always as many rows, so that an image gets the same bits in any batch.
            multiply(
                (ROWS, self.values, components),
                Strided::rows(&floats, self.values),
                Strided::rows(&self.weights, self.values).transposed(),
                1.0,
                false,
                &mut out,
                components,
            );
            let count = images.len() / self.values * components;
            for (at, product) in out[..count].iter().enumerate() {
                let value = product + self.bias[at % components];
                tell(block * ROWS * components + at, value);
            }
        }
    }
}

impl FittedStep for Fitted {
    fn apply(&self, images: &[u8], out: &mut [u8]) {
        self.project(images, |at, value| out[at] = value.round() as u8);
    }

    fn parameters(&self) -> u64 {
        (self.weights.len() + self.bias.len()) as u64
    }

    fn save(&self, name: &str, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let components = self.bias.len();
        out.tensor(
            &format!("{name}.weights"),
            &[components, self.values],
            TensorData::F32(&self.weights),
        )?;
        out.tensor(
            &format!("{name}.bias"),
            &[components],
            TensorData::F32(&self.bias),
        )
    }
}
