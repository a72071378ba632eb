//! Slanted writing upright: rows are moved sideways until the covariance of the rows and columns of
//! the light pixels is zero.

use bakeoff_core::{ImageShape, Images, ModelReader, StoreError};

use crate::step::{FittedStep, Step};

/// The step.
pub(crate) struct Deskew;

struct Fitted {
    shape: ImageShape,
}

impl Step for Deskew {
    fn shape(&self, input: ImageShape) -> Result<ImageShape, String> {
        Ok(input)
    }

    fn fit(&self, train: &Images, _: u64) -> Result<Box<dyn FittedStep>, String> {
        Ok(Box::new(Fitted {
            shape: train.shape(),
        }))
    }

    fn load(
        &self,
        shape: ImageShape,
        _: &str,
        _: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedStep>, StoreError> {
        Ok(Box::new(Fitted { shape }))
    }
}

impl FittedStep for Fitted {
    fn apply(&self, images: &[u8], out: &mut [u8]) {
        let each = self.shape.pixels();
        for (image, out) in images.chunks_exact(each).zip(out.chunks_exact_mut(each)) {
            let (slant, middle) = slant(image, self.shape);
            let rows = image.chunks_exact(self.shape.width);
            for (at, (row, out)) in rows.zip(out.chunks_exact_mut(self.shape.width)).enumerate() {
                let y = (at % self.shape.height) as f64;
                sample(row, slant * (y - middle), out);
            }
        }
    }
}

/// Columns per row that the light pixels lean by, and the row of their centre. All channels count
/// together.
fn slant(image: &[u8], shape: ImageShape) -> (f64, f64) {
    // Whole numbers: the sums of an image of 4,096 × 4,096 pixels fit.
    let (mut mass, mut x1, mut y1, mut xy, mut y2) = (0_i128, 0_i128, 0_i128, 0_i128, 0_i128);
    for (at, row) in image.chunks_exact(shape.width).enumerate() {
        let y = (at % shape.height) as i128;
        let (mut sum, mut moment) = (0_u64, 0_u64);
        for (x, &value) in row.iter().enumerate() {
            sum += u64::from(value);
            moment += x as u64 * u64::from(value);
        }
        let (sum, moment) = (i128::from(sum), i128::from(moment));
        mass += sum;
        x1 += moment;
        y1 += y * sum;
        xy += y * moment;
        y2 += y * y * sum;
    }
    let (across, down) = (xy * mass - x1 * y1, y2 * mass - y1 * y1);
    match down > 0 {
        true => (across as f64 / down as f64, y1 as f64 / mass as f64),
        false => (0.0, 0.0),
    }
}

/// A row moved left by `by` pixels, between pixels by linear interpolation, 0 from outside.
fn sample(row: &[u8], by: f64, out: &mut [u8]) {
    let whole = by.floor();
    let part = by - whole;
    let at = |x: i64| usize::try_from(x).ok().and_then(|x| row.get(x));
    let value = |x: i64| f64::from(at(x).copied().unwrap_or_default());
    for (x, out) in out.iter_mut().enumerate() {
        let left = (x as i64).saturating_add(whole as i64);
        let mixed = value(left) * (1.0 - part) + value(left.saturating_add(1)) * part;
        *out = mixed.round() as u8;
    }
}
