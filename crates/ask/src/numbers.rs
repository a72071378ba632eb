//! Several digits of one image: numbers, forms, sudokus.

use bakeoff_core::{ImageShape, Images, PredictError, Preparation};
use bakeoff_picture::{Digit, PictureError, Place, numbers};
use serde::Serialize;

use crate::models::{Answer, Doubt, Model};

/// A class and its probability.
#[derive(Clone, Debug, Serialize)]
pub struct ClassProbability {
    /// The name of the class.
    pub class: String,
    /// Its probability.
    pub probability: f32,
}

/// A digit that was read.
#[derive(Clone, Debug, Serialize)]
pub struct ReadDigit {
    /// The name of its class.
    pub class: String,
    /// The probability of that class.
    pub probability: f32,
    /// Why the answer is to be doubted, if it is.
    pub doubt: Option<Doubt>,
    /// Where its ink is in the image, in pixels.
    #[serde(rename = "box")]
    pub place: Place,
    /// The most probable classes, the most probable first.
    pub top: Vec<ClassProbability>,
    /// The digit as the model sees it, row by row.
    #[serde(skip)]
    pub pixels: Vec<u8>,
}

/// What a model reads in an image.
#[derive(Clone, Debug, Serialize)]
pub struct ReadNumbers {
    /// The rows from the top, one a line. Digits of a table have a space between them, and an empty
    /// cell is a point.
    pub text: String,
    /// Whether the digits stand in printed cells.
    pub table: bool,
    /// Rows from the top, each from the left; an empty cell is `None`.
    pub rows: Vec<Vec<Option<ReadDigit>>>,
    /// What may make the answers less reliable.
    pub warnings: Vec<String>,
}

/// Why no numbers are read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NumbersError {
    /// The image cannot be prepared, or nothing is drawn in it.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The model was trained on other images than of ink.
    #[error(
        "{model} was trained on images as they are, and digits are found by their ink: ask a model that was trained on MNIST or on images placed like MNIST's"
    )]
    NotInk {
        /// The name of the model.
        model: String,
    },
    /// The model cannot answer.
    #[error(transparent)]
    Predict(#[from] PredictError),
}

/// So many classes are told of each digit.
const TOP: usize = 3;

impl Model {
    /// Reads the digits of an image.
    ///
    /// # Errors
    /// When the image cannot be read or has no ink, and when the model is not one of ink.
    pub fn read_numbers(&self, bytes: &[u8]) -> Result<ReadNumbers, NumbersError> {
        let manifest = &self.saved.manifest;
        let shape = manifest.input_shape;
        if manifest.preparation() != Preparation::Ink || shape.channels != 1 {
            return Err(NumbersError::NotInk {
                model: self.name().to_owned(),
            });
        }
        let found = numbers(bytes, shape)?;
        let rows = self.joined(found.rows, shape)?;
        let mut answers = self
            .all_answers(rows.iter().flatten().flatten(), shape)?
            .into_iter();
        let mut read = |digit: &Digit| {
            let answer = answers.next()?;
            let class = |at: usize| ClassProbability {
                class: self.class_name(at).to_owned(),
                probability: answer.probabilities[at],
            };
            let ClassProbability {
                class: name,
                probability,
            } = class(usize::from(answer.label));
            Some(ReadDigit {
                class: name,
                probability,
                doubt: answer.doubt(),
                place: digit.place,
                top: answer.ranked().into_iter().take(TOP).map(class).collect(),
                pixels: digit.images.pixels().to_vec(),
            })
        };
        let rows: Vec<Vec<Option<ReadDigit>>> = rows
            .iter()
            .map(|row| row.iter().map(|digit| read(digit.as_ref()?)).collect())
            .collect();
        Ok(ReadNumbers {
            text: text(&rows, found.is_table),
            table: found.is_table,
            rows,
            warnings: found.warnings.iter().map(ToString::to_string).collect(),
        })
    }

    /// The answers to digits, in their order.
    fn all_answers<'a>(
        &self,
        digits: impl Iterator<Item = &'a Digit>,
        shape: ImageShape,
    ) -> Result<Vec<Answer>, NumbersError> {
        let pixels: Vec<u8> = digits
            .flat_map(|digit| digit.images.pixels())
            .copied()
            .collect();
        let images = Images::new(shape, pixels).map_err(|_| PictureError::Target { shape })?;
        Ok(self.answers(&images)?)
    }

    /// The rows with two digits that seem to touch as one where that is a digit beyond doubt.
    fn joined(
        &self,
        rows: Vec<Vec<Option<Digit>>>,
        shape: ImageShape,
    ) -> Result<Vec<Vec<Option<Digit>>>, NumbersError> {
        let wholes = rows.iter().flatten().flatten();
        let wholes = wholes.filter_map(|digit| digit.whole.as_deref());
        let mut answers = self.all_answers(wholes, shape)?.into_iter();
        let mut join = |row: Vec<Option<Digit>>| {
            let mut out = Vec::with_capacity(row.len());
            let mut row = row.into_iter();
            while let Some(mut digit) = row.next() {
                let whole = digit.as_mut().and_then(|digit| digit.whole.take());
                if let Some(whole) = whole
                    && answers
                        .next()
                        .is_some_and(|answer| answer.doubt().is_none())
                {
                    // Its right part is the next one.
                    row.next();
                    digit = Some(*whole);
                }
                out.push(digit);
            }
            out
        };
        Ok(rows.into_iter().map(&mut join).collect())
    }
}

fn text(rows: &[Vec<Option<ReadDigit>>], is_table: bool) -> String {
    let between = if is_table { " " } else { "" };
    let class = |digit: &Option<ReadDigit>| match digit {
        Some(digit) => digit.class.clone(),
        None => ".".to_owned(),
    };
    let line =
        |row: &Vec<Option<ReadDigit>>| row.iter().map(class).collect::<Vec<_>>().join(between);
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
