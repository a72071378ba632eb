//! Several digits: numbers in rows, and the cells of forms and of sudokus.

use bakeoff_core::{ImageShape, Images};
use serde::Serialize;

use crate::{
    components::{Component, Connectivity, components},
    decode,
    error::PictureError,
    frame, lines,
    log::Log,
    paper::Ink,
    pieces::{Piece, cut_out, cuts, pieces, rows, usual_height},
    place,
    plane::Rect,
    sheet::Sheet,
    specks,
    steps::{Tone, Warning},
};

/// More components than this are no digits, but texture; a digit has hardly more than four.
const MOST_COMPONENTS: usize = 8000;

/// A rectangle of an image, in pixels of the image as it is seen upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Columns left of it.
    pub left: usize,
    /// Rows above it.
    pub top: usize,
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
}

/// A digit of several, as a model sees it.
#[derive(Clone, Debug)]
pub struct Digit {
    /// Where its ink is.
    pub place: Place,
    /// A batch of one, of the shape that was requested.
    pub images: Images,
    /// Where it is the left one of two that seem to touch: both of them as one digit, because some people
    /// write wide ones.
    pub whole: Option<Box<Digit>>,
}

/// The digits of an image.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// Rows from the top, each from the left; an empty cell of a table is `None`.
    pub rows: Vec<Vec<Option<Digit>>>,
    /// Whether they stand in printed cells.
    pub is_table: bool,
    /// What may make the answers less certain.
    pub warnings: Vec<Warning>,
}

/// Finds the digits of an image and prepares each as [`prepare`](crate::prepare()) prepares a
/// single one for models of grey images of ink.
///
/// # Errors
/// When the bytes are no image, damaged or too large, when there is no ink, or when the target is
/// not grey.
pub fn numbers(bytes: &[u8], target: ImageShape) -> Result<Numbers, PictureError> {
    if target.channels != 1 || target.pixels() == 0 {
        return Err(PictureError::Target { shape: target });
    }
    let mut log = Log::default();
    let (grey, alpha) = decode::decode(bytes, &mut log)?.into_grey();
    let (sheet, ink) = Sheet::with_ink(grey, alpha, target, &mut log)?;
    let cells = frame::cells(&sheet.grey, &ink);
    // Where a cell has several drawings, it is none.
    let cells = match cells.is_empty() {
        true => None,
        false => match table(&sheet, &cells, ink.tone, target) {
            Err(PictureError::SeveralPieces { .. }) => None,
            rows => Some(rows?),
        },
    };
    let is_table = cells.is_some();
    let rows = match cells {
        Some(rows) => rows,
        None => {
            let ink = sheet.inside_box(ink, target, &mut log)?;
            number(ink, target, &mut log)?
        }
    };
    if rows.iter().flatten().all(Option::is_none) {
        return Err(PictureError::NothingDrawn);
    }
    Ok(Numbers {
        rows,
        is_table,
        warnings: log.warnings,
    })
}

/// The cells of a table, each by itself.
fn table(
    sheet: &Sheet,
    cells: &[frame::Cell],
    tone: Tone,
    target: ImageShape,
) -> Result<Vec<Vec<Option<Digit>>>, PictureError> {
    let places: Vec<Rect> = cells.iter().map(|cell| cell.rect).collect();
    rows(&places)
        .into_iter()
        .map(|row| {
            row.into_iter()
                .map(|at| in_cell(sheet, &cells[at], tone, target))
                .collect()
        })
        .collect()
}

/// What is drawn in a cell; `None` where nothing is.
fn in_cell(
    sheet: &Sheet,
    cell: &frame::Cell,
    tone: Tone,
    target: ImageShape,
) -> Result<Option<Digit>, PictureError> {
    if !cell.is_filled {
        return Ok(None);
    }
    let mut log = Log::default();
    let part = sheet.part(frame::inside(&sheet.grey, cell, tone), cell.rect);
    let drawn = part.own_ink(target, &mut log).and_then(|mut ink| {
        specks::erase(&mut ink, &mut log)?;
        Ok(ink)
    });
    match drawn {
        Ok(ink) => digit(ink, target).map(Some),
        Err(PictureError::NothingDrawn) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The digits of ink without cells.
fn number(
    mut ink: Ink,
    target: ImageShape,
    log: &mut Log,
) -> Result<Vec<Vec<Option<Digit>>>, PictureError> {
    lines::erase(&mut ink, log)?;
    place::warn(&ink, log);
    let (runs, components) = components(&ink.amount, ink.threshold, Connectivity::Eight);
    let drawn = |at: usize| specks::is_drawn(&components[at], &ink);
    if (0..components.len()).filter(|&at| drawn(at)).count() > MOST_COMPONENTS {
        return Err(PictureError::NothingDrawn);
    }
    let found = of_one_size(pieces(&components, drawn), &components);
    if found.is_empty() {
        return Err(PictureError::NothingDrawn);
    }
    let bounds: Vec<Rect> = found.iter().map(|piece| piece.bounds).collect();
    let usual = usual_height(&bounds);
    let mut parts: Vec<(Rect, usize)> = Vec::with_capacity(found.len());
    for (at, piece) in found.iter().enumerate() {
        let [mut from, right] = piece.bounds.columns();
        for to in cuts(&ink.amount, ink.threshold, piece.bounds, usual)
            .into_iter()
            .chain([right])
        {
            parts.push((
                Rect {
                    left: from,
                    width: to - from,
                    ..piece.bounds
                },
                at,
            ));
            from = to;
        }
    }
    let places: Vec<Rect> = parts.iter().map(|part| part.0).collect();
    let part = |bounds: Rect, piece: &Piece| {
        let fringe = bounds.longer_side().div_ceil(60);
        // Digits that touch end where they were parted.
        let rect = match bounds.width == piece.bounds.width {
            true => bounds.grown(fringe, ink.amount.size()),
            false => bounds,
        };
        let amount = cut_out(
            &ink.amount,
            &runs,
            |at| piece.parts.contains(&at),
            rect,
            fringe,
        );
        let cut = [ink.cut[0] + rect.left, ink.cut[1] + rect.top];
        digit(Ink { amount, cut, ..ink }, target)
    };
    let one = |at: usize| {
        let (bounds, of) = parts[at];
        let piece = &found[of];
        let is_left_of_two = bounds.left == piece.bounds.left
            && bounds.width < piece.bounds.width
            && parts.iter().filter(|part| part.1 == of).count() == 2;
        let mut digit = part(bounds, piece)?;
        if is_left_of_two {
            digit.whole = Some(Box::new(part(piece.bounds, piece)?));
        }
        Ok(Some(digit))
    };
    rows(&places)
        .into_iter()
        .map(|row| row.into_iter().map(one).collect())
        .collect()
}

/// Least part of the usual height of digits that one has: the others are points, strokes of
/// letters, and what is left of lines.
const USUAL: f64 = 0.4;

/// Pieces that are about as high as most of the ink is.
fn of_one_size(mut pieces: Vec<Piece>, components: &[Component]) -> Vec<Piece> {
    let mass = |piece: &Piece| {
        piece
            .parts
            .iter()
            .map(|&at| components[at].mass)
            .sum::<u64>()
    };
    pieces.sort_by_key(|piece| piece.bounds.height);
    let all: u64 = pieces.iter().map(mass).sum();
    let mut seen = 0;
    let usual = pieces.iter().find(|piece| {
        seen += mass(piece);
        2 * seen >= all
    });
    let least = USUAL * usual.map_or(0, |piece| piece.bounds.height) as f64;
    pieces.retain(|piece| piece.bounds.height as f64 >= least);
    pieces
}

/// A digit of the ink that is left, as a model sees it.
fn digit(ink: Ink, target: ImageShape) -> Result<Digit, PictureError> {
    let Rect {
        left,
        top,
        width,
        height,
    } = ink.amount.bounding_box(ink.threshold);
    let ([cut_left, cut_top], factor) = (ink.cut, ink.factor);
    let place = Place {
        left: (cut_left + left) * factor,
        top: (cut_top + top) * factor,
        width: width * factor,
        height: height * factor,
    };
    let pixels = place::like_mnist(ink, target, &mut Log::default());
    let images = Images::new(target, pixels).map_err(|_| PictureError::Target { shape: target })?;
    Ok(Digit {
        place,
        images,
        whole: None,
    })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]
mod tests;
