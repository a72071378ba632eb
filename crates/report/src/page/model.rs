//! The section of one model on one dataset.

use super::{
    Place, board,
    model_charts::{class_rocs, confusions, learning},
    model_tables::{common_mistakes, costs, fit, per_class, settings},
    parts::{Charts, Figure, Table},
};
use crate::{
    Options, ReportError,
    analysis::{Entry, Group, Success, Trial, seconds},
    charts, format,
    pictures::{Album, Tile, spread},
};

/// A model's section.
pub(crate) struct ModelSection {
    pub(crate) id: String,
    pub(crate) series: &'static str,
    pub(crate) name: String,
    /// The dataset's name, where there are several.
    pub(crate) dataset: Option<String>,
    /// Family and engine.
    pub(crate) about: String,
    /// Why there is nothing to see.
    pub(crate) reason: Option<String>,
    /// Headline numbers: name and value.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Remarks on what is shown.
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
    /// The same test pictures for every model.
    pub(crate) gallery: Vec<Shot>,
    pub(crate) mistakes: Vec<Shot>,
}

impl ModelSection {
    /// Whether a confusion matrix needs the page's whole width.
    pub(crate) fn wide_confusions(&self) -> bool {
        self.confusions.iter().any(|(_, figure)| figure.wide)
    }
}

/// A test picture with what the model said.
pub(crate) struct Shot {
    pub(crate) tile: Tile,
    /// For those who do not see it.
    pub(crate) words: String,
    pub(crate) actual: String,
    pub(crate) predicted: String,
    pub(crate) right: bool,
    /// Of the predicted class.
    pub(crate) probability: String,
}

/// Everything there is to see of a model.
pub(crate) fn model_section<'a>(
    group: &Group<'a>,
    entry: &Entry<'a>,
    place: &Place,
    only_dataset: bool,
    options: &Options,
    (album, files): (&mut Album<'a>, &mut Charts),
) -> Result<ModelSection, ReportError> {
    let spec = entry.trials.first().map(|trial| &trial.planned.trial.spec);
    let mut section = ModelSection {
        id: place.section.clone(),
        series: charts::series_class(entry.series),
        name: entry.model.to_owned(),
        dataset: (!only_dataset).then(|| group.name.to_owned()),
        about: spec.map_or_else(String::new, |spec| {
            format!("{}, engine {}", spec.family, spec.engine)
        }),
        reason: None,
        facts: Vec::new(),
        notes: Vec::new(),
        confusions: Vec::new(),
        common_mistakes: None,
        learning: Vec::new(),
        roc: None,
        classes: None,
        tables: Vec::new(),
        gallery: Vec::new(),
        mistakes: Vec::new(),
    };
    let Some((trial, success)) = entry.example() else {
        section.reason = Some(board::reason(entry));
        section.tables = settings(entry).into_iter().collect();
        return Ok(section);
    };
    section.facts = facts(entry, success);
    section.notes = notes(entry, trial, success);
    section.confusions = confusions(entry, success, &place.stem, files)?;
    section.learning = learning(entry, success, &place.stem, files)?;
    section.roc = Some(class_rocs(entry, success, &place.stem, files)?);
    section.common_mistakes = common_mistakes(success);
    section.classes = Some(per_class(success));
    section.tables.push(costs(success.measured));
    section.tables.push(fit(success.measured));
    section.tables.extend(settings(entry));
    let shown = spread(success.test.len(), options.gallery_pictures);
    section.gallery = shots(success, &shown, album);
    section.mistakes = shots(
        success,
        &confident_mistakes(success, options.mistake_pictures),
        album,
    );
    Ok(section)
}

fn facts(entry: &Entry<'_>, success: &Success<'_>) -> Vec<(&'static str, String)> {
    let evaluation = &success.evaluation;
    let costs = &success.measured.costs;
    let accuracy = format::or_nothing(entry.mean_accuracy(), |a| {
        format::percent(a, evaluation.samples)
    });
    vec![
        ("accuracy", accuracy),
        (
            "errors",
            format!(
                "{} of {}",
                format::count(success.errors()),
                format::count(evaluation.samples as u64)
            ),
        ),
        ("macro F1", format::score(evaluation.macro_f1)),
        (
            "macro AUC",
            format::or_nothing(evaluation.macro_auc, format::auc),
        ),
        ("log loss", format::score(evaluation.log_loss)),
        ("fit", format::seconds(seconds(costs.fit_ns))),
        ("one answer", format::seconds(seconds(costs.latency.p50_ns))),
        ("model size", format::bytes(costs.model_bytes)),
    ]
}

fn notes(entry: &Entry<'_>, trial: &Trial<'_>, success: &Success<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(spread) = board::seeds(entry) {
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
            "The test data has no pictures of {}: what would be measured on them is undefined \
             and shown as {}.",
            format::list(&absent),
            format::NOTHING
        ));
    }
    if !entry.trials.iter().all(|trial| trial.success().is_some()) {
        notes.push(
            "Some of its trials failed or are missing: see “Without results” below.".to_owned(),
        );
    }
    if names.len() > charts::MOST_CLASSES {
        notes.push(format!(
            "With {} classes the confusion matrix is not drawn; the most common mistakes and the \
             scores of every class are below.",
            format::count(names.len() as u64)
        ));
    }
    notes
}

/// The wrong answers that the model was surest of.
fn confident_mistakes(success: &Success<'_>, count: usize) -> Vec<usize> {
    let mut wrong: Vec<(f32, usize)> = success
        .predicted
        .iter()
        .zip(success.test.labels())
        .enumerate()
        .filter(|(_, (predicted, actual))| predicted != actual)
        .map(|(index, (predicted, _))| {
            (
                success.probabilities.row(index)[usize::from(*predicted)],
                index,
            )
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
            let of = |class: u16| success.probabilities.row(index)[usize::from(class)];
            let share = |p: f32| format!("{:.1}\u{a0}%", 100.0 * f64::from(p));
            Shot {
                tile: album.tile(&success.measured.test_fingerprint, success.test, index),
                words: format!(
                    "Test picture {index}: actual {}, predicted {} with probability {}{}",
                    name(actual),
                    name(predicted),
                    share(of(predicted)),
                    if actual == predicted {
                        String::new()
                    } else {
                        format!("; {} had {}", name(actual), share(of(actual)))
                    }
                ),
                actual: name(actual),
                predicted: name(predicted),
                right: actual == predicted,
                probability: share(of(predicted)),
            }
        })
        .collect()
}
