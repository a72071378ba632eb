//! Predictions as an array of NumPy.

use std::path::Path;

use bakeoff_npy::{Array, Elements};

use super::read::Answers;
use crate::{
    error::DataError,
    formats::{NamedArray, read_arrays},
    idx::times,
    listing::Listing,
};

pub(super) fn read(
    listing: &Listing,
    file: &str,
    wanted: Option<&str>,
) -> Result<Answers, DataError> {
    let path = listing.path_of(file);
    let arrays = read_arrays(listing, file, "float32")?;
    let array = choose(&path, arrays, wanted)?;
    answers(&path, array)
}

/// The array of that name, or the only one.
fn choose(
    path: &Path,
    mut arrays: Vec<NamedArray>,
    wanted: Option<&str>,
) -> Result<Array, DataError> {
    let names: Vec<String> = arrays.iter().map(|array| array.name.clone()).collect();
    let place = match wanted {
        // One alone bears the name of its file.
        Some(name) if arrays.len() > 1 => names.iter().position(|known| known == name),
        _ => (arrays.len() == 1).then_some(0),
    };
    match place {
        Some(place) => Ok(arrays.swap_remove(place).array),
        None => Err(DataError::invalid(
            path,
            format!(
                "it holds {}: name the one with the predictions with --array",
                match names.is_empty() {
                    true => "no arrays".to_owned(),
                    false => format!("the arrays {}", names.join(", ")),
                }
            ),
        )),
    }
}

fn answers(path: &Path, array: Array) -> Result<Answers, DataError> {
    let invalid = |problem: String| DataError::invalid(path, problem);
    let mut found = Answers {
        path: path.into(),
        rows: array.dims.first().copied().unwrap_or(0),
        ids: None,
        labels: None,
        classes: None,
        width: 0,
        scores: Vec::new(),
        remarks: Vec::new(),
        lines: None,
    };
    if found.rows == 0 {
        return Err(invalid("there are no predictions in it".into()));
    }
    match *array.dims.as_slice() {
        [_] | [_, 1] => found.labels = Some(labels(array.elements).map_err(invalid)?),
        [_, width] => {
            found.width = width;
            found.scores = match array.elements {
                Elements::Floats(values) => values,
                Elements::Bytes(values) => values.into_iter().map(f64::from).collect(),
                Elements::Integers(values) => values.into_iter().map(|n| n as f64).collect(),
                Elements::Texts(_) => {
                    return Err(invalid(
                        "an array of texts with several columns: save probabilities as float32, or one label for each image".into(),
                    ));
                }
            };
        }
        _ => {
            return Err(invalid(format!(
                "an array of {} holds no predictions: save probabilities as images × classes, or one label for each image",
                times(&array.dims)
            )));
        }
    }
    Ok(found)
}

fn labels(elements: Elements) -> Result<Vec<String>, String> {
    let whole = |value: f64| match value.fract() == 0.0 {
        true => Ok(format!("{value}")),
        false => Err(format!(
            "it has one number for each image, and {value} is no label: save a column for each class (of two classes, 1−p and p)"
        )),
    };
    match elements {
        Elements::Bytes(values) => Ok(values.iter().map(u8::to_string).collect()),
        Elements::Integers(values) => Ok(values.iter().map(i64::to_string).collect()),
        Elements::Texts(values) => Ok(values),
        Elements::Floats(values) => values.into_iter().map(whole).collect(),
    }
}
