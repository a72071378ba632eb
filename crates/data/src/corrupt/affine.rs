//! Shifts, rotations, scalings and shears: an image sampled elsewhere.
//!
//! Bilinear, and black outside of the image. A way to sample is a table made once for
//! all images: an image then costs four loads a pixel, in exact integer arithmetic.

use bakeoff_core::ImageShape;

/// Distances between pixels are multiples of one of so many parts.
const PARTS: f64 = 128.0;
/// What the four weights of a pixel sum to, as a power of two.
const SUM_BITS: u32 = 14;

/// From where each pixel of a plane is taken, and with which weights.
pub(super) struct Sampling {
    width: usize,
    taps: Vec<Tap>,
}

/// The upper left of four neighbours in the plane with its border, and their weights:
/// upper left, upper right, lower left, lower right.
struct Tap {
    start: u32,
    weights: [u16; 4],
}

impl Sampling {
    /// Each pixel (x, y), counted from the centre of the image, is taken from
    /// `matrix · (x, y) + offset`, counted likewise.
    pub(super) fn new(shape: ImageShape, matrix: [[f64; 2]; 2], offset: [f64; 2]) -> Self {
        let (height, width) = (shape.height, shape.width);
        let centre = [(width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0];
        let mut taps = Vec::with_capacity(height * width);
        for row in 0..height {
            for column in 0..width {
                let (x, y) = (column as f64 - centre[0], row as f64 - centre[1]);
                let at = |[a, b]: [f64; 2], axis: usize| {
                    // Rounded first, so that a distance is never a full pixel.
                    let place = a * x + b * y + offset[axis] + centre[axis];
                    (place * PARTS).round() / PARTS
                };
                taps.push(Tap::new(at(matrix[0], 0), at(matrix[1], 1), height, width));
            }
        }
        Self { width, taps }
    }

    /// Samples one plane. `scratch` is memory that is used again.
    pub(super) fn apply(&self, from: &[u8], to: &mut [u8], scratch: &mut Vec<u8>) {
        // A border of black pixels on every side, so that no neighbour is missing.
        let (width, padded) = (self.width, self.width + 2);
        scratch.clear();
        scratch.resize((from.len() / width + 2) * padded, 0);
        let lines = scratch.chunks_exact_mut(padded).skip(1);
        for (line, from) in lines.zip(from.chunks_exact(width)) {
            line[1..=width].copy_from_slice(from);
        }
        for (value, tap) in to.iter_mut().zip(&self.taps) {
            let start = tap.start as usize;
            let [a, b] = [scratch[start], scratch[start + 1]].map(u32::from);
            let [c, d] = [scratch[start + padded], scratch[start + padded + 1]].map(u32::from);
            let [wa, wb, wc, wd] = tap.weights.map(u32::from);
            let sum = a * wa + b * wb + c * wc + d * wd;
            // The weights sum to 2^SUM_BITS, so that this is a byte.
            *value = ((sum + (1 << (SUM_BITS - 1))) >> SUM_BITS) as u8;
        }
    }
}

impl Tap {
    fn new(x: f64, y: f64, height: usize, width: usize) -> Self {
        let inside = |place: f64, size: usize| place > -1.0 && place < size as f64;
        if !(inside(x, width) && inside(y, height)) {
            return Self {
                start: 0,
                weights: [0; 4],
            };
        }
        let (left, top) = (x.floor(), y.floor());
        let right_part = ((x - left) * PARTS) as u16;
        let lower_part = ((y - top) * PARTS) as u16;
        let (left_part, upper_part) = (PARTS as u16 - right_part, PARTS as u16 - lower_part);
        Self {
            // One more each way, for the border.
            start: ((top + 1.0) as u32) * (width as u32 + 2) + (left + 1.0) as u32,
            weights: [
                upper_part * left_part,
                upper_part * right_part,
                lower_part * left_part,
                lower_part * right_part,
            ],
        }
    }
}

const IDENTITY: [[f64; 2]; 2] = [[1.0, 0.0], [0.0, 1.0]];

/// By so many pixels along one axis or both: eight ways.
pub(super) fn shifts(shape: ImageShape, pixels: f64) -> Vec<Sampling> {
    [
        (1.0, 0.0),
        (1.0, 1.0),
        (0.0, 1.0),
        (-1.0, 1.0),
        (-1.0, 0.0),
        (-1.0, -1.0),
        (0.0, -1.0),
        (1.0, -1.0),
    ]
    // What is moved to the right is taken from the left.
    .map(|(x, y)| Sampling::new(shape, IDENTITY, [-x * pixels, -y * pixels]))
    .into()
}

/// About the centre, either way.
pub(super) fn rotations(shape: ImageShape, degrees: f64) -> Vec<Sampling> {
    [degrees, -degrees]
        .map(|degrees| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            Sampling::new(shape, [[cos, sin], [-sin, cos]], [0.0; 2])
        })
        .into()
}

/// About the centre, enlarged or shrunk.
pub(super) fn scalings(shape: ImageShape, factor: f64) -> Vec<Sampling> {
    [1.0 / factor, factor]
        .map(|step| Sampling::new(shape, [[step, 0.0], [0.0, step]], [0.0; 2]))
        .into()
}

/// Rows moved sideways, the more the farther they are from the centre, either way.
pub(super) fn shears(shape: ImageShape, slope: f64) -> Vec<Sampling> {
    [slope, -slope]
        .map(|slope| Sampling::new(shape, [[1.0, slope], [0.0, 1.0]], [0.0; 2]))
        .into()
}
