//! The page with the misses as images.

use bakeoff_core::{Colour, Fit, ImageShape};
use bakeoff_data::{LabelledFiles, Listed};
use bakeoff_picture::{Planes, RawPicture, encode_png};
use bakeoff_report::{Evaluated, EvaluatedImage, MOST_CARDS, evaluated};
use rayon::prelude::*;

use super::{
    measured::{Answer, Measured},
    reading::Reading,
    shown::Shown,
};

/// The longer side of an image on the page, in pixels.
const LONGEST_SIDE: usize = 280;

pub(super) fn page(
    dataset: &str,
    reading: &Reading,
    shown: &Shown,
    measured: &Measured,
) -> anyhow::Result<String> {
    let listed;
    let files: Option<&LabelledFiles> = match &shown.files {
        Some(files) => Some(files),
        // Images that were read as they are: their files are still there.
        None if shown.are_files => {
            listed = bakeoff_data::open_listed(dataset, &reading.options, reading.learned)?;
            match &listed {
                Listed::Files(files) => Some(files),
                Listed::Pixels(_) => None,
            }
        }
        None => None,
    };
    let misses = measured.misses();
    let misses: Vec<(usize, Option<Answer>)> = misses
        .into_iter()
        .map(|(at, answer)| (at, Some(answer)))
        .take(MOST_CARDS)
        .collect();
    let unanswered = shown.fates.iter().enumerate();
    let unanswered: Vec<(usize, Option<Answer>)> = unanswered
        .filter(|(_, fate)| fate.is_err())
        .map(|(at, _)| (at, None))
        .take(MOST_CARDS)
        .collect();
    let cards = |images: Vec<(usize, Option<Answer>)>| {
        let cards = images.into_par_iter();
        cards
            .map(|(at, answer)| card(shown, measured, files, at, answer))
            .collect()
    };
    let page = evaluated(Evaluated {
        model: &measured.model,
        dataset: &shown.dataset,
        tally: measured.tally,
        confusions: &measured.confusions,
        notes: &measured.notes,
        misses: cards(misses),
        unanswered: cards(unanswered),
    })?;
    Ok(page)
}

fn card(
    shown: &Shown,
    measured: &Measured,
    files: Option<&LabelledFiles>,
    at: usize,
    answer: Option<Answer>,
) -> EvaluatedImage {
    let file = &shown.names[at];
    let shape = shown.images.shape();
    let seen = answer.and_then(|answer| shown.images.get(answer.seen));
    EvaluatedImage {
        file: file.clone(),
        label: measured.class(measured.labels[at]).to_owned(),
        answer: answer.map(|answer| {
            let class = measured.class(answer.class).to_owned();
            (class, f64::from(answer.confidence))
        }),
        remarks: match &shown.fates[at] {
            Ok(warnings) => warnings.clone(),
            Err(reason) => vec![reason.clone()],
        },
        picture: files.and_then(|files| small_png(&files.read(file).ok()?)),
        // Images of two channels, or of five, cannot be looked at.
        seen: seen.and_then(|pixels| encode_png(shape, pixels).ok()),
    }
}

/// An image as it is, as PNG, made smaller where it is large; `None` if it is damaged.
fn small_png(bytes: &[u8]) -> Option<Vec<u8>> {
    let raw = RawPicture::decode(bytes).ok()?;
    let (width, height) = (raw.width, raw.height);
    let longer = width.max(height).max(LONGEST_SIDE);
    let side = |side: usize| (side * LONGEST_SIDE / longer).max(1);
    let colour = if raw.is_grey() {
        Colour::Grey
    } else {
        Colour::Rgb
    };
    let planes = Planes {
        height,
        width,
        values: raw.into_planes(false),
    };
    let small = planes
        .coloured(colour)
        .fitted([side(height), side(width)], Fit::Stretch);
    let shape = ImageShape::new(small.channels(), small.height, small.width);
    encode_png(shape, &small.values).ok()
}
