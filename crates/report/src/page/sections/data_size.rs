//! Learning curves: what more training data gives, and what it costs.

use bakeoff_core::record::Purpose;
use bakeoff_measures::{ACCURACY, FIT_TIME, LOG_LOSS, format};

use super::super::{
    figure::Figures,
    models::test_images,
    part::Part,
    table::Table,
    words::{Words, bold},
};
use crate::{
    analysis::{Entry, Group},
    charts::{Chart, Line, Quantity, learning_curves},
};

/// A model trained on so many samples, means over seeds.
struct Size {
    /// Training and validation samples together: what had to be collected.
    samples: usize,
    accuracy: f64,
    log_loss: f64,
    fit_seconds: f64,
}

type Model<'g, 'a> = (&'g Entry<'a>, Vec<Size>);

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    group.variants.of(Purpose::DataSize).next()?;
    let models: Vec<Model<'_, '_>> = group
        .entries
        .iter()
        .map(|entry| (entry, sizes(group, entry)))
        .filter(|(_, sizes)| sizes.len() > 1)
        .collect();
    if models.is_empty() {
        return None;
    }
    let chart = |title: &str, quantity, value: fn(&Size) -> f64| -> Chart {
        let lines: Vec<Line<'_>> = models
            .iter()
            .map(|(entry, sizes)| Line {
                label: entry.model,
                series: Some(entry.series),
                points: sizes.iter().map(|s| (s.samples as f64, value(s))).collect(),
            })
            .collect();
        let title = ("training images (log scale)", title);
        learning_curves(&lines, title, quantity)
    };
    let accuracy = chart(ACCURACY.label, Quantity::Accuracy, |size| size.accuracy);
    let time = chart("fit time, wall clock", Quantity::Duration, |size| {
        size.fit_seconds
    });
    let samples = test_images(group);
    let figures = vec![
        charts.figure(
            "data-size-accuracy",
            &accuracy,
            "Accuracy by number of training images",
            "Every model trained on nested, stratified subsets of the training images, always \
             with the same test images. If a line still rises at its end, more data is likely to \
             help.",
            Some(table(&models, samples)),
        ),
        charts.figure(
            "data-size-fit-time",
            &time,
            "Fit time by number of training images",
            "The fit time of each of these models.",
            None,
        ),
    ];
    Some(Part {
        lead: lead(&models, samples).into(),
        sentences: models
            .iter()
            .filter_map(|(entry, sizes)| gain(entry, sizes, samples))
            .collect(),
        figures,
        notes: vec![
            "The number of training images includes those that a model held out for validation."
                .to_owned(),
        ],
        ..Part::default()
    })
}

/// The sizes of a model in ascending order; the last is that of its main trial.
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
        fit_seconds: success.values.get(&FIT_TIME).unwrap_or_default(),
    });
    let mut all: Vec<Size> = smaller.chain(whole).collect();
    all.sort_by_key(|size| size.samples);
    all.chunk_by(|a, b| a.samples == b.samples)
        .map(|same| {
            let mean = |of: fn(&Size) -> f64| same.iter().map(of).sum::<f64>() / same.len() as f64;
            Size {
                samples: same[0].samples,
                accuracy: mean(|size| size.accuracy),
                log_loss: mean(|size| size.log_loss),
                fit_seconds: mean(|size| size.fit_seconds),
            }
        })
        .collect()
}

/// The best model with the least and with the most data.
fn lead(models: &[Model<'_, '_>], samples: usize) -> String {
    let sizes = || models.iter().flat_map(|(_, sizes)| sizes);
    // A model whose fit failed is not compared at that size.
    let best_at = |samples: usize| {
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
    let least = sizes().map(|size| size.samples).min().and_then(best_at);
    let most = sizes().map(|size| size.samples).max().and_then(best_at);
    let (Some((few, least)), Some((many, most))) = (least, most) else {
        return String::new();
    };
    let images = |size: &Size| format::counted(size.samples as u64, "image", "images");
    let accuracy = |size: &Size| ACCURACY.write(size.accuracy, samples);
    let with_most = if few == many {
        format!(", and also with {}", images(most))
    } else {
        format!("; with {} it is {}", images(most), bold(many))
    };
    format!(
        "With {} to train on, {} has the highest accuracy ({}){with_most} ({}).",
        images(least),
        bold(few),
        accuracy(least),
        accuracy(most)
    )
}

/// The effect of the last increase of the data.
fn gain(entry: &Entry<'_>, sizes: &[Size], samples: usize) -> Option<Words> {
    let [.., before, last] = sizes else {
        return None;
    };
    let (from, to) = (1.0 - before.accuracy, 1.0 - last.accuracy);
    let effect = if to < from {
        format!(
            ", {:.0}\u{a0}% fewer errors, for {} the fit time",
            100.0 * (1.0 - to / from),
            format::times(last.fit_seconds / before.fit_seconds.max(1e-9))
        )
    } else {
        ": more data does not help this model here".to_owned()
    };
    let words = format!(
        "{}: from {} to {} training images, the error rate goes from {} to {}{effect}.",
        bold(entry.model),
        format::count(before.samples as u64),
        format::count(last.samples as u64),
        ACCURACY.write(from, samples),
        ACCURACY.write(to, samples),
    );
    Some(words.into())
}

fn table(models: &[Model<'_, '_>], samples: usize) -> Table {
    let rows = models
        .iter()
        .flat_map(|(entry, sizes)| sizes.iter().map(|size| (entry.model, size)));
    Table::of("Every model by number of training images", rows)
        .text("model", |(model, _)| *model)
        .counts("training images", |(_, size)| size.samples as u64)
        .measure(&ACCURACY, samples, |(_, size)| Some(size.accuracy))
        .measure(&LOG_LOSS, samples, |(_, size)| Some(size.log_loss))
        .measure(&FIT_TIME, samples, |(_, size)| Some(size.fit_seconds))
        .done()
}
