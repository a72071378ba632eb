//! Whether the models differ significantly: intervals, every pair, and sentences about both.

use bakeoff_measures::{ACCURACY, LOG_LOSS, Measure, format};
use bakeoff_metrics::Metric;

use super::super::{
    figure::{Figure, Figures},
    models::{largest_p, names, test_images},
    part::Part,
    table::{Cell, Table, no_interval},
    words::{Words, bold},
};
use crate::{
    analysis::{
        Group,
        significance::{Claim, Difference, HEADLINES, ModelScores, PairDifference},
    },
    charts::{ScoreRow, intervals},
};

/// With more pairs than this, there are sentences only about those with the best model.
const MOST_SENTENCES: usize = 10;

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let found = &group.significance;
    if found.models.len() < 2 {
        return None;
    }
    let few = found.pairs.len() <= MOST_SENTENCES;
    let mut sentences: Vec<Words> = found
        .pairs
        .iter()
        .filter(|pair| few || pair.first == 0)
        .map(|pair| pair_words(group, pair))
        .collect();
    sentences.extend(seeds_words(group));
    sentences.extend(fits_words(group).map(Words::from));
    let corrected = format!(
        "All p-values are corrected for {} (Holm).",
        format::counted(found.pairs.len() as u64, "comparison", "comparisons")
    );
    let mut notes = vec![format!(
        "{corrected} With one fit each, accuracy is compared by McNemar's test (mid-p), which uses \
         the images that only one of the two models classifies correctly; areas under the ROC \
         curve by DeLong's test; everything else by a paired t-test of what each test image adds \
         to the score (jackknife). Scores and differences that rest on too few errors have no \
         interval, because it would be wrong too often."
    )];
    if found.models.iter().any(|model| model.fits > 1) {
        notes.push(
            "Where a model has several seeds, seeds and test images are random together: \
             intervals and p-values (Student's t, with Satterthwaite's degrees of freedom) say \
             what other fits of the same recipes would give on other test images of the same \
             kind. They hold for this training data."
                .to_owned(),
        );
    }
    Some(Part {
        lead: best_group(group),
        sentences,
        figures: vec![accuracies(group, charts)],
        tables: vec![scores(group), pairs(group)],
        notes,
        ..Part::default()
    })
}

/// The models of which a single fit was compared, and what compares the recipes.
fn fits_words(group: &Group<'_>) -> Option<String> {
    let models = group.significance.models.iter();
    let fits: Vec<&str> = models
        .filter(|model| model.claim == Claim::Fits)
        .map(|model| name(group, model))
        .collect();
    let external = group.entries.iter().any(|entry| entry.external().is_some());
    let import = match external {
        true => " (of models of other programs, import the predictions of several seeds)",
        false => "",
    };
    (!fits.is_empty()).then(|| {
        format!(
            "One fit of {} was compared, not the recipe: another seed may give another order. To \
             compare recipes, run again with {}{import}.",
            names(fits),
            bold("--seeds 5")
        )
    })
}

/// A model in a sentence: its name, or `this fit of` it.
fn subject(group: &Group<'_>, model: &ModelScores) -> String {
    match model.claim {
        Claim::Recipes => name(group, model).to_owned(),
        Claim::Fits => format!("this fit of {}", name(group, model)),
    }
}

fn name<'g>(group: &'g Group<'_>, model: &ModelScores) -> &'g str {
    group.entries[model.entry].model
}

/// A model in a table.
fn cell(group: &Group<'_>, model: &ModelScores) -> String {
    group.entries[model.entry].marked()
}

/// Which model is best, and which are not significantly different from it.
pub(crate) fn best_group(group: &Group<'_>) -> Words {
    let found = &group.significance;
    let best: Vec<&str> = found.best_group().map(|model| name(group, model)).collect();
    let fits = found.claim() == Claim::Fits;
    let words = match best.as_slice() {
        [] => String::new(),
        [only] => {
            let p = largest_p(found.pairs.iter().filter(|pair| pair.first == 0));
            let p = format::p_text(p).replace('=', "≤");
            if fits {
                format!(
                    "This fit of {} is significantly {} than the fits of every other model ({p} for \
                     each).",
                    bold(only),
                    better(group)
                )
            } else {
                format!(
                    "{} is significantly {} than every other model ({p} for each).",
                    bold(only),
                    better(group)
                )
            }
        }
        [best, others @ ..] => format!(
            "{} {} {} from {}, {best}, on these test images.",
            bold(names(others.iter().copied())),
            if others.len() == 1 { "is" } else { "are" },
            bold("not significantly different"),
            if fits {
                "the fit of the best model"
            } else {
                "the best model"
            },
        ),
    };
    words.into()
}

/// The comparative of the score that models are ranked by.
fn better(group: &Group<'_>) -> String {
    match *group.headline == ACCURACY {
        true => "more accurate".to_owned(),
        false => format!("better in {}", group.headline.label),
    }
}

/// A sentence about two models.
fn pair_words(group: &Group<'_>, pair: &PairDifference) -> Words {
    let model = |place: usize| &group.significance.models[place];
    let first = &subject(group, model(pair.first));
    let second = &subject(group, model(pair.second));
    let (ahead, behind) = (pair.swap.first_ahead, pair.swap.second_ahead);
    if ahead + behind == 0 {
        let words = "are correct and wrong on exactly the same test images";
        let sentence = format!("{} and {} {words}.", bold(first), bold(second));
        return match model(pair.first).claim {
            Claim::Recipes => sentence.into(),
            Claim::Fits => sentence.replacen("this fit", "This fit", 1).into(),
        };
    }
    let images = format::counted(ahead, "test image", "test images");
    let behind = format::count(behind);
    let several = |place: usize, subject: &str| match model(place).fits {
        1 => subject.to_owned(),
        _ => format!("the fits of {subject}"),
    };
    let counts = if model(pair.first).fits > 1 || model(pair.second).fits > 1 {
        format!(
            "{} predict more often correctly on {images}, {} on {behind}",
            several(pair.first, first),
            several(pair.second, second)
        )
    } else {
        format!("only {first} is correct on {images}, only {second} on {behind}")
    };
    let by_accuracy = *group.headline == ACCURACY;
    let p = match pair
        .difference(pair.headline)
        .and_then(|found| found.adjusted_p)
    {
        None => "too few errors for a test".to_owned(),
        Some(p) if by_accuracy => format::p_text(p),
        Some(p) => format!("{} by {}", format::p_text(p), group.headline.label),
    };
    let difference = bold(if pair.differs() {
        format!("{first} is significantly better than {second}")
    } else {
        format!("{first} and {second} are not significantly different")
    });
    let power = pair.together.map_or_else(String::new, |together| {
        let written = |value: f64| match by_accuracy {
            true => format!("{}\u{a0}points", format::significant(100.0 * value)),
            false => format!("{} of {}", format::significant(value), group.headline.label),
        };
        let again = match pair.claim {
            Claim::Recipes => "another fit of each on as many other images",
            Claim::Fits => "these fits on as many other images",
        };
        if pair.differs() {
            let share = 100.0 * together.probability_ahead();
            let share = if share > 99.0 {
                "more than 99".to_owned()
            } else {
                format!("{share:.0}")
            };
            format!(" With {again}, {first} is ahead with a probability of {share}\u{a0}%.")
        } else {
            pair.detectable.map_or_else(String::new, |least| {
                format!(
                    " A difference of {} would have been found in eight of ten such comparisons.",
                    written(least)
                )
            })
        }
    });
    let sentence = format!("{difference}: {counts} ({p}).{power}");
    match model(pair.first).claim {
        Claim::Recipes => sentence.into(),
        Claim::Fits => sentence.replacen("this fit", "This fit", 1).into(),
    }
}

/// Whether another seed could change the order of the first two models.
fn seeds_words(group: &Group<'_>) -> Option<Words> {
    let [best, second, ..] = group.significance.models.as_slice() else {
        return None;
    };
    let headline = group.headline;
    let seeds = |model: &ModelScores| model.score(headline.metric?)?.seeds;
    let (own, theirs) = (seeds(best)?, seeds(second)?);
    let (first, second) = (name(group, best), name(group, second));
    let written = |value| headline.write(value, test_images(group));
    let (low, high) = (written(own.low), written(own.high));
    let (their_low, their_high) = (written(theirs.low), written(theirs.high));
    let fits = best.fits.max(group.significance.models[1].fits);
    let words = if own.low == own.high && theirs.low == theirs.high {
        format!(
            "The {} of {first} and of {second} is the same in each of {fits} fits.",
            headline.label
        )
    } else if own.low >= theirs.high {
        let than = if own.low > theirs.high {
            "better than"
        } else {
            "as good as"
        };
        format!(
            "In {fits} fits of each, the seed does not change their order: the worst of {first} \
             ({low}) is still {than} the best of {second} ({their_high})."
        )
    } else {
        format!(
            "The seed can change their order: the fits of {first} range from {low} to {high}, \
             those of {second} from {their_low} to {their_high}."
        )
    };
    Some(words.into())
}

/// Accuracy with its interval, and every seed.
fn accuracies(group: &Group<'_>, charts: &mut Figures<'_>) -> Figure {
    let rows: Vec<ScoreRow<'_>> = group
        .significance
        .models
        .iter()
        .filter_map(|model| {
            let entry = &group.entries[model.entry];
            let score = model.score(Metric::Accuracy)?;
            let fits = entry.successes().map(|(_, s)| s.evaluation.accuracy);
            Some(ScoreRow {
                label: entry.model,
                series: entry.series,
                value: score.value,
                interval: score.interval.ok(),
                points: fits.filter(|_| model.fits > 1).collect(),
                text: ACCURACY.write(score.value, test_images(group)),
                starred: model.tied_with_best,
            })
        })
        .collect();
    let (other, seeds) = if rows.iter().any(|row| !row.points.is_empty()) {
        let circles = " Small circles are single seeds.";
        (
            "other seeds, where there are several, and other test images",
            circles,
        )
    } else {
        ("other test images", "")
    };
    charts.figure(
        "accuracy-intervals",
        &intervals(ACCURACY.label, &rows),
        "Accuracy with its 95 % confidence interval",
        format!(
            "What {other} of the same kind could give. A star marks the best model \
             and those that are not significantly different from it. Intervals of two models \
             may overlap although one is significantly better, because both predict the same \
             images.{seeds}"
        ),
        None,
    )
}

/// Every headline score with its interval.
fn scores(group: &Group<'_>) -> Table {
    let models = &group.significance.models;
    let samples = test_images(group);
    let several = models.iter().any(|model| model.fits > 1);
    let spread = if several {
        "; spread is the standard deviation over seeds"
    } else {
        ""
    };
    let table = Table::of(
        format!(
            "Scores on {} with 95\u{a0}% confidence intervals{spread}",
            group.name
        ),
        models,
    )
    .text("model", |model| cell(group, model))
    .each(HEADLINES, |table, metric| {
        let measure = Measure::of(metric);
        table.cells(measure.label, |model| {
            let score = model.score(metric);
            let interval = score.map(|score| score.interval);
            let value = score.map(|score| score.value);
            Cell::with_interval(measure, value, interval, samples)
        })
    });
    if !several {
        return table.done();
    }
    let spreads = [(&ACCURACY, "\u{a0}points"), (&LOG_LOSS, "")];
    table
        .counts("fits", |model| model.fits as u64)
        .each(spreads, |table, (measure, unit)| {
            table.numbers(
                format!("{}, spread over seeds", measure.label),
                |deviation| {
                    let value = measure.unit.in_points(deviation);
                    format!("±{}{unit}", format::significant(value))
                },
                |model| {
                    let score = model.score(measure.metric?)?;
                    Some(score.seeds?.deviation)
                },
            )
        })
        .done()
}

/// Every two models.
fn pairs(group: &Group<'_>) -> Table {
    let found = &group.significance;
    let model = |place: usize| cell(group, &found.models[place]);
    Table::of(
        format!(
            "Every two models on the same test images of {}: differences with 95\u{a0}% \
             confidence intervals (not corrected), p-values corrected for all pairs; the result \
             is by {}; for log loss, lower is better",
            group.name, group.headline.label
        ),
        &found.pairs,
    )
    .text("better", |pair| model(pair.first))
    .text("worse", |pair| model(pair.second))
    .counts("only the better correct", |pair| pair.swap.first_ahead)
    .counts("only the worse correct", |pair| pair.swap.second_ahead)
    .each(HEADLINES, |table, metric| {
        let measure = Measure::of(metric);
        table
            .cells(format!("difference in {}", measure.label), |pair| {
                difference_cell(measure, pair.difference(metric))
            })
            .numbers("p", format::p_value, |pair| {
                pair.difference(metric)?.adjusted_p
            })
    })
    .text("result", |pair| {
        if pair.differs() {
            "significantly different"
        } else {
            "not significantly different"
        }
    })
    .done()
}

pub(super) fn difference_cell(measure: &Measure, difference: Option<&Difference>) -> Cell {
    let unit = measure.unit;
    let interval = difference.map(|difference| difference.interval);
    Cell {
        small: interval.map(|interval| match interval {
            Ok(interval) => format!(
                "{} to {}",
                unit.write_difference(interval.low),
                unit.write_difference(interval.high)
            ),
            Err(too_few) => no_interval(too_few),
        }),
        ..Cell::number(difference.map(|difference| difference.value), |value| {
            unit.write_difference_with_unit(value)
        })
    }
}
