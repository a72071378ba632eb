//! Learning curves: what more training data gives, and what it costs.

use bakeoff_core::record::Purpose;
use bakeoff_measures::{ACCURACY, FIT_TIME, LOG_LOSS, format};
use bakeoff_metrics::{RecipeScore, statistics::holm};

use super::super::{
    figure::Figures,
    models::test_images,
    part::Part,
    table::Table,
    words::{Words, bold},
};
use crate::{
    analysis::{
        Entry, Group,
        significance::{ALPHA, Claim},
        variants::right,
    },
    charts::{Chart, Line, Quantity, learning_curves},
};

/// A model trained on so many samples, means over seeds.
struct Size {
    /// Training and validation samples together: what had to be collected.
    samples: usize,
    accuracy: f64,
    log_loss: f64,
    fit_seconds: f64,
    /// For every fit, 1 for each test image that is predicted right.
    right: Vec<Vec<f64>>,
    /// What a comparison of these fits is about.
    claim: Claim,
}

impl Size {
    fn right(&self) -> Vec<&[f64]> {
        self.right.iter().map(Vec::as_slice).collect()
    }

    /// The two-sided p-value of its accuracy against that of others, on the same test images.
    fn p_against(&self, other: &Self) -> Option<f64> {
        let difference = RecipeScore::difference_of_values(&self.right(), &other.right());
        difference.ok()?.p_value()
    }
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
            right: vec![point.right.clone()],
            claim: claim(point.varies_with_seed),
        });
    let whole = entry.successes().map(|(_, success)| Size {
        samples: success.measured.samples.train + success.measured.samples.validation,
        accuracy: success.evaluation.accuracy,
        log_loss: success.evaluation.log_loss,
        fit_seconds: success.values.get(&FIT_TIME).unwrap_or_default(),
        right: vec![right(success.test.labels(), &success.predicted)],
        claim: claim(success.measured.varies_with_seed()),
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
                right: same.iter().flat_map(|size| size.right.clone()).collect(),
                claim: match same {
                    [only] => only.claim,
                    _ => Claim::Recipes,
                },
            }
        })
        .collect()
}

/// What a comparison of one fit is about.
fn claim(varies_with_seed: bool) -> Claim {
    if varies_with_seed {
        Claim::Fits
    } else {
        Claim::Recipes
    }
}

/// The best model with the least and with the most data.
fn lead(models: &[Model<'_, '_>], samples: usize) -> String {
    let sizes = || models.iter().flat_map(|(_, sizes)| sizes);
    let least = sizes().map(|size| size.samples).min();
    let most = sizes().map(|size| size.samples).max();
    let best = |samples: Option<usize>| Best::at(models, samples?);
    let (Some(few), Some(many)) = (best(least), best(most)) else {
        return String::new();
    };
    let images = |best: &Best<'_>| format::counted(best.size.samples as u64, "image", "images");
    let accuracy = |best: &Best<'_>| {
        let value = ACCURACY.write(best.size.accuracy, samples);
        match best.level_with.as_slice() {
            [] => value,
            level => format!(
                "{value}, not significantly more than {}",
                format::list(level)
            ),
        }
    };
    let with_most = if few.model == many.model {
        format!("; with {} also", images(&many))
    } else {
        format!("; with {} it is {}", images(&many), bold(many.model))
    };
    let of_fits = if [&few, &many].iter().any(|best| best.claim == Claim::Fits) {
        " These are single fits where a model has one seed."
    } else {
        ""
    };
    format!(
        "With {} to train on, {} has the highest accuracy ({}){with_most} ({}).{of_fits}",
        images(&few),
        bold(few.model),
        accuracy(&few),
        accuracy(&many)
    )
}

/// The most accurate model with so much data.
struct Best<'g> {
    model: &'g str,
    size: &'g Size,
    /// Models that are not significantly worse (paired on the test images, Holm).
    level_with: Vec<&'g str>,
    claim: Claim,
}

impl<'g> Best<'g> {
    fn at(models: &'g [Model<'_, '_>], samples: usize) -> Option<Self> {
        // A model whose fit failed is not compared at that size, and one that does not look at
        // the image wins nothing.
        let mut found: Vec<(&str, &Size)> = models
            .iter()
            .filter(|(entry, _)| !entry.is_baseline())
            .filter_map(|(entry, sizes)| {
                let size = sizes.iter().find(|size| size.samples == samples)?;
                Some((entry.model, size))
            })
            .collect();
        // Equals stay in the order of the leaderboard.
        found.sort_by(|a, b| b.1.accuracy.total_cmp(&a.1.accuracy));
        let ((model, size), others) = found.split_first()?;
        let p: Vec<f64> = others
            .iter()
            .map(|(_, other)| size.p_against(other).unwrap_or(1.0))
            .collect();
        let compared = others.iter().zip(holm(&p));
        Some(Self {
            model,
            size,
            level_with: compared
                .filter(|(_, p)| *p > ALPHA)
                .map(|((other, _), _)| *other)
                .collect(),
            claim: found
                .iter()
                .fold(Claim::Recipes, |all, (_, size)| all.and(size.claim)),
        })
    }
}

/// The effect of the last increase of the data.
fn gain(entry: &Entry<'_>, sizes: &[Size], samples: usize) -> Option<Words> {
    let [.., before, last] = sizes else {
        return None;
    };
    let (from, to) = (1.0 - before.accuracy, 1.0 - last.accuracy);
    let clear = last.p_against(before).is_some_and(|p| p <= ALPHA);
    let effect = if !clear {
        ", which is no clear change".to_owned()
    } else if to < from {
        format!(", {:.0}\u{a0}% fewer errors", 100.0 * (1.0 - to / from))
    } else {
        ", significantly more".to_owned()
    };
    let time = |size: &Size| FIT_TIME.write(size.fit_seconds, 0);
    let words = format!(
        "{}: from {} to {} training images, the error rate goes from {} to {}{effect}. The fit \
         takes {} instead of {}.",
        bold(entry.model),
        format::count(before.samples as u64),
        format::count(last.samples as u64),
        ACCURACY.write(from, samples),
        ACCURACY.write(to, samples),
        time(last),
        time(before),
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
