//! Separating the ink from the paper: the tone of the ink, the paper's own light, a threshold.
//!
//! A *clean* image, a drawing or a scan, has paper of one grey level, and its ink is how far
//! each pixel is from that level: greys at the edges of strokes stay what they are. In any
//! other image the paper's level is estimated at each place, and a threshold separates ink
//! from what is left of noise, print and shadow.
//!
//! Rejected for uneven light: one global threshold (Otsu) on the grey levels, which fails
//! where there is a shadow; a threshold from the mean and deviation around each pixel
//! (Sauvola), which finds ink in the noise of every blank place larger than its window.

use crate::{
    error::PictureError,
    log::Log,
    plane::{Histogram, Plane},
    resample::shrink,
    steps::{Step, Tone},
};

/// Ink that differs from the paper by fewer grey levels is none: that much is noise in a photo.
const LEAST_CONTRAST: u8 = 16;

/// The same where the paper's own level is estimated.
const LEAST_CONTRAST_UNEVEN: u8 = 24;

/// Paper at least this light has dark ink, paper of at most `255 - LIGHT_PAPER` has light ink;
/// in between, the pixels decide.
pub(crate) const LIGHT_PAPER: u8 = 170;

/// Grey levels by which the paper of a clean image differs from its most frequent one.
const CLEAN_DEVIATION: u8 = 8;

/// In a clean image at least this part of the border is paper.
const CLEAN_BORDER: f64 = 0.8;

/// In a clean image at most this many pixels are neither paper nor full ink, in
/// proportion to the full ink: the edges of its strokes.
const CLEAN_EDGES: usize = 3;

/// And this part of the image besides, for fringes of JPEG blocks.
const CLEAN_REST: f64 = 0.01;

/// How much ink there is at each pixel: 0 is paper.
pub(crate) struct Ink {
    pub(crate) amount: Plane,
    /// Amounts from this one on belong to strokes; what is less is their edges.
    pub(crate) threshold: u8,
    /// Whether it is darker or lighter than the paper.
    pub(crate) tone: Tone,
    /// Grey levels between the ink and the paper, as they were in the image.
    pub(crate) contrast: u8,
    /// Whether the paper is of one level and without lines: a drawing, or a good scan.
    pub(crate) is_even: bool,
    /// Columns and rows of the image that were cut off on the left and at the top.
    pub(crate) cut: [usize; 2],
    /// Pixels of the image on each side of one of these.
    pub(crate) factor: usize,
}

/// The ink of an image whose paper is what most of its border is; `small` says that it is
/// hardly larger than what a model sees.
///
/// # Errors
/// When there is no ink.
pub(crate) fn ink(grey: Plane, small: bool, log: &mut Log) -> Result<Ink, PictureError> {
    let border = grey.border_histogram();
    let background = border.quantile(0.5);
    let (darkest, lightest) = grey.extremes();
    let (darker, lighter) = (background - darkest, lightest - background);
    let looks_light =
        background < LIGHT_PAPER && (background <= 255 - LIGHT_PAPER || lighter > darker);
    // A page in poor light is dark, and its ink is darker still.
    let tone = match looks_light {
        true if lighter < LEAST_CONTRAST => Tone::Dark,
        false if darker < LEAST_CONTRAST => Tone::Light,
        true => Tone::Light,
        false => Tone::Dark,
    };
    let amount = |value: u8| match tone {
        Tone::Dark => background.saturating_sub(value),
        Tone::Light => value.saturating_sub(background),
    };
    let strongest = amount(darkest).max(amount(lightest));
    if strongest < LEAST_CONTRAST && lightest - darkest < LEAST_CONTRAST {
        return Err(PictureError::NothingDrawn);
    }
    let is_even = border.share_near(background, CLEAN_DEVIATION) >= CLEAN_BORDER;
    if !is_even || !is_clean(&grey.histogram(), background, strongest, amount) {
        return uneven(grey, background, log);
    }
    if strongest < LEAST_CONTRAST {
        return Err(PictureError::NothingDrawn);
    }
    // How far the paper itself is from its median, where it is known to be paper.
    // Ink, lines or shadow on the border must not make this swallow the ink elsewhere.
    let deviation = amount(border.quantile(0.05)).max(amount(border.quantile(0.95)));
    let deviation = deviation.min(2 * CLEAN_DEVIATION);
    let floor = deviation.saturating_add(deviation / 2).min(strongest / 2);
    log.steps.push(Step::Ink { tone, background });
    Ok(Ink {
        amount: grey.map(|value| match amount(value) {
            ink if ink > floor => ink,
            _ => 0,
        }),
        threshold: (strongest / if small { SMALL_PART } else { BOX_PART }).max(1),
        tone,
        contrast: strongest,
        is_even: true,
        cut: [0; 2],
        factor: 1,
    })
}

/// Amounts from this part of the strongest ink on belong to strokes. What is less does not
/// widen the bounding box of the ink: fringes of JPEG blocks and of soft brushes. Half
/// would bring enlarged digits back a little nearer still, and cut the light ends of
/// pencil strokes.
const BOX_PART: u8 = 4;

/// The same in an image that is hardly larger than what a model sees. There the greys
/// are no fringes but pixels that a stroke covers in part, as in MNIST.
const SMALL_PART: u8 = 16;

/// Whether nearly all pixels are either paper of one level or full ink.
fn is_clean(levels: &Histogram, background: u8, strongest: u8, amount: impl Fn(u8) -> u8) -> bool {
    let full_ink = strongest - strongest / 4;
    let (mut paper, mut full, mut between) = (0, 0, 0);
    for (level, &count) in (0..=u8::MAX).zip(&levels.0) {
        if level.abs_diff(background) <= CLEAN_DEVIATION {
            paper += count;
        } else if amount(level) >= full_ink {
            full += count;
        } else {
            between += count;
        }
    }
    let all = paper + full + between;
    paper >= all / 4 && between <= CLEAN_EDGES * full + (CLEAN_REST * all as f64) as usize
}

/// Pixels of the small image, on its longer side, on which the paper is estimated.
pub(crate) const PAPER_SIDE: usize = 128;

/// Strokes up to twice this many pixels of the small image wide are no paper.
const STROKE: usize = 12;

/// The ink of an image whose paper is not of one level: a photo, a shaded scan.
fn uneven(grey: Plane, background: u8, log: &mut Log) -> Result<Ink, PictureError> {
    let factor = grey.longer_side().div_ceil(PAPER_SIDE);
    let small = shrink(&grey, factor);
    let light_paper = small.closing(STROKE);
    let dark_paper = small.opening(STROKE);
    let (tone, paper) = match is_light_ink(&light_paper, &dark_paper, background) {
        true => (Tone::Light, dark_paper),
        false => (Tone::Dark, light_paper),
    };
    let amount = difference(grey, &paper, factor, tone);
    let (threshold, full) = threshold(&amount.histogram()).ok_or(PictureError::NothingDrawn)?;
    // From half the threshold, so that the edges of strokes keep some grey.
    let floor = threshold / 2;
    let scaled = |value: u8| {
        let above = u32::from(value.saturating_sub(floor));
        (above * 255 / u32::from(full - floor).max(1)).min(255) as u8
    };
    let (darkest, lightest) = paper.extremes();
    log.steps.push(Step::Flattened {
        tone,
        darkest,
        lightest,
        threshold,
    });
    Ok(Ink {
        amount: amount.map(scaled),
        threshold: scaled(threshold).max(1),
        tone,
        contrast: full,
        is_even: lightest - darkest <= 2 * CLEAN_DEVIATION,
        cut: [0; 2],
        factor: 1,
    })
}

/// Whether the ink is lighter than the paper, by what the paper would be in either case.
fn is_light_ink(light_paper: &Plane, dark_paper: &Plane, background: u8) -> bool {
    if background >= LIGHT_PAPER {
        return false;
    }
    // With the wrong tone, the strokes become part of the paper, and its levels range further.
    // In doubt a page is lighter than its ink, a board darker.
    let range = |paper: &Plane| {
        let (darkest, lightest) = paper.extremes();
        f64::from(lightest - darkest)
    };
    let is_page = background > 255 - LIGHT_PAPER;
    let factor = if is_page { 0.8 } else { 1.25 };
    let (dark_range, light_range) = (range(dark_paper), range(light_paper));
    // The paper of an image smaller than a stroke may be says nothing.
    let unknown = dark_range == 0.0 && light_range == 0.0 && background < 128;
    dark_range < light_range * factor || unknown
}

/// How far each pixel is from the paper at its place. Dark ink takes a part of the light
/// that there is, so that its amount is relative to the paper; light ink adds to it.
fn difference(mut grey: Plane, paper: &Plane, factor: usize, tone: Tone) -> Plane {
    let along = |len: usize, count: usize| -> Vec<(usize, usize, u32)> {
        // The centre of pixel x of the image, in pixels of the small one, in 1/256.
        (0..len)
            .map(|x| {
                let place = ((2 * x + 1) * 128 / factor).saturating_sub(128);
                let first = (place / 256).min(count - 1);
                (first, (first + 1).min(count - 1), (place % 256) as u32)
            })
            .collect()
    };
    let columns = along(grey.width, paper.width);
    let rows = along(grey.height, paper.height);
    let mut line = vec![0_u32; paper.width];
    for (values, &(above, below, part)) in grey.values.chunks_exact_mut(grey.width).zip(&rows) {
        let row = |y: usize| &paper.values[y * paper.width..(y + 1) * paper.width];
        for ((out, &a), &b) in line.iter_mut().zip(row(above)).zip(row(below)) {
            *out = u32::from(a) * (256 - part) + u32::from(b) * part;
        }
        for (value, &(left, right, part)) in values.iter_mut().zip(&columns) {
            let paper = (line[left] * (256 - part) + line[right] * part) >> 16;
            let grey = u32::from(*value);
            *value = match tone {
                Tone::Dark => (paper.saturating_sub(grey) * 255 / paper.max(1)) as u8,
                Tone::Light => grey.saturating_sub(paper) as u8,
            };
        }
    }
    grey
}

/// Least part of the pixels that ink covers, to distinguish it from a few outliers: a digit of
/// 15 millimetres in thin ballpoint on a photographed sheet of A4 covers twice as much.
const LEAST_INK: f64 = 0.000_15;

/// The part of full ink from which on a pixel is ink.
const INK_PART: f64 = 0.4;

/// The threshold of ink, and the amount that full ink has; `None` where there is no ink.
fn threshold(amounts: &Histogram) -> Option<(u8, u8)> {
    let strongest = amounts.quantile(1.0 - LEAST_INK);
    // The middle of what is clearly ink, as specks and noise may be stronger.
    let full = amounts.above(strongest / 2).quantile(0.5).max(1);
    // Most pixels are paper: their spread is that of noise.
    let noise = amounts.quantile(0.5).saturating_mul(2).saturating_add(6);
    let threshold = ((f64::from(full) * INK_PART) as u8).max(noise);
    (full >= LEAST_CONTRAST_UNEVEN && threshold < full).then_some((threshold, full))
}
