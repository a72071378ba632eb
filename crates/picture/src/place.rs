//! Placing the ink as MNIST does: cropped, averaged, at full ink, with its centre of mass in the
//! middle.

use bakeoff_core::ImageShape;

use crate::{
    log::Log,
    paper::Ink,
    plane::extend,
    resample,
    steps::{Step, Warning},
    stroke,
};

/// Ink that differs from the paper by fewer grey levels gets a warning.
const FAINT_CONTRAST: u8 = 48;

/// MNIST's own steps, in proportion to the target, on strokes that are not thin: the bounding box of
/// the ink, a square around its middle, averaged to 20/28 of the target's smaller side, full ink,
/// centre of mass in the middle.
pub(crate) fn like_mnist(mut ink: Ink, target: ImageShape, log: &mut Log) -> Vec<u8> {
    let margin = stroke::thicken(&mut ink, log);
    let bounds = ink.amount.bounding_box(ink.threshold);
    log.steps.push(Step::Cropped {
        left: ink.cut[0] + bounds.left.saturating_sub(margin),
        top: ink.cut[1] + bounds.top.saturating_sub(margin),
        width: bounds.width,
        height: bounds.height,
    });
    let smaller = target.width.min(target.height);
    // 20 for 28; rounded, and at least 1.
    let side = ((smaller * 20 + 14) / 28).max(1);
    let averaged = resample::average(&ink.amount, bounds, side);
    log.steps.push(Step::Averaged { side });
    let strongest = averaged.iter().copied().fold(0.0, f64::max);
    // The bounding box holds ink, so that this only guards the division.
    let scale = if strongest > 0.0 {
        255.0 / strongest
    } else {
        0.0
    };
    let small: Vec<u8> = averaged
        .iter()
        .map(|value| (value * scale).round() as u8)
        .collect();
    log.steps.push(Step::FullInk {
        from: strongest.round() as u8,
    });
    let (left, top) = (
        Axis::columns(&small, side).place(target.width),
        Axis::rows(&small, side).place(target.height),
    );
    log.steps.push(Step::Centred { left, top });
    paste(&small, side, left, top, target)
}

/// The square placed on an empty image; blank margins may fall outside.
fn paste(small: &[u8], side: usize, left: isize, top: isize, target: ImageShape) -> Vec<u8> {
    let mut pixels = vec![0; target.height * target.width];
    for (y, row) in small.chunks_exact(side).enumerate() {
        let Some(y) = y.checked_add_signed(top).filter(|&y| y < target.height) else {
            continue;
        };
        for (x, &value) in row.iter().enumerate() {
            if let Some(x) = x.checked_add_signed(left).filter(|&x| x < target.width) {
                pixels[y * target.width + x] = value;
            }
        }
    }
    pixels
}

/// The amounts of ink along one axis of the small square.
struct Axis(Vec<f64>);

impl Axis {
    fn columns(small: &[u8], side: usize) -> Self {
        let mut sums = vec![0.0; side];
        for row in small.chunks_exact(side) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        Self(sums)
    }

    fn rows(small: &[u8], side: usize) -> Self {
        let sum = |row: &[u8]| row.iter().map(|&value| f64::from(value)).sum();
        Self(small.chunks_exact(side).map(sum).collect())
    }

    /// Where the square begins on an axis of `len`, so that the centre of mass falls
    /// on its middle pixel (14 of 28) and no ink outside it.
    fn place(&self, len: usize) -> isize {
        let mass: f64 = self.0.iter().sum();
        let (Some(first), Some(last)) = (
            self.0.iter().position(|&sum| sum > 0.0),
            self.0.iter().rposition(|&sum| sum > 0.0),
        ) else {
            return 0;
        };
        let moment: f64 = self
            .0
            .iter()
            .enumerate()
            .map(|(at, sum)| at as f64 * sum)
            .sum();
        let wanted = ((len / 2) as f64 - moment / mass).round() as isize;
        // The square is smaller than the target, so that the least is below the most.
        let least = -(first as isize);
        let most = len as isize - 1 - last as isize;
        wanted.clamp(least, most.max(least))
    }
}

/// On smaller images a pixel is too much for places to mean anything.
const LEAST_SIDE: usize = 16;

/// The strongest ink of an image is at least this light.
const LEAST_INK: u8 = 128;

/// Whether an image is placed as MNIST's are: grey, light on black, the longer side of the box of
/// all that is not black is 20/28 of the image's shorter side (within one pixel), the centre of mass
/// lies within a pixel of the middle, a pixel is 128 or lighter, and the shorter side has at least 16
/// pixels.
pub fn is_placed(pixels: &[u8], shape: ImageShape) -> bool {
    let smaller = shape.width.min(shape.height);
    if shape.channels != 1 || smaller < LEAST_SIDE {
        return false;
    }
    let (mut columns, mut rows) = (None, None);
    let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
    for (row, line) in pixels.chunks_exact(shape.width.max(1)).enumerate() {
        for (column, &value) in line.iter().enumerate() {
            if value > 0 {
                extend(&mut columns, column);
                extend(&mut rows, row);
                let weight = f64::from(value);
                mass += weight;
                // Pixel 0 has its middle at one half.
                x += weight * (column as f64 + 0.5);
                y += weight * (row as f64 + 0.5);
            }
        }
    }
    let (Some((left, right)), Some((top, bottom))) = (columns, rows) else {
        return false;
    };
    let longest = (right - left).max(bottom - top) + 1;
    let is_light = pixels.iter().any(|value| *value >= LEAST_INK);
    let side = (smaller * 20 + 14) / 28;
    let off = |sum: f64, length: usize| (sum / mass - length as f64 / 2.0).abs();
    // MNIST's middle is the corner of four pixels or the middle of the pixel after it.
    let near = 1.0;
    let fits = longest.abs_diff(side) <= 1;
    is_light && fits && off(x, shape.width) <= near && off(y, shape.height) <= near
}

/// Warns of what may be wrong with the ink.
pub(crate) fn warn(ink: &Ink, log: &mut Log) {
    if ink.amount.border().any(|amount| amount >= ink.threshold) {
        log.warnings.push(Warning::TouchesEdge);
    }
    if ink.contrast < FAINT_CONTRAST {
        log.warnings.push(Warning::Faint {
            contrast: ink.contrast,
        });
    }
}
