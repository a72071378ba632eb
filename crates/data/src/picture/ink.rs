//! Telling the ink from its background, and making it look as MNIST's does.

use bakeoff_core::ImageShape;

use super::{
    Log, PictureError, Plane, Step, Tone, Warning,
    resample::{self, Frame},
};

/// Ink that stands out by fewer grey levels is none: that much is noise in a photo.
const LEAST_CONTRAST: u8 = 16;

/// Ink that stands out by fewer grey levels gets a warning.
const FAINT_CONTRAST: u8 = 64;

/// A background at least this light has dark ink, one at most `255 - LIGHT_PAPER`
/// has light ink; in between, the pixels decide.
const LIGHT_PAPER: u8 = 170;

/// What is less than this part of the strongest ink does not widen the box around the
/// ink: fringes of JPEG blocks and of soft brushes. Half would bring enlarged digits
/// back a little nearer still, and cut the light ends of pencil strokes.
const BOX_PART: u8 = 4;

/// Whether a picture of a dataset's size has the dataset's tones, light on dark;
/// `None` when it is blank.
///
/// It has, unless three quarters of its border are light. The median would be wrong
/// for 2 of Fashion-MNIST's 70,000 pictures, which fill their frames; this is right
/// for all.
pub(super) fn as_in_a_dataset(grey: &Plane) -> Option<bool> {
    let (darkest, lightest) = extremes(&grey.values);
    if lightest - darkest < LEAST_CONTRAST {
        return None;
    }
    Some(border(grey).below(0.25) < 128)
}

/// How much ink there is at each pixel: 0 is background.
pub(super) fn find(
    grey: Plane,
    alpha: Option<Plane>,
    log: &mut Log,
) -> Result<Plane, PictureError> {
    let ink = match (on_background(grey), alpha) {
        (Ok((ink, step)), _) => {
            log.steps.push(step);
            ink
        }
        (Err(_), Some(alpha)) => {
            let (ink, _) = on_background(alpha)?;
            log.steps.push(Step::InkFromAlpha);
            ink
        }
        (Err(error), None) => return Err(error),
    };
    Ok(ink)
}

/// The ink of a picture whose background is what most of its border is.
fn on_background(mut grey: Plane) -> Result<(Plane, Step), PictureError> {
    let border = border(&grey);
    let background = border.below(0.5);
    let (darkest, lightest) = extremes(&grey.values);
    let tone = if background >= LIGHT_PAPER {
        Tone::Dark
    } else if background <= 255 - LIGHT_PAPER || lightest - background > background - darkest {
        Tone::Light
    } else {
        Tone::Dark
    };
    let amount = |value: u8| match tone {
        Tone::Dark => background.saturating_sub(value),
        Tone::Light => value.saturating_sub(background),
    };
    // How far the background itself strays, where it is known to be background.
    // Ink or shadow on the border must not make this swallow the ink elsewhere.
    let stray = match tone {
        Tone::Dark => amount(border.below(0.05)),
        Tone::Light => amount(border.below(0.95)),
    };
    let strongest = match tone {
        Tone::Dark => amount(darkest),
        Tone::Light => amount(lightest),
    };
    let floor = stray.saturating_add(stray / 2).min(strongest / 2);
    if strongest < LEAST_CONTRAST {
        return Err(PictureError::NothingDrawn);
    }
    for value in &mut grey.values {
        let ink = amount(*value);
        *value = if ink > floor { ink } else { 0 };
    }
    Ok((grey, Step::Ink { tone, background }))
}

/// MNIST's own steps, in proportion to the target: the box of the ink, a square around
/// its middle, averaged to 20/28 of the target's smaller side, full ink, centre of
/// mass in the middle.
pub(super) fn like_mnist(ink: &Plane, target: ImageShape, log: &mut Log) -> Vec<u8> {
    let frame = ink_box(ink, log);
    let smaller = target.width.min(target.height);
    // 20 for 28; rounded, and at least 1.
    let side = ((smaller * 20 + 14) / 28).max(1);
    let averaged = resample::average(ink, frame, side);
    log.steps.push(Step::Averaged { side });
    let strongest = averaged.iter().copied().fold(0.0, f64::max);
    // The box holds ink, so that this only guards the division.
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

/// The square placed on an empty picture; blank margins may fall outside.
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

/// The rows and columns that hold ink; `ink` is not blank.
fn ink_box(ink: &Plane, log: &mut Log) -> Frame {
    let (_, strongest) = extremes(&ink.values);
    let least = (strongest / BOX_PART).max(1);
    let (mut left, mut right) = (ink.width - 1, 0);
    let (mut top, mut bottom) = (ink.height - 1, 0);
    for (y, row) in ink.rows().enumerate() {
        let holds_ink = |&value: &u8| value >= least;
        if let Some(first) = row.iter().position(holds_ink) {
            let last = row.iter().rposition(holds_ink).unwrap_or(first);
            (left, right) = (left.min(first), right.max(last));
            (top, bottom) = (top.min(y), y);
        }
    }
    if left == 0 || top == 0 || right + 1 == ink.width || bottom + 1 == ink.height {
        log.warnings.push(Warning::TouchesEdge);
    }
    if strongest < FAINT_CONTRAST {
        log.warnings.push(Warning::Faint {
            contrast: strongest,
        });
    }
    let frame = Frame {
        left,
        top,
        // `left` and `top` stay at their far ends only where nothing is ink.
        width: right.saturating_sub(left) + 1,
        height: bottom.saturating_sub(top) + 1,
    };
    log.steps.push(Step::Cropped {
        left: frame.left,
        top: frame.top,
        width: frame.width,
        height: frame.height,
    });
    frame
}

/// The least and the greatest value.
fn extremes(values: &[u8]) -> (u8, u8) {
    values.iter().fold((u8::MAX, 0), |(least, most), &value| {
        (least.min(value), most.max(value))
    })
}

/// How often each grey level occurs on the border.
fn border(plane: &Plane) -> Histogram {
    let mut counts = [0; 256];
    let last = plane.height - 1;
    for (y, row) in plane.rows().enumerate() {
        let ends = [row[0], row[plane.width - 1]];
        let on_border = if y == 0 || y == last { row } else { &ends };
        for &value in on_border {
            counts[usize::from(value)] += 1;
        }
    }
    Histogram(counts)
}

struct Histogram([usize; 256]);

impl Histogram {
    /// The least grey level with at least this part of the pixels at or below it.
    fn below(&self, part: f64) -> u8 {
        let total: usize = self.0.iter().sum();
        let wanted = (part * total as f64).ceil().max(1.0) as usize;
        let mut seen = 0;
        for level in 0..=u8::MAX {
            seen += self.0[usize::from(level)];
            if seen >= wanted {
                return level;
            }
        }
        u8::MAX
    }
}
