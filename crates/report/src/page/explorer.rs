//! What the error explorer needs: which test pictures are in the page, and what every
//! model said of them.
//!
//! The answers are packed as numbers, not written as HTML: a thousand pictures times
//! four models times five answers would be megabytes of markup that is never looked at
//! all at once. The script unpacks them and builds only what is shown.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{Place, compare::examples};
use crate::{
    Options,
    analysis::{Entry, Group, Success},
    charts::{self, MOST_CLASSES},
    pictures::{Album, Layout, bytes_on_sheet},
};

/// Answers kept of each model for each picture, the most probable first.
const ANSWERS: usize = 5;
/// Least certain answers of each model that are in the page, right or wrong.
const LEAST_CERTAIN: usize = 48;
/// Bytes of pictures, before they are compressed, that a page may hold.
const PICTURE_BYTES: usize = 1_000_000;
/// Bytes of packed answers that a page may hold.
const ANSWER_BYTES: usize = 400_000;

/// One dataset of the explorer, as the script reads it.
#[derive(Debug, Serialize)]
pub(crate) struct Explored {
    /// The dataset's name.
    name: String,
    /// Where the pictures lie.
    layout: Layout,
    classes: Vec<String>,
    models: Vec<Model>,
    /// Answers kept of each model.
    answers: usize,
    /// Test pictures of the dataset, in the page or not.
    total: usize,
    /// Base64 of little-endian `u16`, a row for each picture: index (low and high half),
    /// place on the sheet, actual class; then for each model the probability of the
    /// actual class and `answers` times class and probability. Probabilities are in
    /// units of 1/65535.
    samples: String,
}

/// A model of a dataset.
#[derive(Debug, Serialize)]
struct Model {
    name: String,
    /// The class that gives it its colour.
    series: &'static str,
    /// The id of its section.
    section: String,
    /// Test pictures by actual and predicted class, row by row; empty where there are too
    /// many classes for a matrix.
    counts: Vec<u64>,
}

/// Chooses the pictures of a dataset and packs what the models said of them.
///
/// `places` are those of the group's entries. `None` where nothing can be explored: no
/// model has results, or they are of different test pictures.
pub(crate) fn explored<'a>(
    group: &Group<'a>,
    places: &[Place],
    options: &Options,
    datasets: usize,
    album: &mut Album<'a>,
) -> Option<Explored> {
    let models = examples(group);
    let (_, first) = models.first()?;
    let fingerprint = first.measured.test_fingerprint.as_str();
    // A record may be of other test pictures than the rest; one sheet cannot show both.
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
    // What other sections show is on the sheet anyway.
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
        name: group.name.to_owned(),
        layout: album.layout(fingerprint)?,
        classes: first.test.class_names().to_vec(),
        models: models
            .iter()
            .map(|(entry, success)| model(group, entry, success, places))
            .collect(),
        answers,
        total: first.test.len(),
        samples: STANDARD.encode(bytes),
    })
}

fn model(group: &Group<'_>, entry: &Entry<'_>, success: &Success<'_>, places: &[Place]) -> Model {
    let place = group
        .entries
        .iter()
        .zip(places)
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
    }
}

/// What a model said of one picture.
fn pack(success: &Success<'_>, index: usize, answers: usize, packed: &mut Vec<u16>) {
    let row = success.probabilities.row(index);
    let units = |p: f32| (f64::from(p) * 65535.0).round() as u16;
    let mut order: Vec<u16> = (0..row.len() as u16).collect();
    // A stable sort: the first among equals stays first, as in the predicted class.
    order.sort_by(|&a, &b| row[usize::from(b)].total_cmp(&row[usize::from(a)]));
    packed.push(units(row[usize::from(success.test.labels()[index])]));
    for &class in &order[..answers] {
        packed.extend([class, units(row[usize::from(class)])]);
    }
}

/// At most `most` pictures worth looking at, the most telling first: models take turns,
/// each giving its surest mistake and its least certain answer that is not there yet.
fn chosen(models: &[(&Entry<'_>, &Success<'_>)], most: usize) -> Vec<usize> {
    let mut queues: Vec<std::vec::IntoIter<usize>> = Vec::new();
    for (_, success) in models {
        let labels = success.test.labels();
        let sure = |index: usize| {
            let class = success.predicted[index];
            success.probabilities.row(index)[usize::from(class)]
        };
        let mut mistakes: Vec<usize> = (0..labels.len())
            .filter(|&index| success.predicted[index] != labels[index])
            .collect();
        mistakes.sort_by(|&a, &b| sure(b).total_cmp(&sure(a)).then(a.cmp(&b)));
        let mut doubtful: Vec<usize> = (0..labels.len()).collect();
        doubtful.sort_by(|&a, &b| sure(a).total_cmp(&sure(b)).then(a.cmp(&b)));
        doubtful.truncate(LEAST_CERTAIN);
        queues.push(mistakes.into_iter());
        queues.push(doubtful.into_iter());
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
