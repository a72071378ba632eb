//! The section of one model on one dataset.

mod charts;
mod tables;

use bakeoff_measures::{
    ACCURACY, ERRORS, FIT_TIME, LATENCY_P50, LOG_LOSS, MACRO_AUC, MACRO_F1, MODEL_SIZE, format,
};

use self::{
    charts::{class_rocs, confusions, learning},
    tables::{common_mistakes, costs, fit, imported, per_class, settings},
};
use super::{
    figure::{Figure, Figures},
    models::{Place, missing_reason, seed_spread},
    table::Table,
};
use crate::{
    Options,
    analysis::{Entry, Success, Trial},
    charts::{MOST_CLASSES, series_class},
    pictures::{Album, Tile, spread},
};

/// The section of a model.
#[derive(Default)]
pub(crate) struct ModelSection {
    pub(crate) id: String,
    pub(crate) series: &'static str,
    pub(crate) name: String,
    /// The name of the dataset, where there are several.
    pub(crate) dataset: Option<String>,
    /// Family and engine.
    pub(crate) about: String,
    /// Why it has no results.
    pub(crate) reason: Option<String>,
    /// Whether only its predicted classes are known.
    pub(crate) labels_alone: bool,
    /// The most important numbers: name and value.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Remarks on the numbers.
    pub(crate) notes: Vec<String>,
    /// The confusion matrix in several views, each with a short name.
    pub(crate) confusions: Vec<(&'static str, Figure)>,
    pub(crate) common_mistakes: Option<Table>,
    pub(crate) learning: Vec<Figure>,
    /// All classes on one ROC.
    pub(crate) roc: Option<Figure>,
    pub(crate) classes: Option<Table>,
    /// Short tables: costs, fit, settings.
    pub(crate) tables: Vec<Table>,
    /// The same test images for every model.
    pub(crate) gallery: Vec<Shot>,
    pub(crate) mistakes: Vec<Shot>,
}

impl ModelSection {
    /// Whether a confusion matrix needs the whole width of the page.
    pub(crate) fn wide_confusions(&self) -> bool {
        self.confusions.iter().any(|(_, figure)| figure.wide)
    }
}

/// A test image with the prediction of the model.
pub(crate) struct Shot {
    pub(crate) tile: Tile,
    /// For readers who do not see it.
    pub(crate) words: String,
    pub(crate) actual: String,
    pub(crate) predicted: String,
    pub(crate) correct: bool,
    /// Of the predicted class.
    pub(crate) probability: String,
}

/// Everything about a model.
pub(crate) fn section<'a>(
    entry: &Entry<'a>,
    place: &Place,
    dataset: Option<String>,
    options: &Options,
    (album, files): (&mut Album<'a>, &mut Figures<'_>),
) -> ModelSection {
    let spec = entry.spec();
    let section = ModelSection {
        id: place.section.clone(),
        series: series_class(entry.series),
        name: entry.model.to_owned(),
        dataset,
        about: match entry.external() {
            Some(_) => "external: the predictions of another program".to_owned(),
            None => format!("{}, engine {}", spec.family, spec.engine),
        },
        ..ModelSection::default()
    };
    let Some((trial, success)) = entry.example() else {
        return ModelSection {
            reason: Some(missing_reason(entry)),
            tables: settings(entry).into_iter().collect(),
            ..section
        };
    };
    let shown = spread(success.test.len(), options.gallery_pictures);
    let mistakes = confident_mistakes(success, options.mistake_pictures);
    ModelSection {
        labels_alone: success.curves.is_none(),
        facts: facts(entry, success),
        notes: notes(entry, trial, success),
        confusions: confusions(entry, success, files),
        common_mistakes: common_mistakes(success),
        learning: learning(entry, success, files),
        roc: class_rocs(entry, success, files),
        classes: Some(per_class(success)),
        tables: match &success.measured.external {
            Some(external) => vec![imported(external, success)],
            None => [costs(success), fit(success)]
                .into_iter()
                .chain(settings(entry))
                .collect(),
        },
        gallery: shots(success, &shown, album),
        mistakes: shots(success, &mistakes, album),
        ..section
    }
}

fn facts(entry: &Entry<'_>, success: &Success<'_>) -> Vec<(&'static str, String)> {
    let samples = success.evaluation.samples;
    let errors = ERRORS.write(success.errors() as f64, samples);
    let mut facts = vec![
        (
            ACCURACY.label,
            ACCURACY.write_or_dash(entry.mean_accuracy(), samples),
        ),
        (
            ERRORS.label,
            format!("{errors} of {}", format::count(samples as u64)),
        ),
    ];
    let others = [
        &MACRO_F1,
        &MACRO_AUC,
        &LOG_LOSS,
        &FIT_TIME,
        &LATENCY_P50,
        &MODEL_SIZE,
    ];
    facts.extend(others.map(|measure| {
        let value = success.values.get(measure);
        (measure.label, measure.write_or_dash(value, samples))
    }));
    facts
}

fn notes(entry: &Entry<'_>, trial: &Trial<'_>, success: &Success<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(external) = &success.measured.external {
        notes.extend(
            external
                .notes
                .iter()
                .map(|of| format!("Its author says: {of}")),
        );
        notes.extend(external.warnings.iter().chain(&external.remarks).cloned());
        if external.labels_alone {
            notes.push(format!(
                "Only its predicted classes are known, so that log loss, areas under curves and \
                 calibration are shown as {}.",
                format::NOTHING
            ));
        }
    }
    if let Some(spread) = seed_spread(entry) {
        notes.push(format!(
            "Accuracy: {spread}. Everything else in this section is of seed {}, the first \
             planned one that succeeded.",
            trial.planned.trial.seed
        ));
    }
    let names = success.test.class_names();
    let absent: Vec<String> = success
        .evaluation
        .per_class
        .iter()
        .filter(|class| class.support == 0)
        .filter_map(|class| names.get(class.class).cloned())
        .collect();
    if !absent.is_empty() {
        notes.push(format!(
            "The test data has no images of {}: scores of these classes are undefined and shown \
             as {}.",
            format::list(&absent),
            format::NOTHING
        ));
    }
    if !entry.trials.iter().all(|trial| trial.success().is_some()) {
        notes.push(
            "Some of its trials failed or are missing: see “Trials without results” below."
                .to_owned(),
        );
    }
    if names.len() > MOST_CLASSES {
        notes.push(format!(
            "With {} classes the confusion matrix is not drawn. The most common mistakes and the \
             scores of every class are below.",
            format::count(names.len() as u64)
        ));
    }
    notes
}

/// The wrong predictions with the highest probabilities; where there are none, the first.
fn confident_mistakes(success: &Success<'_>, count: usize) -> Vec<usize> {
    let mut wrong: Vec<(f32, usize)> = success
        .predicted
        .iter()
        .zip(success.test.labels())
        .enumerate()
        .filter(|(_, (predicted, actual))| predicted != actual)
        .map(|(index, (predicted, _))| {
            let row = success.probabilities.row(index);
            (row[usize::from(*predicted)], index)
        })
        .collect();
    wrong.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    wrong.truncate(count);
    wrong.into_iter().map(|(_, index)| index).collect()
}

fn shots<'a>(success: &Success<'a>, indices: &[usize], album: &mut Album<'a>) -> Vec<Shot> {
    let names = success.test.class_names();
    let name = |class: u16| names[usize::from(class)].clone();
    indices
        .iter()
        .map(|&index| {
            let (actual, predicted) = (success.test.labels()[index], success.predicted[index]);
            let correct = actual == predicted;
            let written = |p: f64| format::percent(p, 100);
            let probability = |class: u16| success.probability(index, class).map(written);
            let mut words = format!(
                "Test image {index}: actual {}, predicted {}",
                name(actual),
                name(predicted)
            );
            if let Some(p) = probability(predicted) {
                words += &format!(" with probability {p}");
            }
            if let Some(p) = probability(actual).filter(|_| !correct) {
                words += &format!("; {} had {p}", name(actual));
            }
            Shot {
                tile: album.tile(&success.measured.test_fingerprint, success.test, index),
                words,
                actual: name(actual),
                predicted: name(predicted),
                correct,
                probability: probability(predicted).unwrap_or_default(),
            }
        })
        .collect()
}
