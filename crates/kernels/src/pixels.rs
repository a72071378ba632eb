//! From pixels to numbers on the first plane.

use super::geometry::Plane;
use super::simd::{Kernel, LANES, Simd};
use super::spec::{PixelScale, Pixels};

/// One picture, scaled and put inside its border.
pub(crate) struct Load<'a> {
    pub(crate) plane: &'a Plane,
    pub(crate) pixels: Pixels<'a>,
    /// The picture's number.
    pub(crate) row: usize,
    /// That of a picture which will be wanted soon: a shuffled batch is spread over more
    /// memory than the caches hold.
    pub(crate) soon: Option<usize>,
    pub(crate) scale: &'a PixelScale,
    /// Its border is left alone.
    pub(crate) output: &'a mut [f32],
}

impl Kernel for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let plane = self.plane;
        let len = plane.channels * plane.height * plane.width;
        let from = self.row * len;
        match self.pixels {
            Pixels::U8(pixels) => {
                let picture = &pixels[from..from + len];
                let soon = self.soon.and_then(|row| pixels.get(row * len..));
                for line in soon
                    .iter()
                    .flat_map(|soon| soon[..len.min(soon.len())].chunks(64))
                {
                    S::prefetch(line.as_ptr());
                }
                place::<S, u8>(plane, picture, self.scale, self.output);
            }
            Pixels::F32(pixels) => {
                let picture = &pixels[from..from + len];
                place::<S, f32>(plane, picture, self.scale, self.output);
            }
        }
    }
}

/// A pixel's type.
trait Pixel: Copy + Into<f32> {
    /// # Safety
    ///
    /// As for [`Simd::load`].
    unsafe fn load<S: Simd>(from: *const Self) -> S::V;
}

impl Pixel for u8 {
    #[inline(always)]
    unsafe fn load<S: Simd>(from: *const u8) -> S::V {
        // SAFETY: as the caller vouches.
        unsafe { S::load_u8(from) }
    }
}

impl Pixel for f32 {
    #[inline(always)]
    unsafe fn load<S: Simd>(from: *const f32) -> S::V {
        // SAFETY: as the caller vouches.
        unsafe { S::load(from) }
    }
}

#[inline(always)]
fn place<S: Simd, P: Pixel>(
    plane: &Plane,
    picture: &[P],
    pixel_scale: &PixelScale,
    to: &mut [f32],
) {
    let area = plane.height * plane.width;
    // Without border and other channels in between, the picture is one long row.
    let whole = plane.stored == 1 && plane.row() == plane.width;
    let (rows, width) = if whole {
        (1, area)
    } else {
        (plane.height, plane.width)
    };
    for channel in 0..plane.channels {
        let of = |list: &[f32]| list.get(channel).or(list.first()).copied();
        let scale = of(&pixel_scale.scale).unwrap_or(1.0);
        let shift = of(&pixel_scale.shift).unwrap_or(0.0);
        for y in 0..rows {
            let row = &picture[channel * area + y * width..][..width];
            let start = plane.at(y, 0) + channel;
            if plane.stored == 1 && width >= LANES {
                let to = &mut to[start..start + width];
                for x in (0..width).step_by(LANES) {
                    // The last vector begins earlier, and does some pixels again.
                    let x = x.min(width - LANES);
                    // SAFETY: `x + 16 <= width`, the length of both slices.
                    unsafe {
                        let value = P::load::<S>(row.as_ptr().add(x));
                        let value = S::add(S::mul(value, S::splat(scale)), S::splat(shift));
                        S::store(to.as_mut_ptr().add(x), value);
                    }
                }
            } else {
                for (x, &pixel) in row.iter().enumerate() {
                    let value: f32 = pixel.into();
                    to[start + x * plane.stored] = value * scale + shift;
                }
            }
        }
    }
}
