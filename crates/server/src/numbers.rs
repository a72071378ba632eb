//! The digits that a model reads in an image, as JSON.

use std::sync::Arc;

use bakeoff_ask::{ClassProbability, Doubt, Model, NumbersError, ReadDigit};
use bakeoff_core::ImageShape;
use bakeoff_picture::Place;
use serde::Serialize;

use crate::{
    answer::{Content, Question},
    problem::{Code, Problem},
};

/// A digit that was read.
#[derive(Debug, Serialize)]
struct DigitJson {
    class: String,
    probability: f32,
    unsure: bool,
    doubt: Option<Doubt>,
    #[serde(rename = "box")]
    place: Place,
    top: Vec<ClassProbability>,
    pixels: Vec<u8>,
}

impl From<ReadDigit> for DigitJson {
    fn from(digit: ReadDigit) -> Self {
        Self {
            class: digit.class,
            probability: digit.probability,
            unsure: digit.doubt.is_some(),
            doubt: digit.doubt,
            place: digit.place,
            top: digit.top,
            pixels: digit.pixels,
        }
    }
}

/// What a model reads in an image.
#[derive(Debug, Serialize)]
pub(crate) struct Numbers {
    model: String,
    shape: ImageShape,
    text: String,
    table: bool,
    rows: Vec<Vec<Option<DigitJson>>>,
    warnings: Vec<String>,
}

/// Reads the digits of an image with the first of `models` that is one of ink.
///
/// # Errors
/// When the image cannot be read or has no ink, when no model is one of ink, and when more is
/// asked than that.
pub(crate) fn read(question: &Question, models: &[Arc<Model>]) -> Result<Numbers, Problem> {
    let Content::Picture(bytes) = &question.content else {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "digits are found in image files: send multipart/form-data with a part `picture`, not \
             `pixels`",
        ));
    };
    if question.models.len() > 1 {
        return Err(Problem::invalid("one model reads the digits: name one"));
    }
    if !question.explain.is_empty() {
        return Err(Problem::invalid(
            "several digits are not explained; /api/v1/predict explains the answer to one",
        ));
    }
    let mut refused = Problem::invalid("no model answered");
    for model in models {
        match model.read_numbers(bytes) {
            Ok(read) => {
                return Ok(Numbers {
                    model: model.name().to_owned(),
                    shape: model.saved.manifest.input_shape,
                    text: read.text,
                    table: read.table,
                    rows: read
                        .rows
                        .into_iter()
                        .map(|row| row.into_iter().map(|digit| digit.map(Into::into)).collect())
                        .collect(),
                    warnings: read.warnings,
                });
            }
            Err(error @ NumbersError::NotInk { .. }) => {
                refused = Problem::invalid(error.to_string());
            }
            Err(NumbersError::Picture(error)) => return Err(error.into()),
            Err(error) => return Err(Problem::internal(error)),
        }
    }
    Err(refused)
}
