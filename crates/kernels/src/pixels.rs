//! From pixels to numbers on the first plane.

use super::batch::Batch;
use super::geometry::Plane;
use super::simd::{Kernel, LANES, Simd};

/// What a byte is multiplied with, so that images lie in 0..=1.
///
/// Mean and standard deviation of the data are left out, as in the Keras example: the
/// first layer learns both, and a model needs nothing from its training data to answer.
pub const PIXEL_SCALE: f32 = 1.0 / 255.0;

/// So many samples ahead of its turn an image is fetched.
const AHEAD: usize = 4;

/// One image, scaled and put inside its border.
pub(crate) struct Load<'a> {
    plane: &'a Plane,
    picture: &'a [u8],
    /// An image that is needed soon: a shuffled batch is spread over more memory than the
    /// caches hold.
    soon: &'a [u8],
    /// Its border is left alone.
    output: &'a mut [f32],
}

impl<'a> Load<'a> {
    /// The image of the `row` of `pixels`.
    pub(crate) fn row(
        plane: &'a Plane,
        pixels: &'a [u8],
        row: usize,
        output: &'a mut [f32],
    ) -> Self {
        let len = plane.channels * plane.height * plane.width;
        Self {
            plane,
            picture: &pixels[row * len..][..len],
            soon: &[],
            output,
        }
    }

    /// The image of a sample of the batch; later ones are fetched into the cache meanwhile.
    pub(crate) fn sample(
        plane: &'a Plane,
        batch: &Batch<'a>,
        sample: usize,
        output: &'a mut [f32],
    ) -> Self {
        let mut load = Self::row(plane, batch.pixels, batch.row(sample), output);
        if sample + AHEAD < batch.len() {
            let len = load.picture.len();
            load.soon = &batch.pixels[batch.row(sample + AHEAD) * len..][..len];
        }
        load
    }
}

impl Kernel for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        for line in self.soon.chunks(64) {
            S::prefetch(line.as_ptr());
        }
        let plane = self.plane;
        let area = plane.height * plane.width;
        // Without border and other channels in between, the image is one long row.
        let whole = plane.stored == 1 && plane.row() == plane.width;
        let (rows, width) = if whole {
            (1, area)
        } else {
            (plane.height, plane.width)
        };
        for channel in 0..plane.channels {
            for y in 0..rows {
                let row = &self.picture[channel * area + y * width..][..width];
                let start = plane.at(y, 0) + channel;
                if plane.stored == 1 && width >= LANES {
                    let to = &mut self.output[start..start + width];
                    for x in (0..width).step_by(LANES) {
                        // The last vector begins earlier, and does some pixels again.
                        let x = x.min(width - LANES);
                        // SAFETY: `x + 16 <= width`, the length of both slices.
                        unsafe {
                            let value = S::load_u8(row.as_ptr().add(x));
                            let value = S::mul(value, S::splat(PIXEL_SCALE));
                            S::store(to.as_mut_ptr().add(x), value);
                        }
                    }
                } else {
                    for (x, &pixel) in row.iter().enumerate() {
                        self.output[start + x * plane.stored] = f32::from(pixel) * PIXEL_SCALE;
                    }
                }
            }
        }
    }
}
