//! A small image drawn again, large, with a pen.

use bakeoff_core::ImageShape;
use image::{
    ImageBuffer, ImageResult, Luma,
    imageops::{self, FilterType},
};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Pen, wrong_size};

/// How much of each pixel is ink, 0 to 1.
pub(super) struct Coverage {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl Coverage {
    pub(super) fn blank(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            values: vec![0.0; width * height],
        }
    }

    /// Ink of this amount at a place, where there is not more already.
    pub(super) fn mark(&mut self, x: isize, y: isize, amount: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        if x < self.width && y < self.height {
            let value = &mut self.values[y * self.width + x];
            *value = value.max(amount);
        }
    }
}

/// The edge of a stroke lies where this part of it covers a pixel of the digit.
const EDGE: f32 = 0.45;

/// The digit with its longer side enlarged to `side` pixels.
pub(super) fn draw(digit: &[u8], shape: ImageShape, side: u32, pen: Pen) -> ImageResult<Coverage> {
    let (columns, rows) = (
        u32::try_from(shape.width).map_err(|_| wrong_size())?,
        u32::try_from(shape.height).map_err(|_| wrong_size())?,
    );
    let amounts: Vec<f32> = digit.iter().map(|&v| f32::from(v) / 255.0).collect();
    let small: ImageBuffer<Luma<f32>, Vec<f32>> =
        ImageBuffer::from_raw(columns, rows, amounts).ok_or_else(wrong_size)?;
    let times = side as f32 / columns.max(rows) as f32;
    let enlarged = |pixels: u32| ((pixels as f32 * times).round() as u32).max(1);
    let (width, height) = (enlarged(columns), enlarged(rows));
    let large = imageops::resize(&small, width, height, FilterType::CatmullRom);
    // A pen leaves an edge of about a pixel and a half, however large it writes.
    let steepness = (times * 0.6).max(1.0);
    let mut drawn = Coverage {
        width: width as usize,
        height: height as usize,
        values: large
            .into_raw()
            .into_iter()
            .map(|value| ((value - EDGE) * steepness + 0.5).clamp(0.0, 1.0))
            .collect(),
    };
    if steepness <= 1.0 {
        // Hardly enlarged: the greys are the edge.
        drawn
            .values
            .iter_mut()
            .for_each(|v| *v = (*v - 0.05).max(0.0) / 0.95);
    }
    Ok(match pen {
        Pen::AsWritten => drawn,
        Pen::Hairline => hairline(&drawn),
    })
}

/// The middle lines of the strokes, about two pixels wide.
fn hairline(drawn: &Coverage) -> Coverage {
    let mut mask: Vec<bool> = drawn.values.iter().map(|&value| value > 0.5).collect();
    thin(&mut mask, drawn.width, drawn.height);
    let mut lines = Coverage::blank(drawn.width, drawn.height);
    for (index, _) in mask.iter().enumerate().filter(|&(_, &ink)| ink) {
        let (x, y) = (
            (index % drawn.width) as isize,
            (index / drawn.width) as isize,
        );
        for (dx, dy, amount) in [
            (0, 0, 1.0),
            (1, 0, 0.6),
            (-1, 0, 0.6),
            (0, 1, 0.6),
            (0, -1, 0.6),
        ] {
            lines.mark(x + dx, y + dy, amount);
        }
    }
    lines
}

/// Thins strokes to lines of one pixel (Zhang and Suen, "A fast parallel algorithm for
/// thinning digital patterns", CACM 27(3), 1984).
fn thin(mask: &mut [bool], width: usize, height: usize) {
    if width < 3 || height < 3 {
        return;
    }
    // Clockwise from the pixel above.
    let around = |mask: &[bool], at: usize| {
        [
            mask[at - width],
            mask[at - width + 1],
            mask[at + 1],
            mask[at + width + 1],
            mask[at + width],
            mask[at + width - 1],
            mask[at - 1],
            mask[at - width - 1],
        ]
    };
    loop {
        let mut changed = false;
        for odd in [true, false] {
            let mut gone = Vec::new();
            for y in 1..height - 1 {
                for at in y * width + 1..(y + 1) * width - 1 {
                    if !mask[at] {
                        continue;
                    }
                    let p = around(mask, at);
                    let count = p.iter().filter(|&&ink| ink).count();
                    let begins = (0..8).filter(|&i| !p[i] && p[(i + 1) % 8]).count();
                    // One of these three is blank, and one of those: two passes peel from
                    // either side.
                    let blank = |three: [usize; 3]| three.iter().any(|&i| !p[i]);
                    let open = if odd {
                        blank([0, 2, 4]) && blank([2, 4, 6])
                    } else {
                        blank([0, 2, 6]) && blank([0, 4, 6])
                    };
                    if (2..=6).contains(&count) && begins == 1 && open {
                        gone.push(at);
                    }
                }
            }
            changed |= !gone.is_empty();
            for at in gone {
                mask[at] = false;
            }
        }
        if !changed {
            return;
        }
    }
}

/// Digits beside each other, closely enough that the strokes of some pairs are but a few pixels
/// apart, each a little higher or lower than the one before.
pub(super) fn in_a_row(digits: &[Coverage], rng: &mut ChaCha8Rng) -> Coverage {
    let side = digits.first().map_or(1, |digit| digit.width);
    let step = (side as f32 * 0.78) as usize;
    let offsets: Vec<usize> = digits
        .iter()
        .map(|_| rng.random_range(0..=side / 8))
        .collect();
    let rise = rng.random_range(0..=side / 12);
    let count = digits.len();
    let height = side + side / 8 + rise * count;
    let mut row = Coverage::blank(step * count.saturating_sub(1) + side, height);
    for (at, (digit, offset)) in digits.iter().zip(offsets).enumerate() {
        for (y, line) in digit.values.chunks_exact(digit.width).enumerate() {
            for (x, &value) in line.iter().enumerate() {
                let (x, y) = (at * step + x, offset + at * rise + y);
                row.mark(x as isize, y as isize, value);
            }
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_thins_to_its_middle_line() {
        let (width, height) = (21, 11);
        let mut mask: Vec<bool> = (0..width * height)
            .map(|at| (3..18).contains(&(at % width)) && (3..8).contains(&(at / width)))
            .collect();
        thin(&mut mask, width, height);
        for x in 6..15 {
            let ink: Vec<usize> = (0..height).filter(|y| mask[y * width + x]).collect();
            assert_eq!(ink, [5], "column {x}");
        }
    }

    #[test]
    fn enlarging_keeps_the_share_of_ink() {
        let shape = ImageShape::new(1, 10, 10);
        let digit: Vec<u8> = (0..100)
            .map(|i| if (3..7).contains(&(i % 10)) { 255 } else { 0 })
            .collect();
        for side in [20, 100, 400] {
            let drawn = draw(&digit, shape, side, Pen::AsWritten).unwrap();
            let share = drawn.values.iter().sum::<f32>() / drawn.values.len() as f32;
            assert!((share - 0.4).abs() < 0.03, "{side}: {share}");
        }
    }
}
