//! From a picture to what every model says about it.
//!
//! The picture goes through the same preparation as in `bakeoff predict`, and each model
//! is asked about that one picture alone, so that the page and the shell give the same
//! numbers.

use std::{sync::Arc, time::Instant};

use bakeoff_core::{ImageShape, Images};
use bakeoff_picture::PictureError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    explain::{Explain, Explanation, explain},
    metrics::Metrics,
    problem::{Code, Problem},
    shelf::Served,
    verdict::{Verdict, verdict},
};

/// The shape of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Shape {
    /// 1 for grey, 3 for RGB.
    pub(crate) channels: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
}

impl From<ImageShape> for Shape {
    fn from(shape: ImageShape) -> Self {
        Self {
            channels: shape.channels,
            height: shape.height,
            width: shape.width,
        }
    }
}

/// What models saw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Seen {
    /// Its shape.
    shape: Shape,
    /// Grey levels from 0 to 255, light ink on dark ground, channel by channel and row
    /// by row; they can be sent again as `pixels`.
    pixels: Vec<u8>,
    /// What was done to the picture, in order.
    steps: Vec<String>,
    /// What may make the answers less sure.
    warnings: Vec<String>,
}

/// How probable a model finds a class.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClassProbability {
    /// The class's name.
    class: String,
    /// From 0 to 1; the probabilities of all classes sum to 1.
    probability: f32,
}

/// What one model says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Prediction {
    /// The model's name.
    pub(crate) model: String,
    /// Which of `inputs` it saw.
    input: usize,
    /// The name of the most probable class.
    pub(crate) class: String,
    /// Its position among the classes, from 0.
    label: u16,
    /// Its probability.
    pub(crate) confidence: f32,
    /// Every class in the model's order.
    probabilities: Vec<ClassProbability>,
    /// How long the model took for this picture alone, in microseconds.
    latency_us: f64,
    /// Why, as far as the model can tell and was asked to.
    #[serde(skip_serializing_if = "Explanation::is_empty")]
    explanation: Explanation,
}

/// A model that could not answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Failure {
    /// The model's name.
    model: String,
    /// Why.
    reason: String,
}

/// What the models say about a picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answers {
    /// What the models saw: one entry for each shape of pictures that models take.
    inputs: Vec<Seen>,
    /// The answers, the model with the best test accuracy first.
    pub(crate) predictions: Vec<Prediction>,
    /// Models that could not answer.
    failures: Vec<Failure>,
    /// Whether they agree, in words.
    verdict: Verdict,
}

/// What is asked about.
pub(crate) enum Subject {
    /// The bytes of a PNG or JPEG, to be prepared.
    Picture(axum::body::Bytes),
    /// A picture's values as a model sees them, taken as they are.
    Pixels(Vec<u8>),
}

struct Prepared {
    shape: ImageShape,
    images: Images,
    seen: Seen,
}

impl Subject {
    fn prepare(&self, shape: ImageShape) -> Result<Prepared, Problem> {
        let (images, steps, warnings) = match self {
            Self::Picture(bytes) => {
                let done = bakeoff_picture::prepare(bytes, shape)?;
                let steps = done.steps.iter().map(ToString::to_string).collect();
                let warnings = done.warnings.iter().map(ToString::to_string).collect();
                (done.images, steps, warnings)
            }
            Self::Pixels(pixels) => {
                let images = Images::new(shape, pixels.clone())
                    .ok()
                    .filter(|images| images.len() == 1)
                    .ok_or_else(|| {
                        Problem::invalid(format!(
                            "`pixels` has {} values; a picture of {shape} has {}",
                            pixels.len(),
                            shape.pixels()
                        ))
                    })?;
                if pixels.windows(2).all(|pair| pair[0] == pair[1]) {
                    return Err(PictureError::NothingDrawn.into());
                }
                (images, Vec::new(), Vec::new())
            }
        };
        let seen = Seen {
            shape: shape.into(),
            pixels: images.pixels().to_vec(),
            steps,
            warnings,
        };
        Ok(Prepared {
            shape,
            images,
            seen,
        })
    }
}

/// Asks the models about a picture. Pixels are shown to those models that take pictures
/// of so many values, where no model was `named`. Stops between two models when `gone`
/// says that nobody waits any more.
///
/// # Errors
/// When the picture cannot be read or has no ink, and when no model takes such pixels.
pub(crate) fn answer(
    subject: &Subject,
    models: &[Arc<Served>],
    named: bool,
    wanted: &Explain,
    metrics: &Metrics,
    gone: &dyn Fn() -> bool,
) -> Result<Answers, Problem> {
    let mut prepared: Vec<Prepared> = Vec::new();
    let (mut predictions, mut failures) = (Vec::new(), Vec::new());
    for served in models {
        if gone() {
            break;
        }
        let shape = served.model.input_shape();
        let fits = match subject {
            Subject::Pixels(pixels) => named || pixels.len() == shape.pixels(),
            Subject::Picture(_) => true,
        };
        if !fits {
            continue;
        }
        let input = match prepared.iter().position(|other| other.shape == shape) {
            Some(input) => input,
            None => match subject.prepare(shape) {
                Ok(done) => {
                    prepared.push(done);
                    prepared.len() - 1
                }
                // Pictures for this one model cannot be prepared; the others may answer.
                Err(problem) if problem.code() == Code::InvalidRequest && !named => {
                    failures.push(Failure {
                        model: served.name.clone(),
                        reason: problem.to_string(),
                    });
                    continue;
                }
                Err(problem) => return Err(problem),
            },
        };
        match ask(served, &prepared[input].images, input, wanted, metrics) {
            Ok(prediction) => predictions.push(prediction),
            Err(reason) => failures.push(Failure {
                model: served.name.clone(),
                reason,
            }),
        }
    }
    if predictions.is_empty() && failures.is_empty() {
        let takes: Vec<String> = models
            .iter()
            .map(|served| {
                let shape = served.model.input_shape();
                format!("{} takes {shape} = {}", served.name, shape.pixels())
            })
            .collect();
        return Err(Problem::invalid(match subject {
            Subject::Pixels(pixels) => {
                format!("`pixels` has {} values; {}", pixels.len(), takes.join(", "))
            }
            Subject::Picture(_) => "no model answered".into(),
        }));
    }
    Ok(Answers {
        verdict: verdict(&predictions),
        inputs: prepared.into_iter().map(|prepared| prepared.seen).collect(),
        predictions,
        failures,
    })
}

fn ask(
    served: &Served,
    images: &Images,
    input: usize,
    wanted: &Explain,
    metrics: &Metrics,
) -> Result<Prediction, String> {
    let start = Instant::now();
    let probabilities = served
        .model
        .predict_proba(images)
        .map_err(|error| error.to_string())?;
    let took = start.elapsed();
    metrics.answer(&served.name, took);
    let label = *probabilities
        .predicted()
        .first()
        .ok_or("the model gave no answer")?;
    let row = probabilities.row(0);
    let class = usize::from(label);
    let explanation = explain(served, images, label, wanted)?;
    Ok(Prediction {
        model: served.name.clone(),
        input,
        class: served.class_name(class).to_owned(),
        label,
        confidence: row[class],
        probabilities: row
            .iter()
            .enumerate()
            .map(|(class, &probability)| ClassProbability {
                class: served.class_name(class).to_owned(),
                probability,
            })
            .collect(),
        latency_us: took.as_secs_f64() * 1e6,
        explanation,
    })
}
