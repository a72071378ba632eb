//! Placing the ink as MNIST does: cropped, averaged, at full ink, with its centre of mass in the
//! middle.

use bakeoff_core::ImageShape;

use crate::{
    log::Log,
    paper::Ink,
    resample,
    steps::{Step, Warning},
};

/// Ink that differs from the paper by fewer grey levels gets a warning.
const FAINT_CONTRAST: u8 = 64;

/// MNIST's own steps, in proportion to the target: the bounding box of the ink, a square around
/// its middle, averaged to 20/28 of the target's smaller side, full ink, centre of mass in the
/// middle. `margin` was added on every side of the image.
pub(crate) fn like_mnist(ink: &Ink, margin: usize, target: ImageShape, log: &mut Log) -> Vec<u8> {
    let bounds = ink.amount.bounding_box(ink.threshold);
    log.steps.push(Step::Cropped {
        left: bounds.left.saturating_sub(margin),
        top: bounds.top.saturating_sub(margin),
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
