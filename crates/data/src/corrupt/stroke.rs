//! Thicker and thinner strokes: grey-value dilation and erosion.
//!
//! A step takes the largest (or smallest) value of a pixel and its neighbours: the four
//! nearest, or all eight. Strokes of MNIST are two to four pixels wide, so that five
//! whole steps of erosion would leave nothing: its severities are mixtures of fewer.

/// The neighbours that a step looks at.
#[derive(Clone, Copy)]
enum Neighbours {
    Four,
    Eight,
}

use Neighbours::{Eight, Four};

/// A severity: a mixture of two images. The steps of the first, one more step of the second,
/// and the share of the second.
type Level = (&'static [Neighbours], Neighbours, f32);

/// A severity for images of one size.
pub(super) struct Stroke {
    level: Level,
    /// How often each step is taken: once for images of MNIST's size.
    times: usize,
    thinner: bool,
}

impl Stroke {
    /// `level` from 0; `unit` is a 28th of the shorter side, in pixels.
    pub(super) fn thicker(level: usize, unit: f64) -> Self {
        const LEVELS: [Level; 5] = [
            (&[], Four, 0.5),
            (&[], Four, 1.0),
            (&[], Eight, 1.0),
            (&[Eight], Four, 1.0),
            (&[Eight], Eight, 1.0),
        ];
        Self::new(LEVELS[level], unit, false)
    }

    /// `level` from 0; `unit` is a 28th of the shorter side, in pixels.
    pub(super) fn thinner(level: usize, unit: f64) -> Self {
        const LEVELS: [Level; 5] = [
            (&[], Four, 0.4),
            (&[], Four, 0.7),
            (&[], Four, 1.0),
            (&[], Eight, 1.0),
            (&[Four], Four, 1.0),
        ];
        Self::new(LEVELS[level], unit, true)
    }

    fn new(level: Level, unit: f64, thinner: bool) -> Self {
        Self {
            level,
            times: unit.round().max(1.0) as usize,
            thinner,
        }
    }

    /// Changes one plane. `scratch` is memory that is used again.
    pub(super) fn apply(&self, from: &[u8], to: &mut [u8], width: usize, scratch: &mut Vec<u8>) {
        // What is dark grows where the negative shrinks.
        let flip = if self.thinner { 255 } else { 0 };
        let mut first: Vec<u8> = from.iter().map(|value| value ^ flip).collect();
        let (steps, last, share) = self.level;
        for &step in steps {
            self.step(&mut first, width, step, scratch);
        }
        let mut second = first.clone();
        self.step(&mut second, width, last, scratch);
        for ((value, &first), &second) in to.iter_mut().zip(&first).zip(&second) {
            let mixed = f32::from(first) + share * (f32::from(second) - f32::from(first));
            *value = (mixed + 0.5) as u8 ^ flip;
        }
    }

    fn step(&self, plane: &mut [u8], width: usize, neighbours: Neighbours, scratch: &mut Vec<u8>) {
        for _ in 0..self.times {
            dilate(plane, width, neighbours, scratch);
        }
    }
}

/// The largest value of each pixel and its neighbours.
fn dilate(plane: &mut [u8], width: usize, neighbours: Neighbours, scratch: &mut Vec<u8>) {
    scratch.clear();
    scratch.extend_from_slice(plane);
    // Sideways into the plane; the scratch keeps what it was.
    for (to, from) in plane
        .chunks_exact_mut(width)
        .zip(scratch.chunks_exact(width))
    {
        largest(&mut to[1..], from);
        largest(to, &from[1..]);
    }
    // Up and down: of what was there before for a cross, of what is there now for a square.
    if let Eight = neighbours {
        scratch.copy_from_slice(plane);
    }
    largest(&mut plane[width..], scratch);
    largest(plane, &scratch[width..]);
}

/// Each value becomes the larger one, as far as both go.
fn largest(to: &mut [u8], other: &[u8]) {
    for (value, &other) in to.iter_mut().zip(other) {
        *value = (*value).max(other);
    }
}
