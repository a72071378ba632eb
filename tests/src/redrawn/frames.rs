//! What surrounds a digit: printed boxes, cells of a table, forms, figures, a table below the page.

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

/// The paper enlarged, with a box around what was there as it stands in a form.
pub(super) fn form(ink: Coverage, frame: usize, rng: &mut ChaCha8Rng) -> (Coverage, Coverage) {
    let size = frame as f32;
    let gap = (size * rng.random_range(0.05..0.15)) as usize + 2;
    let side = |length: usize, rng: &mut ChaCha8Rng| {
        (length as f32 * rng.random_range(0.2..0.8)) as usize + gap
    };
    let (left, top) = (side(ink.width, rng), side(ink.height, rng));
    // A box as wide as that of the digit beside it, and paper on all sides.
    let wide = ink.width + 2 * gap;
    let has_neighbour: bool = rng.random();
    let right = side(ink.width, rng) + if has_neighbour { wide } else { 0 };
    let bottom = side(ink.height, rng);
    let (width, height) = (left + ink.width + right, top + ink.height + bottom);
    let mut out = Coverage::blank(width, height);
    for (y, row) in ink.values.chunks_exact(ink.width).enumerate() {
        let start = (top + y) * width + left;
        out.values[start..start + ink.width].copy_from_slice(row);
    }
    let mut lines = Coverage::blank(width, height);
    let thick = ((size * rng.random_range(0.008..0.03)) as usize).max(1);
    let mut bar = |x: usize, y: usize, w: usize, h: usize| {
        for y in y..(y + h).min(height) {
            lines.values[y * width + x.min(width)..y * width + (x + w).min(width)].fill(1.0);
        }
    };
    let (x, y) = (left - gap, top - gap);
    let tall = ink.height + 2 * gap;
    let over = (size * rng.random_range(0.0..0.08)) as usize;
    let over = over.min(x).min(y);
    let boxes = if has_neighbour { 2 } else { 1 };
    for edge in 0..=boxes {
        bar(x + edge * wide, y - over, thick, tall + 2 * over + thick);
    }
    for edge in 0..=1 {
        bar(
            x - over,
            y + edge * tall,
            boxes * wide + 2 * over + thick,
            thick,
        );
    }
    // The letters of a label, as blocks.
    let letter = (size / 14.0) as usize + 1;
    if y >= over + 3 * letter {
        for at in 0..rng.random_range(2..7) {
            bar(
                x + over + at * 2 * letter,
                y - over - 2 * letter,
                letter,
                letter,
            );
        }
    }
    (out, lines)
}

/// The page on a table of half its light at the most, turned by up to eight degrees.
pub(super) fn on_a_table(page: &GrayImage, rng: &mut ChaCha8Rng) -> GrayImage {
    let (width, height) = page.dimensions();
    let angle = rng.random_range(-8.0..8.0_f32).to_radians();
    let (sin, cos) = angle.sin_cos();
    // How much of the table is seen beside the page; at 0 its corners are cut.
    let room = rng.random_range(0.0..0.25_f32);
    let length = |side: u32| (side as f32 * (1.0 + room)) as u32;
    let (wide, high) = (length(width), length(height));
    let table = rng.random_range(10.0..80.0_f32);
    GrayImage::from_fn(wide, high, |x, y| {
        let (dx, dy) = (x as f32 - wide as f32 / 2.0, y as f32 - high as f32 / 2.0);
        let from_x = (dx * cos + dy * sin + width as f32 / 2.0).round();
        let from_y = (dy * cos - dx * sin + height as f32 / 2.0).round();
        let inside = from_x >= 0.0 && from_y >= 0.0;
        let level = match inside {
            true => page.get_pixel_checked(from_x as u32, from_y as u32),
            false => None,
        };
        level.copied().unwrap_or(Luma([table as u8]))
    })
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
