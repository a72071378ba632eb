//! Whether the models really differ: intervals, the pairs, and plain words about both.

use bakeoff_metrics::{Interval, Metric};

use super::{
    parts::{Cell, Charts, Column, Figure, Table, Words},
    sections::Part,
};
use crate::{
    ReportError,
    analysis::{
        Entry, Group,
        significance::{Difference, HEADLINES, ModelScores, PairDifference, Score},
    },
    charts::{Rated, intervals},
    format,
};

/// With more pairs than this, words are made of those with the best model only.
const MOST_SENTENCES: usize = 10;

/// What one dataset says.
///
/// # Errors
/// When the chart cannot be drawn.
pub(super) fn part(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Part>, ReportError> {
    let found = &group.significance;
    if found.models.len() < 2 {
        return Ok(None);
    }
    let name = |model: usize| group.entries[found.models[model].entry].model;
    let few = found.pairs.len() <= MOST_SENTENCES;
    let mut sentences: Vec<Words> = found
        .pairs
        .iter()
        .filter(|pair| few || pair.first == 0)
        .map(|pair| pair_words(group, pair))
        .collect();
    sentences.extend(seeds_words(group));
    let figures = vec![accuracies(group, prefix, charts)?];
    let tables = vec![scores(group), pairs(group, name)];
    let corrected = found.pairs.len();
    let mut notes = vec![format!(
        "All p-values are corrected for looking at {} at once (Holm). Accuracy is tested \
         picture by picture: of the pictures that only one of two models gets right, a fair \
         coin would give each model half (McNemar's test, mid-p; with several seeds its \
         exact extension to shares of fits). Areas under the ROC curve are compared by \
         DeLong's test where each model has one fit, all else by {} paired stratified \
         resamples of the test pictures with bias-corrected and accelerated (BCa) intervals, \
         which cannot tell p-values below 0.001 before they are corrected.",
        format::counted(corrected as u64, "pair", "pairs"),
        format::count(bakeoff_metrics::Bootstrap::RESAMPLES as u64),
    )];
    if found.models.iter().any(|model| model.fits > 1) {
        notes.push(
            "Intervals and p-values are about the test pictures: what another sample of as \
             many would have given for these very fits. How far another seed moves a score \
             is no part of them; it is shown beside them."
                .to_owned(),
        );
    }
    Ok(Some(Part {
        heading: None,
        lead: best_group(group),
        sentences,
        figures,
        tables,
        notes,
    }))
}

/// Who is best, and who cannot be told from it.
pub(super) fn best_group(group: &Group<'_>) -> Words {
    let found = &group.significance;
    let names: Vec<String> = found
        .best_group()
        .map(|model| group.entries[model.entry].model.to_owned())
        .collect();
    match names.as_slice() {
        [] => Words::default(),
        [only] => {
            let largest = found
                .pairs
                .iter()
                .filter(|pair| pair.first == 0)
                .filter_map(|pair| pair.difference(Metric::Accuracy)?.adjusted_p)
                .fold(0.0, f64::max);
            Words::default().strong(only.as_str()).plain(format!(
                " is more accurate than every other model, and chance is an unlikely \
                     explanation ({} for each).",
                p_text(largest).replace('=', "≤")
            ))
        }
        [best, others @ ..] => Words::default()
            .strong(format::list(others))
            .plain(format!(
                " cannot be told from the best, {best}, on these test pictures: "
            ))
            .strong(if others.len() == 1 {
                "its difference from the best may be chance"
            } else {
                "their differences from the best may be chance"
            })
            .plain("."),
    }
}

/// Two models in words.
fn pair_words(group: &Group<'_>, pair: &PairDifference) -> Words {
    let model = |place: usize| &group.significance.models[place];
    let name = |place: usize| group.entries[model(place).entry].model;
    let (first, second) = (name(pair.first), name(pair.second));
    let several = model(pair.first).fits > 1 || model(pair.second).fits > 1;
    let (ahead, behind) = (pair.swap.first_ahead, pair.swap.second_ahead);
    if ahead + behind == 0 {
        return Words::default()
            .strong(first)
            .plain(" and ")
            .strong(second)
            .plain(" are right and wrong about the very same test pictures.");
    }
    let pictures = format::counted(ahead, "test picture", "test pictures");
    let counts = if several {
        format!(
            "its fits are right more often about {pictures}, less often about {}",
            format::count(behind)
        )
    } else {
        format!(
            "it gets {pictures} right that {second} misses, against {} the other way",
            format::count(behind)
        )
    };
    let p = pair
        .difference(Metric::Accuracy)
        .and_then(|difference| difference.adjusted_p)
        .unwrap_or(1.0);
    if pair.accuracy_differs() {
        let unlikely = match p {
            p if p < 0.001 => "very unlikely",
            p if p < 0.01 => "unlikely",
            _ => "rather unlikely",
        };
        Words::default()
            .strong(format!("{first} is better than {second}"))
            .plain(format!(
                ": {counts}; a difference this large would be {unlikely} by chance ({}).",
                p_text(p)
            ))
    } else {
        let likely = if p < 0.2 {
            "may well come about"
        } else {
            "would easily come about"
        };
        let counts = counts.replacen("its fits", &format!("the fits of {first}"), 1);
        let counts = counts.replacen("it gets", &format!("{first} gets"), 1);
        Words::default()
            .strong(format!("{first} and {second} cannot be told apart"))
            .plain(format!(
                ": {counts}; a difference this large {likely} by chance ({}).",
                p_text(p)
            ))
    }
}

/// Whether another seed could turn the order of the first two.
fn seeds_words(group: &Group<'_>) -> Option<Words> {
    let [best, second, ..] = group.significance.models.as_slice() else {
        return None;
    };
    let samples = group.entries[best.entry].example()?.1.evaluation.samples;
    let name = |model: &ModelScores| group.entries[model.entry].model;
    let seeds = |model: &ModelScores| model.score(Metric::Accuracy)?.seeds;
    let (own, theirs) = (seeds(best)?, seeds(second)?);
    if own.low == own.high && theirs.low == theirs.high {
        return Some(Words::default().plain(format!(
            "Another seed changes nothing about {} and {}: each is as accurate in every fit.",
            name(best),
            name(second)
        )));
    }
    let words = Words::default().plain("Another seed matters too: ");
    Some(if own.low >= theirs.high {
        words.plain(format!(
            "the worst of {}'s {} fits ({}) is still {} the best of {}'s ({}).",
            name(best),
            best.fits,
            format::percent(own.low, samples),
            if own.low > theirs.high {
                "better than"
            } else {
                "as good as"
            },
            name(second),
            format::percent(theirs.high, samples),
        ))
    } else {
        words.plain(format!(
            "the fits of {} reach from {} to {}, those of {} from \
             {} to {}, so that the seed alone can turn their order.",
            name(best),
            format::percent(own.low, samples),
            format::percent(own.high, samples),
            name(second),
            format::percent(theirs.low, samples),
            format::percent(theirs.high, samples),
        ))
    })
}

/// Accuracy with its interval, and every seed.
fn accuracies(group: &Group<'_>, prefix: &str, charts: &mut Charts) -> Result<Figure, ReportError> {
    let rows: Vec<Rated<'_>> = group
        .significance
        .models
        .iter()
        .filter_map(|model| {
            let entry: &Entry<'_> = &group.entries[model.entry];
            let score = model.score(Metric::Accuracy)?;
            Some(Rated {
                label: entry.model,
                series: entry.series,
                value: score.value,
                interval: score.interval,
                points: if model.fits > 1 {
                    entry
                        .successes()
                        .map(|(_, success)| success.evaluation.accuracy)
                        .collect()
                } else {
                    Vec::new()
                },
                text: format::percent(
                    score.value,
                    entry.example().map_or(0, |(_, s)| s.evaluation.samples),
                ),
                marked: model.tied_with_best,
            })
        })
        .collect();
    let several = rows.iter().any(|row| !row.points.is_empty());
    let chart = intervals(&format!("{prefix}accuracy-intervals"), "accuracy", &rows)?;
    let seeds = if several {
        " Small circles are single seeds."
    } else {
        ""
    };
    Ok(charts.figure(
        &chart,
        "Accuracy with its 95 % interval",
        format!(
            "What other test pictures such as these could have given. A star marks the best \
             and those that cannot be told from it. Intervals of two models may overlap \
             though one is clearly better: they saw the same pictures.{seeds}"
        ),
        None,
    ))
}

/// Every headline score with its interval.
fn scores(group: &Group<'_>) -> Table {
    let found = &group.significance;
    let several = found.models.iter().any(|model| model.fits > 1);
    let mut columns = vec![Column::text("model")];
    columns.extend(HEADLINES.map(|metric| Column::number(metric.label())));
    if several {
        columns.push(Column::number("fits"));
        columns.extend(
            [Metric::Accuracy, Metric::LogLoss]
                .map(|metric| Column::number(&format!("{}, spread over seeds", metric.label()))),
        );
    }
    let samples = |model: &ModelScores| {
        let example = group.entries[model.entry].example();
        example.map_or(0, |(_, success)| success.evaluation.samples)
    };
    let rows = found
        .models
        .iter()
        .map(|model| {
            let mut row = vec![Cell::from(group.entries[model.entry].model)];
            row.extend(HEADLINES.map(|metric| score_cell(model.score(metric), samples(model))));
            if several {
                row.push(Cell::count(model.fits as u64));
                row.extend([Metric::Accuracy, Metric::LogLoss].map(|metric| {
                    let spread = model.score(metric).and_then(|score| score.seeds);
                    Cell::number(spread.map(|spread| spread.deviation), |deviation| {
                        if metric == Metric::Accuracy {
                            format!("±{}\u{a0}points", format::significant(100.0 * deviation))
                        } else {
                            format!("±{}", format::significant(deviation))
                        }
                    })
                }));
            }
            row
        })
        .collect();
    Table {
        caption: format!(
            "Scores on {} with 95\u{a0}% intervals{}",
            group.name,
            if several {
                "; spread is the standard deviation over seeds"
            } else {
                ""
            }
        ),
        columns,
        rows,
        sortable: true,
        pairs: false,
    }
}

fn score_cell(score: Option<&Score>, samples: usize) -> Cell {
    let Some(score) = score else {
        return Cell::number(None, format::score);
    };
    Cell {
        small: score
            .interval
            .map(|interval| interval_text(score.metric, interval, samples)),
        ..Cell::number(Some(score.value), |value| {
            value_text(score.metric, value, samples)
        })
    }
}

/// A headline score as people read it.
pub(super) fn value_text(metric: Metric, value: f64, samples: usize) -> String {
    match metric {
        Metric::Accuracy => format::percent(value, samples),
        Metric::MacroAuc => format::auc(value),
        _ => format::score(value),
    }
}

/// `98.95–99.31`.
pub(super) fn interval_text(metric: Metric, interval: Interval, samples: usize) -> String {
    let text = |value| {
        value_text(metric, value, samples)
            .trim_end_matches("\u{a0}%")
            .to_owned()
    };
    format!("{}–{}", text(interval.low), text(interval.high))
}

/// Every two models.
fn pairs<'g>(group: &'g Group<'_>, name: impl Fn(usize) -> &'g str) -> Table {
    let found = &group.significance;
    let mut columns = vec![
        Column::text("better"),
        Column::text("worse"),
        Column::number("only it right"),
        Column::number("only the other right"),
    ];
    for metric in HEADLINES {
        columns.push(Column::number(&format!("difference in {}", metric.label())));
        columns.push(Column::number("p"));
    }
    columns.push(Column::text("verdict"));
    let rows = found
        .pairs
        .iter()
        .map(|pair| {
            let mut row = vec![
                Cell::from(name(pair.first)),
                Cell::from(name(pair.second)),
                Cell::count(pair.swap.first_ahead),
                Cell::count(pair.swap.second_ahead),
            ];
            for metric in HEADLINES {
                row.extend(difference_cells(pair.difference(metric)));
            }
            row.push(Cell::from(if pair.accuracy_differs() {
                "differ"
            } else {
                "not distinguishable"
            }));
            row
        })
        .collect();
    Table {
        caption: format!(
            "Every two models on the same test pictures of {}: differences with 95\u{a0}% \
             intervals (each for itself), p-values corrected for all pairs; the verdict is by \
             accuracy; of log loss, less is better",
            group.name
        ),
        columns,
        rows,
        sortable: true,
        pairs: false,
    }
}

fn difference_cells(difference: Option<&Difference>) -> [Cell; 2] {
    let Some(difference) = difference else {
        return [Cell::number(None, signed), Cell::number(None, signed)];
    };
    let show = |value: f64| match difference.metric {
        // A difference of shares is told in points of per cent.
        Metric::Accuracy => signed(100.0 * value),
        _ => signed(value),
    };
    let value = Cell {
        small: difference
            .interval
            .map(|interval| format!("{} to {}", show(interval.low), show(interval.high))),
        ..Cell::number(Some(difference.value), |value| match difference.metric {
            Metric::Accuracy => format!("{}\u{a0}points", show(value)),
            _ => show(value),
        })
    };
    [value, Cell::number(difference.adjusted_p, p_value)]
}

/// `+0.0123`, `−1.25`.
fn signed(value: f64) -> String {
    let digits = if value.abs() >= 0.1 { 2 } else { 4 };
    let text = format!("{:.digits$}", value.abs());
    let sign = if text.chars().all(|c| matches!(c, '0' | '.')) {
        ""
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{text}")
}

/// `0.032`, `< 0.0001`.
pub(super) fn p_value(p: f64) -> String {
    match p {
        p if p < 0.0001 => "<\u{a0}0.0001".to_owned(),
        p if p < 0.001 => format!("{p:.4}"),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

/// `p = 0.032`, `p < 0.0001`.
pub(super) fn p_text(p: f64) -> String {
    if p < 0.0001 {
        "p\u{a0}<\u{a0}0.0001".to_owned()
    } else {
        format!("p\u{a0}=\u{a0}{}", p_value(p))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_keep_their_meaning() {
        assert_eq!(p_text(0.0), "p\u{a0}<\u{a0}0.0001");
        assert_eq!(p_text(0.0314), "p\u{a0}=\u{a0}0.031");
        assert_eq!(p_text(0.5), "p\u{a0}=\u{a0}0.50");
        assert_eq!(signed(-0.00001), "0.0000");
        assert_eq!(signed(1.234), "+1.23");
        assert_eq!(signed(-0.05), "−0.0500");
    }
}
