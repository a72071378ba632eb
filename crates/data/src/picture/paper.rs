//! Telling the ink from the paper: the polarity, the paper's own light, a threshold.
//!
//! A *clean* picture, a drawing or a scan, has a paper of one grey level, and its ink is
//! how far each pixel is from that level: greys at the edges of strokes stay what they
//! are. In any other picture the paper's level is estimated at each place, and a
//! threshold tells ink from what is left of noise, print and shadow.
//!
//! Rejected for uneven light: one global threshold (Otsu) on the grey levels, which a
//! shadow defeats; a threshold from the mean and deviation around each pixel (Sauvola),
//! which finds ink in the noise of every blank place larger than its window.

use super::{Log, PictureError, Plane, Step, Tone, page, resample};

/// Ink that stands out by fewer grey levels is none: that much is noise in a photo.
pub(super) const LEAST_CONTRAST: u8 = 16;

/// The same where the paper's own level is but estimated.
const LEAST_CONTRAST_UNEVEN: u8 = 24;

/// A background at least this light has dark ink, one at most `255 - LIGHT_PAPER`
/// has light ink; in between, the pixels decide.
const LIGHT_PAPER: u8 = 170;

/// Grey levels that the paper of a clean picture strays from its most frequent one.
const CLEAN_STRAY: u8 = 8;

/// In a clean picture at least this part of the border is paper.
const CLEAN_BORDER: f64 = 0.8;

/// In a clean picture at most this many pixels are neither paper nor full ink, in
/// proportion to the full ink: the edges of its strokes.
const CLEAN_EDGES: usize = 3;

/// And this part of the picture besides, for fringes of JPEG blocks.
const CLEAN_REST: f64 = 0.01;

/// How much ink there is at each pixel: 0 is paper.
pub(super) struct Ink {
    pub(super) amount: Plane,
    /// Amounts from this one on belong to strokes; what is less is their edges.
    pub(super) threshold: u8,
    /// Grey levels between the ink and the paper, as they were in the picture.
    pub(super) contrast: u8,
    /// Whether the paper is of one level and without lines: a drawing, or a good scan.
    pub(super) is_even: bool,
}

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

/// The ink of a picture whose background is what most of its border is; `small` says
/// that it is hardly larger than what a model sees.
pub(super) fn ink(mut grey: Plane, small: bool, log: &mut Log) -> Result<Ink, PictureError> {
    if border(&grey).below(0.5) < LIGHT_PAPER
        && !small
        && let Some(page) = page::without_desk(&grey)
    {
        log.steps.push(Step::Desk);
        grey = page;
        log.stage("page", &grey);
    }
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
    // A page in poor light is dark, and its ink is darker still.
    let (darker, lighter) = (background - darkest, lightest - background);
    let tone = match tone {
        Tone::Light if lighter < LEAST_CONTRAST => Tone::Dark,
        Tone::Dark if darker < LEAST_CONTRAST => Tone::Light,
        tone => tone,
    };
    let amount = |value: u8| match tone {
        Tone::Dark => background.saturating_sub(value),
        Tone::Light => value.saturating_sub(background),
    };
    let strongest = match tone {
        Tone::Dark => amount(darkest),
        Tone::Light => amount(lightest),
    };
    if strongest < LEAST_CONTRAST && lightest - darkest < LEAST_CONTRAST {
        return Err(PictureError::NothingDrawn);
    }
    let even = border.near(background, CLEAN_STRAY) >= CLEAN_BORDER;
    if !even || !is_clean(&grey, background, strongest, amount) {
        return uneven(grey, background, log);
    }
    if strongest < LEAST_CONTRAST {
        return Err(PictureError::NothingDrawn);
    }
    // How far the background itself strays, where it is known to be background.
    // Ink or shadow on the border must not make this swallow the ink elsewhere.
    let stray = match tone {
        Tone::Dark => amount(border.below(0.05)),
        Tone::Light => amount(border.below(0.95)),
    };
    let floor = stray.saturating_add(stray / 2).min(strongest / 2);
    for value in &mut grey.values {
        let ink = amount(*value);
        *value = if ink > floor { ink } else { 0 };
    }
    log.steps.push(Step::Ink { tone, background });
    Ok(Ink {
        amount: grey,
        threshold: (strongest / if small { SMALL_PART } else { BOX_PART }).max(1),
        contrast: strongest,
        is_even: true,
    })
}

/// Amounts from this part of the strongest ink on belong to strokes. What is less does
/// not widen the box around the ink: fringes of JPEG blocks and of soft brushes. Half
/// would bring enlarged digits back a little nearer still, and cut the light ends of
/// pencil strokes.
const BOX_PART: u8 = 4;

/// The same in a picture that is hardly larger than what a model sees. There the greys
/// are no fringes but pixels that a stroke covers in part, as in MNIST.
const SMALL_PART: u8 = 16;

/// Whether nearly all pixels are either paper of one level or full ink.
fn is_clean(grey: &Plane, background: u8, strongest: u8, amount: impl Fn(u8) -> u8) -> bool {
    let full_ink = strongest - strongest / 4;
    let (mut paper, mut full, mut between) = (0, 0, 0);
    for (level, &count) in (0..=u8::MAX).zip(&histogram(&grey.values).0) {
        if level.abs_diff(background) <= CLEAN_STRAY {
            paper += count;
        } else if amount(level) >= full_ink {
            full += count;
        } else {
            between += count;
        }
    }
    let all = grey.values.len();
    paper >= all / 4 && between <= CLEAN_EDGES * full + (CLEAN_REST * all as f64) as usize
}

/// Pixels of the small picture, on its longer side, on which the paper is estimated.
pub(super) const PAPER_SIDE: usize = 128;

/// Strokes up to twice this many pixels of the small picture wide are no paper.
const STROKE: usize = 12;

/// The ink of a picture whose paper is not of one level: a photo, a shaded scan.
fn uneven(grey: Plane, background: u8, log: &mut Log) -> Result<Ink, PictureError> {
    let factor = grey.width.max(grey.height).div_ceil(PAPER_SIDE);
    let small = resample::shrink(&grey, factor);
    let light_paper = closing(&small, STROKE);
    let dark_paper = opening(&small, STROKE);
    let tone = if background >= LIGHT_PAPER {
        Tone::Dark
    } else {
        // Taken for the other tone, the strokes become part of the paper, and its levels
        // range further. In doubt a page is lighter than its ink, a board darker.
        let range = |paper: &Plane| {
            let (darkest, lightest) = extremes(&paper.values);
            f64::from(lightest - darkest)
        };
        let light_board = if background > 255 - LIGHT_PAPER {
            0.8
        } else {
            1.25
        };
        let (dark_range, light_range) = (range(&dark_paper), range(&light_paper));
        // A picture smaller than a stroke may be tells nothing by its paper.
        let blind = dark_range == 0.0 && light_range == 0.0 && background < 128;
        if dark_range < light_range * light_board || blind {
            Tone::Light
        } else {
            Tone::Dark
        }
    };
    let paper = match tone {
        Tone::Dark => light_paper,
        Tone::Light => dark_paper,
    };
    let mut amount = against(grey, &paper, factor, tone);
    let (threshold, full) = levels(&amount).ok_or(PictureError::NothingDrawn)?;
    // From half the threshold, so that the edges of strokes keep some grey.
    let floor = threshold / 2;
    let mut scaled = [0; 256];
    for (value, out) in (0..=u8::MAX).zip(&mut scaled) {
        let above = u32::from(value.saturating_sub(floor));
        *out = (above * 255 / u32::from(full - floor).max(1)).min(255) as u8;
    }
    for value in &mut amount.values {
        *value = scaled[usize::from(*value)];
    }
    let (darkest, lightest) = extremes(&paper.values);
    log.steps.push(Step::Flattened {
        tone,
        darkest,
        lightest,
        threshold,
    });
    Ok(Ink {
        amount,
        threshold: scaled[usize::from(threshold)].max(1),
        contrast: full,
        is_even: lightest - darkest <= 2 * CLEAN_STRAY,
    })
}

/// How far each pixel is from the paper at its place. Dark ink takes a part of the light
/// that there is, so that its amount is relative to the paper; light ink adds to it.
fn against(mut grey: Plane, paper: &Plane, factor: usize, tone: Tone) -> Plane {
    let along = |len: usize, count: usize| -> Vec<(usize, usize, u32)> {
        // The centre of pixel x of the picture, in pixels of the small one, in 1/256.
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

/// Least part of the pixels that ink covers, to tell it from a few stray ones: a digit of 15
/// millimetres in thin ballpoint on a photographed sheet of A4 covers twice as much.
const LEAST_INK: f64 = 0.000_15;

/// The part of full ink from which on a pixel is ink.
const INK_PART: f64 = 0.4;

/// The threshold of ink, and the amount that full ink has.
fn levels(amount: &Plane) -> Option<(u8, u8)> {
    let counts = histogram(&amount.values);
    let strongest = counts.below(1.0 - LEAST_INK);
    // The middle of what is clearly ink, as specks and noise may be stronger.
    let clear = strongest / 2;
    let full = counts.above(clear).below(0.5).max(1);
    // Most pixels are paper: their spread is that of noise.
    let noise = counts.below(0.5).saturating_mul(2).saturating_add(6);
    let threshold = ((f64::from(full) * INK_PART) as u8).max(noise);
    (full >= LEAST_CONTRAST_UNEVEN && threshold < full).then_some((threshold, full))
}

/// Dark details narrower than `2 * reach + 1` pixels filled with what surrounds them.
pub(super) fn closing(plane: &Plane, reach: usize) -> Plane {
    squares(&squares(plane, reach, u8::max), reach, u8::min)
}

/// The same for light details.
pub(super) fn opening(plane: &Plane, reach: usize) -> Plane {
    squares(&squares(plane, reach, u8::min), reach, u8::max)
}

/// The greatest (or least) value of the square of `2 * reach + 1` pixels around each.
pub(super) fn squares(plane: &Plane, reach: usize, pick: fn(u8, u8) -> u8) -> Plane {
    let rows = windows(&plane.values, plane.width, reach, pick);
    let turned = transposed(&rows, plane.width);
    let columns = windows(&turned, plane.height, reach, pick);
    Plane {
        width: plane.width,
        height: plane.height,
        values: transposed(&columns, plane.height),
    }
}

fn windows(values: &[u8], width: usize, reach: usize, pick: fn(u8, u8) -> u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len());
    for row in values.chunks_exact(width) {
        for x in 0..width {
            let window = &row[x.saturating_sub(reach)..(x + reach + 1).min(width)];
            out.push(window.iter().copied().fold(row[x], pick));
        }
    }
    out
}

fn transposed(values: &[u8], width: usize) -> Vec<u8> {
    (0..width)
        .flat_map(|x| values.iter().skip(x).step_by(width).copied())
        .collect()
}

/// The least and the greatest value.
pub(super) fn extremes(values: &[u8]) -> (u8, u8) {
    values.iter().fold((u8::MAX, 0), |(least, most), &value| {
        (least.min(value), most.max(value))
    })
}

pub(super) fn histogram(values: &[u8]) -> Histogram {
    // Four tables, because equal neighbours would wait for each other on one.
    let mut counts = [[0_usize; 256]; 4];
    for chunk in values.chunks(4) {
        for (&value, counts) in chunk.iter().zip(&mut counts) {
            counts[usize::from(value)] += 1;
        }
    }
    Histogram(std::array::from_fn(|level| {
        counts.iter().map(|counts| counts[level]).sum()
    }))
}

/// How often each grey level occurs on the border.
fn border(plane: &Plane) -> Histogram {
    let mut counts = [0; 256];
    for value in plane.border() {
        counts[usize::from(value)] += 1;
    }
    Histogram(counts)
}

pub(super) struct Histogram(pub(super) [usize; 256]);

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

    /// The part of the pixels that are at most `stray` levels from this one.
    fn near(&self, level: u8, stray: u8) -> f64 {
        let levels = level.saturating_sub(stray)..=level.saturating_add(stray);
        let near: usize = levels.map(|level| self.0[usize::from(level)]).sum();
        near as f64 / self.0.iter().sum::<usize>().max(1) as f64
    }

    /// Only the pixels above a level.
    fn above(&self, level: u8) -> Self {
        let mut counts = self.0;
        counts[..=usize::from(level)].fill(0);
        Self(counts)
    }
}
