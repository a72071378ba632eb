//! What surrounds a digit: printed boxes, cells of a table, figures.

use image::{GrayImage, Luma};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Frame, pen::Coverage};

/// The paper enlarged, with the lines of a box around what was there.
pub(super) fn boxed(
    ink: Coverage,
    frame: usize,
    kind: Frame,
    rng: &mut ChaCha8Rng,
) -> (Coverage, Coverage) {
    let size = frame as f32;
    let pad = (size * rng.random_range(0.08..0.2)) as usize + 2;
    let (width, height) = (ink.width + 2 * pad, ink.height + 2 * pad);
    let mut out = Coverage::blank(width, height);
    for (y, row) in ink.values.chunks_exact(ink.width).enumerate() {
        let start = (pad + y) * width + pad;
        out.values[start..start + ink.width].copy_from_slice(row);
    }
    let mut lines = Coverage::blank(width, height);
    let slope = rng.random_range(-0.02..0.02_f32);
    let goes_on = kind == Frame::Cell || rng.random();
    for side in 0..4 {
        // Of a cell that is cut out by hand not all sides are seen.
        let is_seen = kind != Frame::Cell || side == 0 || rng.random_range(0.0..1.0) < 0.7;
        let half = (size * rng.random_range(0.004..0.02)).max(0.7);
        let inset = pad as f32 * rng.random_range(0.3..0.6);
        if !is_seen {
            continue;
        }
        let ends = if goes_on { 0.0 } else { inset };
        for y in 0..height {
            for x in 0..width {
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let (along, across, length) = match side {
                    0 => (py, px - inset, height as f32),
                    1 => (px, py - inset, width as f32),
                    2 => (py, width as f32 - px - inset, height as f32),
                    _ => (px, height as f32 - py - inset, width as f32),
                };
                if along < ends || along > length - ends {
                    continue;
                }
                let distance = (across - (along - length / 2.0) * slope).abs();
                let value = &mut lines.values[y * width + x];
                *value = value.max((half + 0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }
    (out, lines)
}

/// The image as a figure: on a white page, with ticks beside it and a title above.
pub(super) fn figure(image: &GrayImage, rng: &mut ChaCha8Rng) -> GrayImage {
    let (width, height) = image.dimensions();
    let longer = width.max(height);
    let mut room = || longer / 12 + rng.random_range(0..=longer / 4);
    let (left, top, right, bottom) = (room(), room(), room(), room());
    let mut page = GrayImage::from_pixel(left + width + right, top + height + bottom, Luma([255]));
    image::imageops::replace(&mut page, image, left.into(), top.into());
    let mut ink = |x: u32, y: u32, w: u32, h: u32| {
        for (x, y) in (y..y + h).flat_map(|y| (x..x + w).map(move |x| (x, y))) {
            if x < page.width() && y < page.height() {
                page.put_pixel(x, y, Luma([30]));
            }
        }
    };
    let step = (longer / 5).max(1);
    let tick = (longer / 60).max(1);
    for at in (0..height).step_by(step as usize) {
        ink(left.saturating_sub(3 * tick), top + at, 2 * tick, tick);
    }
    for at in (0..width).step_by(step as usize) {
        ink(left + at, top + height + tick, tick, 2 * tick);
    }
    // The letters of a title, as blocks.
    let letter = (top / 3).clamp(1, longer / 12);
    for at in 0..8 {
        ink(left + at * 2 * letter, top / 3, letter, letter);
    }
    page
}
