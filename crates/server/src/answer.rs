//! The answers of models to one image, as JSON.
//!
//! Each model is asked about that one image alone, so that the page and the shell give
//! the same numbers.

use std::sync::Arc;

use bakeoff_ask::{
    ClassProbability, Doubt, ExplainKind, Explanation, Input, InputError, Inputs, Model, Subject,
};
use bakeoff_core::ImageShape;
use serde::Serialize;

use crate::{
    problem::{Code, Problem},
    verdict::{Verdict, verdict},
};

/// What is asked about; a file is kept in the body that it arrived in.
pub(crate) type Content = Subject<axum::body::Bytes>;

/// An image as models see it.
#[derive(Debug, Serialize)]
pub(crate) struct InputJson {
    shape: ImageShape,
    pixels: Vec<u8>,
    steps: Vec<String>,
    warnings: Vec<String>,
}

impl From<Input> for InputJson {
    fn from(input: Input) -> Self {
        Self {
            shape: input.images.shape(),
            pixels: input.images.pixels().to_vec(),
            steps: input.steps,
            warnings: input.warnings,
        }
    }
}

/// What one model answers.
#[derive(Debug, Serialize)]
pub(crate) struct Prediction {
    model: String,
    /// The position of its input in `inputs`.
    input: usize,
    class: String,
    label: u16,
    confidence: f32,
    unsure: bool,
    doubt: Option<Doubt>,
    probabilities: Vec<ClassProbability>,
    latency_us: f64,
    #[serde(skip_serializing_if = "Explanation::is_empty")]
    explanation: Explanation,
}

/// A model that could not answer.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    model: String,
    reason: String,
}

/// What the models answer about an image.
#[derive(Debug, Serialize)]
pub(crate) struct Answers {
    inputs: Vec<InputJson>,
    predictions: Vec<Prediction>,
    failures: Vec<Failure>,
    verdict: Verdict,
}

/// What a request asks for.
pub(crate) struct Question {
    pub(crate) content: Content,
    /// The names of the models to ask; all of them where it is empty.
    pub(crate) models: Vec<String>,
    pub(crate) explain: Vec<ExplainKind>,
}

impl Question {
    /// Whether a model is asked at all: pixels are shown to the models whose images have
    /// so many values, unless models are named.
    fn is_for(&self, shape: ImageShape) -> bool {
        match &self.content {
            Subject::Pixels(pixels) => !self.models.is_empty() || pixels.len() == shape.pixels(),
            Subject::Picture(_) => true,
        }
    }
}

/// Asks the models. Stops between two models when `cancelled` says that nobody waits for
/// the answer any more.
///
/// # Errors
/// When the image cannot be read or has no ink, and when no model takes such pixels.
pub(crate) fn answer(
    question: &Question,
    models: &[Arc<Model>],
    cancelled: &dyn Fn() -> bool,
) -> Result<Answers, Problem> {
    let mut inputs = Inputs::new(&question.content);
    let (mut predictions, mut failures, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for model in models {
        if cancelled() {
            break;
        }
        let shape = model.saved.model.input_shape();
        if !question.is_for(shape) {
            continue;
        }
        let result = match inputs.of(model).map_err(problem_of) {
            Ok((position, input)) => predict(model, position, input, &question.explain),
            // This model's input shape cannot be prepared; the others may answer.
            Err(problem)
                if problem.code() == Code::InvalidRequest && question.models.is_empty() =>
            {
                Err(problem.to_string())
            }
            Err(problem) => return Err(problem),
        };
        match result {
            Ok((prediction, note)) => {
                notes.extend(note.map(|note| (prediction.input, note)));
                predictions.push(prediction);
            }
            Err(reason) => failures.push(Failure {
                model: model.name().to_owned(),
                reason,
            }),
        }
    }
    if predictions.is_empty() && failures.is_empty() {
        return Err(not_asked(&question.content, models));
    }
    let said: Vec<(&str, &str, Option<Doubt>)> = predictions
        .iter()
        .map(|it| (it.model.as_str(), it.class.as_str(), it.doubt))
        .collect();
    let mut noted = inputs.into_vec();
    for (input, note) in notes {
        noted[input].warnings.push(note);
    }
    Ok(Answers {
        verdict: verdict(&said),
        inputs: noted.into_iter().map(Into::into).collect(),
        predictions,
        failures,
    })
}

/// Why no model was asked.
fn not_asked(content: &Content, models: &[Arc<Model>]) -> Problem {
    let Subject::Pixels(pixels) = content else {
        return Problem::invalid("no model answered");
    };
    let takes: Vec<String> = models
        .iter()
        .map(|model| {
            let shape = model.saved.model.input_shape();
            format!("{} takes {shape} = {}", model.name(), shape.pixels())
        })
        .collect();
    Problem::invalid(format!(
        "`pixels` has {} values; {}",
        pixels.len(),
        takes.join(", ")
    ))
}

/// A problem with the image or the pixels.
pub(crate) fn problem_of(error: InputError) -> Problem {
    match error {
        InputError::Picture(error) => error.into(),
        error => Problem::invalid(error.to_string()),
    }
}

/// Asks one model about an image, which is at `position` among all inputs. With the answer may come a note
/// on the image.
fn predict(
    model: &Model,
    position: usize,
    input: &Input,
    explain: &[ExplainKind],
) -> Result<(Prediction, Option<String>), String> {
    let images = &input.images;
    let answer = model.answer(images).map_err(|error| error.to_string())?;
    let note = input
        .answer_as_stored(model, &answer)
        .map_err(|error| error.to_string())?;
    let explanation = model
        .explain(images, answer.label, explain)
        .map_err(|error| error.to_string())?;
    let prediction = Prediction {
        model: model.name().to_owned(),
        input: position,
        class: model.class_name(usize::from(answer.label)).to_owned(),
        label: answer.label,
        confidence: answer.confidence(),
        unsure: answer.doubt().is_some(),
        doubt: answer.doubt(),
        latency_us: answer.took.as_secs_f64() * 1e6,
        probabilities: answer
            .probabilities
            .into_iter()
            .enumerate()
            .map(|(class, probability)| ClassProbability {
                class: model.class_name(class).to_owned(),
                probability,
            })
            .collect(),
        explanation,
    };
    Ok((prediction, note))
}
