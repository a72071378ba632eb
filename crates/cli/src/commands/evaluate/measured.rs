//! What a model answered about a dataset.

use std::cmp::Ordering;

use anyhow::Context as _;
use bakeoff_ask::{Doubt, Model};
use bakeoff_core::Probabilities;
use bakeoff_metrics::Evaluation;
use bakeoff_report::{Confusions, Outcome, Tally};

use super::{reading::Reading, shown::Shown};

/// The answer to an image that could be shown.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    /// A class of the model.
    pub(super) class: u16,
    /// Its probability.
    pub(super) confidence: f32,
    /// Why it is to be doubted, if it is.
    pub(super) doubt: Option<Doubt>,
    /// The position of the image among those that could be shown.
    pub(super) seen: usize,
}

/// What a model answered about a dataset.
pub(super) struct Measured {
    /// The model's full name.
    pub(super) model: String,
    /// Those of the model.
    pub(super) class_names: Vec<String>,
    /// For each image its class among those of the model.
    pub(super) labels: Vec<u16>,
    /// One for each image.
    pub(super) answers: Vec<Option<Answer>>,
    pub(super) tally: Tally,
    pub(super) confusions: Confusions,
    /// Of the images with an answer; `None` if there are none.
    pub(super) evaluation: Option<Evaluation>,
    pub(super) notes: Vec<String>,
}

impl Measured {
    /// Asks a model.
    pub(super) fn new(shown: &Shown, reading: &Reading, model: &Model) -> anyhow::Result<Self> {
        let class_names = &model.saved.manifest.facts.class_names;
        let labels = by_name(shown, model)?;
        let asked = match shown.images.is_empty() {
            true => Vec::new(),
            false => model
                .answers(&shown.images)
                .with_context(|| format!("{} on `{}`", model.name(), shown.dataset))?,
        };
        let mut given = asked.iter().enumerate();
        let answers: Vec<Option<Answer>> = shown
            .fates
            .iter()
            .map(|fate| {
                fate.as_ref().ok()?;
                let (seen, answer) = given.next()?;
                Some(Answer {
                    class: answer.label,
                    confidence: answer.confidence(),
                    doubt: answer.doubt(),
                    seen,
                })
            })
            .collect();
        let outcomes: Vec<Outcome> = labels
            .iter()
            .zip(&answers)
            .map(|(&label, answer)| Outcome {
                label,
                answer: answer.map(|answer| answer.class),
                unsure: answer.is_some_and(|answer| answer.doubt.is_some()),
            })
            .collect();
        let answered = labels.iter().zip(&answers);
        let answered: Vec<u16> = answered
            .filter_map(|(label, answer)| answer.map(|_| *label))
            .collect();
        let evaluation = match asked.is_empty() {
            true => None,
            false => {
                let rows = asked.into_iter().flat_map(|it| it.probabilities);
                let probabilities = Probabilities::new(class_names.len(), rows.collect())?;
                Some(Evaluation::new(&answered, &probabilities)?)
            }
        };
        let warning = reading.warning.map(String::from);
        Ok(Self {
            model: model.name().to_owned(),
            class_names: class_names.clone(),
            tally: Tally::of(&outcomes),
            confusions: Confusions::of(class_names, &outcomes),
            evaluation,
            labels,
            answers,
            notes: warning.into_iter().chain(shown.notes.clone()).collect(),
        })
    }

    /// The name of a class.
    pub(super) fn class(&self, class: u16) -> &str {
        self.class_names
            .get(usize::from(class))
            .map_or("", String::as_str)
    }

    /// The images that were answered wrongly, the most confident first.
    pub(super) fn misses(&self) -> Vec<(usize, Answer)> {
        let answers = self.answers.iter().zip(&self.labels).enumerate();
        let mut misses: Vec<(usize, Answer)> = answers
            .filter_map(|(at, (answer, label))| {
                let answer = (*answer)?;
                (answer.class != *label).then_some((at, answer))
            })
            .collect();
        // Equals stay in the order of the images.
        misses.sort_by(|(_, a), (_, b)| {
            let order = b.confidence.partial_cmp(&a.confidence);
            order.unwrap_or(Ordering::Equal)
        });
        misses
    }
}

/// Whether a model knows every class that the images show.
pub(super) fn knows(shown: &Shown, model: &Model) -> bool {
    let places = places(shown, model);
    let mut labels = shown.labels.iter();
    labels.all(|label| matches!(places.get(usize::from(*label)), Some(Some(_))))
}

/// For each class of the dataset its place among those of the model.
fn places(shown: &Shown, model: &Model) -> Vec<Option<u16>> {
    let classes = &model.saved.manifest.facts.class_names;
    let place = |name| {
        let place = classes.iter().position(|class| class == name)?;
        u16::try_from(place).ok()
    };
    shown.class_names.iter().map(place).collect()
}

/// The label of each image among the classes of the model. A person's own images rarely show all
/// classes; a class without images is no matter.
fn by_name(shown: &Shown, model: &Model) -> anyhow::Result<Vec<u16>> {
    let classes = &model.saved.manifest.facts.class_names;
    let places = places(shown, model);
    let place = |label: &u16| places.get(usize::from(*label)).copied().flatten();
    let labels: Option<Vec<u16>> = shown.labels.iter().map(place).collect();
    labels.with_context(|| {
        let names = shown.class_names.iter().enumerate();
        let unknown: Vec<&str> = names
            .filter(|(class, _)| {
                let occurs = shown
                    .labels
                    .iter()
                    .any(|label| usize::from(*label) == *class);
                occurs && places[*class].is_none()
            })
            .map(|(_, name)| name.as_str())
            .collect();
        format!(
            "{} knows {} classes ({}), `{}` has {} ({}), of which {} {} unknown to the model. \
             Classes are matched by name, and upper and lower case differ: rename them, or name \
             them in a classes.txt",
            model.name(),
            classes.len(),
            classes.join(", "),
            shown.dataset,
            shown.class_names.len(),
            shown.class_names.join(", "),
            unknown.join(", "),
            if unknown.len() == 1 { "is" } else { "are" },
        )
    })
}
