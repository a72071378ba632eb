//! The data of the error explorer: which test images are in the page, and what every model
//! predicts for them.
//!
//! Predictions are packed as numbers, not written as HTML: a thousand images times four
//! models times five classes would be megabytes of markup, of which a reader sees a small
//! part. The script unpacks them and builds only what is shown.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::models::{Dataset, examples};
use crate::{
    Options,
    analysis::{Entry, Group, Success},
    charts::{self, MOST_CLASSES},
    pictures::{Album, Layout, bytes_on_sheet},
};

/// Classes kept of each model for each image, the most probable first.
const ANSWERS: usize = 5;
/// Least certain predictions of each model that are in the page, correct or wrong.
const LEAST_CERTAIN: usize = 48;
/// Bytes of images, before they are compressed, that a page may hold.
const PICTURE_BYTES: usize = 1_000_000;
/// Bytes of packed predictions that a page may hold.
const ANSWER_BYTES: usize = 400_000;

/// One dataset of the explorer, as the script reads it.
#[derive(Debug, Serialize)]
pub(crate) struct Explored<'a> {
    /// The dataset's name.
    name: String,
    /// Where the images are on their sheet.
    layout: Layout,
    classes: Vec<String>,
    models: Vec<Model>,
    /// Classes kept of each model for each image.
    answers: usize,
    /// Test images of the dataset, in the page or not.
    total: usize,
    /// Test images whose label is probably wrong, the most confident first.
    label_issues: Vec<usize>,
    /// The file of each image in the page; empty where they have no files of their own.
    files: Vec<&'a str>,
    /// Base64 of little-endian `u16`, a row for each image: index (low and high half), place
    /// on the sheet, actual class; then for each model the probability of the actual class
    /// and `answers` times class and probability. Probabilities are in units of 1/65535.
    samples: String,
}

/// A model of a dataset.
#[derive(Debug, Serialize)]
struct Model {
    name: String,
    /// The style class of its colour.
    series: &'static str,
    /// The id of its section.
    section: String,
    /// Test images by actual and predicted class, row by row; empty where there are too many
    /// classes for a matrix.
    counts: Vec<u64>,
    /// Whether only its predicted classes are known, and no probabilities.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    labels_alone: bool,
}

/// Chooses the images of a dataset and packs what the models predict for them.
///
/// `None` where nothing can be explored: no model has results, or they are of different test
/// images.
pub(crate) fn explored<'a>(
    dataset: &Dataset<'_, 'a>,
    options: &Options,
    datasets: usize,
    album: &mut Album<'a>,
) -> Option<Explored<'a>> {
    let models = examples(dataset.group);
    let (_, first) = models.first()?;
    let fingerprint = first.measured.test_fingerprint.as_str();
    // A record may be of other test images than the rest; one sheet cannot show both.
    if models
        .iter()
        .any(|(_, s)| s.measured.test_fingerprint != fingerprint)
    {
        return None;
    }
    let answers = ANSWERS.min(first.test.classes());
    let row = 4 + models.len() * (1 + 2 * answers);
    let share = datasets.max(1);
    let most = options
        .explorer_pictures
        .min(PICTURE_BYTES / bytes_on_sheet(first.test.images().shape()).max(1))
        .min(ANSWER_BYTES / (2 * row))
        / share;
    // What other sections show is on the sheet already.
    let mut shown: BTreeSet<usize> = album.wanted(fingerprint).iter().copied().collect();
    for index in chosen(&models, most) {
        if shown.len() >= most {
            break;
        }
        shown.insert(index);
    }
    let mut packed: Vec<u16> = Vec::with_capacity(shown.len() * row);
    for &index in &shown {
        let place = album.tile(fingerprint, first.test, index).place;
        packed.extend([
            (index & 0xFFFF) as u16,
            (index >> 16) as u16,
            u16::try_from(place).ok()?,
            first.test.labels()[index],
        ]);
        for (_, success) in &models {
            pack(success, index, answers, &mut packed);
        }
    }
    let bytes: Vec<u8> = packed
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    Some(Explored {
        name: dataset.group.name.to_owned(),
        layout: album.layout(fingerprint)?,
        classes: first.test.class_names().to_vec(),
        models: models
            .iter()
            .map(|(entry, success)| model(dataset, entry, success))
            .collect(),
        answers,
        total: first.test.len(),
        label_issues: label_issues(dataset.group),
        files: first.test.files().map_or_else(Vec::new, |files| {
            shown.iter().map(|&index| files[index].as_str()).collect()
        }),
        samples: STANDARD.encode(bytes),
    })
}

/// The images that the section on labels names.
fn label_issues(group: &Group<'_>) -> Vec<usize> {
    let checks = group
        .label_checks
        .iter()
        .filter(|check| check.part == "test");
    let issues = checks.flat_map(|check| &check.found.issues);
    issues.map(|issue| issue.sample).collect()
}

fn model(dataset: &Dataset<'_, '_>, entry: &Entry<'_>, success: &Success<'_>) -> Model {
    let place = dataset
        .models()
        .find(|(other, _)| other.model == entry.model);
    Model {
        name: entry.model.to_owned(),
        series: charts::series_class(entry.series),
        section: place.map_or_else(String::new, |(_, place)| place.section.clone()),
        counts: if success.test.classes() > MOST_CLASSES {
            Vec::new()
        } else {
            success.evaluation.confusion.counts().to_vec()
        },
        labels_alone: success.curves.is_none(),
    }
}

/// What a model predicts for one image.
fn pack(success: &Success<'_>, index: usize, answers: usize, packed: &mut Vec<u16>) {
    let row = success.probabilities.row(index);
    let units = |p: f32| (f64::from(p) * 65535.0).round() as u16;
    let mut order: Vec<u16> = (0..row.len() as u16).collect();
    // A stable sort: the first of equal ones stays first, as in the predicted class.
    order.sort_by(|&a, &b| row[usize::from(b)].total_cmp(&row[usize::from(a)]));
    packed.push(units(row[usize::from(success.test.labels()[index])]));
    for &class in &order[..answers] {
        packed.extend([class, units(row[usize::from(class)])]);
    }
}

/// At most `most` images, the most informative first: models take turns, each with its most
/// confident mistake and its least certain prediction that is not chosen yet.
fn chosen(models: &[(&Entry<'_>, &Success<'_>)], most: usize) -> Vec<usize> {
    let mut queues: Vec<std::vec::IntoIter<usize>> = Vec::new();
    for (_, success) in models {
        let labels = success.test.labels();
        let confidence = |index: usize| {
            let class = success.predicted[index];
            success.probabilities.row(index)[usize::from(class)]
        };
        let mut mistakes: Vec<usize> = (0..labels.len())
            .filter(|&index| success.predicted[index] != labels[index])
            .collect();
        mistakes.sort_by(|&a, &b| confidence(b).total_cmp(&confidence(a)).then(a.cmp(&b)));
        let mut uncertain: Vec<usize> = (0..labels.len()).collect();
        uncertain.sort_by(|&a, &b| confidence(a).total_cmp(&confidence(b)).then(a.cmp(&b)));
        uncertain.truncate(LEAST_CERTAIN);
        queues.push(mistakes.into_iter());
        if success.curves.is_some() {
            queues.push(uncertain.into_iter());
        }
    }
    let mut taken = BTreeSet::new();
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let before = chosen.len();
        for queue in &mut queues {
            if let Some(index) = queue.find(|index| !taken.contains(index)) {
                taken.insert(index);
                chosen.push(index);
            }
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen
}
