//! From arrays of images and labels to a part of a dataset, whatever file they come from.

use std::path::Path;

use bakeoff_core::{ImageShape, Images};
use bakeoff_npy::{Array, Elements};

use crate::{
    colour_order::to_planes, context::Context, error::DataError, idx::times, pixel_range::Numbers,
};

/// Images of an array: N×H×W, N×H×W×C, N×C×H×W, or N×P where P pixels are a square.
///
/// The channels are the dimension of 1 or 3; where both could be, they come first. Numbers that
/// are no bytes are scaled as in a table: fractions from 0 to 1 by 255, what is stated otherwise.
pub(crate) fn images(
    path: &Path,
    what: &str,
    array: Array,
    context: &mut Context<'_>,
) -> Result<Images, DataError> {
    let wrong = |problem: String| DataError::invalid(path, format!("{what}: {problem}"));
    let is_colour = |channels: usize| channels == 1 || channels == 3;
    let dims = array.dims.clone();
    let mut pixels_last = false;
    let shape = match *dims.as_slice() {
        [_, height, width] => ImageShape::new(1, height, width),
        [_, height, width, channels] if is_colour(channels) && !is_colour(height) => {
            pixels_last = channels > 1;
            ImageShape::new(channels, height, width)
        }
        [_, channels, height, width] if is_colour(channels) => {
            ImageShape::new(channels, height, width)
        }
        [_, pixels] => square(pixels).ok_or_else(|| {
            wrong(format!(
                "{pixels} values in a row are no square image, grey or RGB"
            ))
        })?,
        _ => {
            return Err(wrong(format!(
                "an array of {} holds no images: they are N×H×W, N×H×W×3, N×3×H×W or N×pixels",
                times(&dims)
            )));
        }
    };
    let bytes = bytes(array, context).map_err(&wrong)?;
    let bytes = if pixels_last {
        to_planes(&bytes, shape)
    } else {
        bytes
    };
    Images::new(shape, bytes)
        .ok()
        .filter(|images| !images.is_empty())
        .ok_or_else(|| wrong(format!("an array of {} holds no images", times(&dims))))
}

/// The shape of so many values in a row.
fn square(values: usize) -> Option<ImageShape> {
    [1, 3].into_iter().find_map(|channels| {
        let side = (values / channels).isqrt();
        (side > 1 && side * side * channels == values)
            .then(|| ImageShape::new(channels, side, side))
    })
}

/// Numbers as bytes.
fn bytes(array: Array, context: &mut Context<'_>) -> Result<Vec<u8>, String> {
    if let (true, Elements::Bytes(values)) = (array.truths, &array.elements) {
        context.note("pixels that are true or false are taken as white or black");
        return Ok(values
            .iter()
            .map(|&value| 255 * u8::from(value != 0))
            .collect());
    }
    let known = context.options.pixel_max.is_some() || context.learned.is_some();
    let values: Vec<f64> = match array.elements {
        Elements::Bytes(values) if !known && context.range != Some([0.0, 1.0]) => {
            let brightest = values.iter().max().copied().unwrap_or_default();
            context.brightest(f64::from(brightest));
            context.range.get_or_insert([0.0, 255.0]);
            return Ok(values);
        }
        Elements::Bytes(values) => values.into_iter().map(f64::from).collect(),
        Elements::Integers(values) => values.into_iter().map(|value| value as f64).collect(),
        Elements::Floats(values) => values,
        Elements::Texts(_) => return Err("an array of texts holds no images".into()),
    };
    let limit = context.most();
    if let Some(value) = values.iter().find(|value| !(0.0..=limit).contains(*value)) {
        return Err(format!(
            "{value} is no pixel, a number from 0 to {limit}: multiply the array to 0 to 255 and save it as uint8, or state what stands for white, as in --pixel-max 65535"
        ));
    }
    let numbers = Numbers {
        least: 0.0,
        most: values.iter().copied().fold(0.0, f64::max),
        fractions: values.iter().any(|value| value.fract() != 0.0),
    };
    let white = context
        .ranges(&[numbers])?
        .first()
        .map_or(255.0, |[_, white]| *white);
    let factor = 255.0 / white;
    // Within 0 to 255 by the checks above.
    Ok(values
        .into_iter()
        .map(|value| (value * factor).round() as u8)
        .collect())
}

/// Labels of an array: N or N×1 whole numbers or texts, or N×K with a single 1 in each row.
pub(crate) fn labels(path: &Path, what: &str, array: Array) -> Result<Vec<String>, DataError> {
    let wrong = |problem: String| DataError::invalid(path, format!("{what}: {problem}"));
    let dims = array.dims.clone();
    let per_row: usize = dims.iter().skip(1).product();
    let whole: Vec<i64> = match array.elements {
        Elements::Texts(texts) if per_row == 1 => return Ok(texts),
        Elements::Texts(_) => return Err(wrong("more than one label for each image".into())),
        Elements::Bytes(values) => values.into_iter().map(i64::from).collect(),
        Elements::Integers(values) => values,
        Elements::Floats(values) => values
            .into_iter()
            .map(|value| {
                (value.fract() == 0.0 && (0.0..65_536.0).contains(&value)).then_some(value as i64)
            })
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("labels are whole numbers or texts".into()))?,
    };
    let whole = match per_row {
        1 => whole,
        0 => return Err(wrong("there are no labels".into())),
        _ => whole
            .chunks_exact(per_row)
            .map(|row| {
                let ones = row.iter().filter(|&&value| value == 1).count();
                let zeros = row.iter().filter(|&&value| value == 0).count();
                let place = row.iter().position(|&value| value == 1)?;
                (ones == 1 && zeros == per_row - 1).then_some(place as i64)
            })
            .collect::<Option<_>>()
            .ok_or_else(|| {
                wrong(format!(
                    "an array of {} holds more than one label for an image, and a classifier gives one",
                    times(&dims)
                ))
            })?,
    };
    if let Some((at, value)) = whole
        .iter()
        .enumerate()
        .find(|(_, value)| !(0..65_535).contains(*value))
    {
        return Err(wrong(format!(
            "label {value} of sample {at} is no whole number from 0 to 65534"
        )));
    }
    Ok(whole.into_iter().map(|value| value.to_string()).collect())
}
