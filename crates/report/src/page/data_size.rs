//! What more training data gives, and what it costs.

use bakeoff_core::record::Purpose;

use super::{
    parts::{Cell, Charts, Column, Table, Words},
    sections::Part,
};
use crate::{
    ReportError,
    analysis::{Entry, Group, seconds},
    charts::{Height, Line, lines},
    format,
};

/// A model trained on so many samples, means over seeds.
struct Size {
    /// Training and validation samples together: what had to be collected.
    samples: usize,
    accuracy: f64,
    log_loss: f64,
    fit_seconds: f64,
}

/// What one dataset says.
///
/// # Errors
/// When a chart cannot be drawn.
pub(super) fn part(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Part>, ReportError> {
    if group.variants.of(Purpose::DataSize).next().is_none() {
        return Ok(None);
    }
    let models: Vec<(&Entry<'_>, Vec<Size>)> = group
        .entries
        .iter()
        .map(|entry| (entry, sizes(group, entry)))
        .filter(|(_, sizes)| sizes.len() > 1)
        .collect();
    if models.is_empty() {
        return Ok(None);
    }
    let drawn = |value: fn(&Size) -> f64| -> Vec<Line<'_>> {
        models
            .iter()
            .map(|(entry, sizes)| Line {
                label: entry.model,
                series: entry.series,
                points: sizes.iter().map(|s| (s.samples as f64, value(s))).collect(),
            })
            .collect()
    };
    let accuracy = lines(
        &format!("{prefix}data-size-accuracy"),
        ("training pictures (log scale)", "accuracy"),
        Height::Accuracy,
        &drawn(|size| size.accuracy),
    )?;
    let time = lines(
        &format!("{prefix}data-size-fit-time"),
        ("training pictures (log scale)", "fit, wall clock"),
        Height::Seconds,
        &drawn(|size| size.fit_seconds),
    )?;
    let figures = vec![
        charts.figure(
            &accuracy,
            "Accuracy by size of the training data",
            "Every model trained on nested, stratified parts of the training pictures; the same \
             test pictures throughout. A line that still climbs at its end asks for more data.",
            Some(table(&models)),
        ),
        charts.figure(
            &time,
            "Fit time by size of the training data",
            "What each of these fits took.",
            None,
        ),
    ];
    Ok(Some(Part {
        heading: None,
        lead: lead(&models),
        sentences: models
            .iter()
            .map(|(entry, sizes)| gain(entry, sizes))
            .collect(),
        figures,
        tables: Vec::new(),
        notes: vec![
            "Training pictures here are all that a model was given, those it held out to choose \
             by included."
                .to_owned(),
        ],
    }))
}

/// A model's sizes, ascending; the last is its headline trial.
fn sizes(group: &Group<'_>, entry: &Entry<'_>) -> Vec<Size> {
    let smaller = group
        .variants
        .of(Purpose::DataSize)
        .filter(|point| point.model == entry.model)
        .map(|point| Size {
            samples: point.samples.train + point.samples.validation,
            accuracy: point.accuracy,
            log_loss: point.log_loss,
            fit_seconds: point.fit_seconds,
        });
    let whole = entry.successes().map(|(_, success)| Size {
        samples: success.measured.samples.train + success.measured.samples.validation,
        accuracy: success.evaluation.accuracy,
        log_loss: success.evaluation.log_loss,
        fit_seconds: seconds(success.measured.costs.fit_ns),
    });
    let mut all: Vec<Size> = smaller.chain(whole).collect();
    all.sort_by_key(|size| size.samples);
    let mut sizes: Vec<Size> = Vec::new();
    for same in all.chunk_by(|a, b| a.samples == b.samples) {
        let mean = |of: fn(&Size) -> f64| same.iter().map(of).sum::<f64>() / same.len() as f64;
        sizes.push(Size {
            samples: same[0].samples,
            accuracy: mean(|size| size.accuracy),
            log_loss: mean(|size| size.log_loss),
            fit_seconds: mean(|size| size.fit_seconds),
        });
    }
    sizes
}

/// Which model to take with how little data.
fn lead(models: &[(&Entry<'_>, Vec<Size>)]) -> Words {
    let sizes = || models.iter().flat_map(|(_, sizes)| sizes);
    // Where a model's fit failed, it has no part in what is said of that size.
    let at = |samples: usize| {
        models
            .iter()
            .filter_map(|(entry, sizes)| {
                let size = sizes.iter().find(|size| size.samples == samples)?;
                Some((entry.model, size))
            })
            // The last of equals is the first of the leaderboard.
            .rev()
            .max_by(|a, b| a.1.accuracy.total_cmp(&b.1.accuracy))
    };
    let least = sizes().map(|size| size.samples).min().and_then(at);
    let most = sizes().map(|size| size.samples).max().and_then(at);
    let (Some((few, least)), Some((many, most))) = (least, most) else {
        return Words::default();
    };
    let pictures = |size: &Size| format::counted(size.samples as u64, "picture", "pictures");
    let words = Words::default()
        .plain(format!("With {} to train on, ", pictures(least)))
        .strong(few)
        .plain(format!(
            " is the most accurate ({})",
            format::percent(least.accuracy, 10_000)
        ));
    if few == many {
        words.plain(format!(
            "; so it is with {} ({}).",
            pictures(most),
            format::percent(most.accuracy, 10_000)
        ))
    } else {
        words
            .plain(format!("; with {} it is ", pictures(most)))
            .strong(many)
            .plain(format!(" ({}).", format::percent(most.accuracy, 10_000)))
    }
}

/// What the last step gave.
fn gain(entry: &Entry<'_>, sizes: &[Size]) -> Words {
    let [.., before, last] = sizes else {
        return Words::default();
    };
    let (from, to) = (1.0 - before.accuracy, 1.0 - last.accuracy);
    let words = Words::default().strong(entry.model).plain(format!(
        ": from {} to {} training pictures, errors go from {} to {}",
        format::count(before.samples as u64),
        format::count(last.samples as u64),
        format::percent(from, 10_000),
        format::percent(to, 10_000),
    ));
    if to < from {
        words.plain(format!(
            ", {:.0}\u{a0}% fewer, for {} the fit time.",
            100.0 * (1.0 - to / from),
            format::times(last.fit_seconds / before.fit_seconds.max(1e-9))
        ))
    } else {
        words.plain(": more data does not help it here.")
    }
}

fn table(models: &[(&Entry<'_>, Vec<Size>)]) -> Table {
    Table {
        caption: "Every model by the number of pictures that it was given for training".to_owned(),
        columns: vec![
            Column::text("model"),
            Column::number("training pictures"),
            Column::number("accuracy"),
            Column::number("log loss"),
            Column::number("fit"),
        ],
        rows: models
            .iter()
            .flat_map(|(entry, sizes)| {
                sizes.iter().map(|size| {
                    vec![
                        Cell::from(entry.model),
                        Cell::count(size.samples as u64),
                        Cell::number(Some(size.accuracy), |a| format::percent(a, 10_000)),
                        Cell::number(Some(size.log_loss), format::score),
                        Cell::number(Some(size.fit_seconds), format::seconds),
                    ]
                })
            })
            .collect(),
        sortable: true,
        pairs: false,
    }
}
