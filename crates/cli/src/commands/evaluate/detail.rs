//! One model on one dataset, for a terminal of 80 columns.

use bakeoff_measures::{
    ACCURACY, BALANCED_ACCURACY, LOG_LOSS, MACRO_AUC, MACRO_F1, Measure, format,
};
use bakeoff_metrics::Evaluation;
use bakeoff_report::{
    Confusions, Tally,
    terminal::{Align, Lines, table},
};

use super::{measured::Measured, shown::Shown};
use crate::text;

/// Columns of a terminal.
const WIDTH: usize = 80;
/// So many misses are listed, and so many images without an answer.
const LISTED: usize = 20;
/// Where the matrix is too wide, so many confusions are listed.
const FREQUENT: usize = 10;

pub(super) fn lines(shown: &Shown, measured: &Measured) -> Lines {
    let tally = &measured.tally;
    let mut out = Lines::new();
    out.line(format_args!(
        "{} on {} of `{}`",
        measured.model,
        format::counted(tally.images as u64, "test image", "test images"),
        shown.dataset
    ));
    out.blank();
    line(&mut out, ACCURACY.label, &accuracy(tally));
    if tally.unanswered() > 0 {
        let answered = format!(
            "{} of {}; the others count as wrong",
            format::count(tally.answered as u64),
            format::count(tally.images as u64)
        );
        line(&mut out, "answered", &answered);
    }
    if tally.unsure > 0 {
        line(&mut out, "unsure", &unsure(tally));
    }
    if let Some(evaluation) = &measured.evaluation {
        if tally.unanswered() > 0 {
            out.blank();
            out.line("Of the images with an answer:");
            score(&mut out, &ACCURACY, evaluation);
        }
        for measure in [&BALANCED_ACCURACY, &MACRO_F1, &MACRO_AUC, &LOG_LOSS] {
            score(&mut out, measure, evaluation);
        }
        out.blank();
        out.append(&per_class(measured, evaluation));
    }
    if tally.misses > 0 {
        out.blank();
        out.append(&confusions(&measured.confusions));
        out.blank();
        out.append(&misses(shown, measured));
    }
    if tally.unanswered() > 0 {
        out.blank();
        out.append(&unanswered(shown, measured));
    }
    out
}

fn line(out: &mut Lines, label: &str, value: &str) {
    out.line(format_args!("{label:<17}  {value}"));
}

fn score(out: &mut Lines, measure: &Measure, evaluation: &Evaluation) {
    let value = measure.metric.and_then(|metric| evaluation.get(metric));
    let value = text::measure(measure, value, evaluation.samples);
    line(out, measure.label, &value);
}

fn accuracy(tally: &Tally) -> String {
    format::plain_spaces(&format!(
        "{} (95 % interval {})",
        tally.accuracy_text(),
        tally.interval_text()
    ))
}

fn unsure(tally: &Tally) -> String {
    let count = |count: usize| format::count(count as u64);
    let mut text = format!(
        "{}, of which {} wrong",
        count(tally.unsure),
        count(tally.unsure_misses)
    );
    if tally.misses > 0 {
        text += &format!(
            "; {} of {} unsure",
            count(tally.unsure_misses),
            format::counted(tally.misses as u64, "wrong answer", "wrong answers")
        );
    }
    text
}

fn per_class(measured: &Measured, evaluation: &Evaluation) -> Lines {
    let score = |value: Option<f64>| format::or_nothing(value, format::score);
    let classes = evaluation.per_class.iter().zip(&measured.class_names);
    let rows: Vec<Vec<String>> = classes
        .map(|(class, name)| {
            vec![
                name.clone(),
                format::count(class.support),
                score(class.precision),
                score(class.recall),
                score(class.f1),
                format::or_nothing(class.auc, format::auc),
            ]
        })
        .collect();
    let header = [
        ("class", Align::Left),
        ("samples", Align::Right),
        ("precision", Align::Right),
        ("recall", Align::Right),
        ("F1", Align::Right),
        ("AUC", Align::Right),
    ];
    table(&header, &rows)
}

/// The matrix of the classes that occur, or the most frequent confusions where it is too wide.
fn confusions(found: &Confusions) -> Lines {
    let mut out = Lines::new();
    let matrix = matrix(found);
    if matrix
        .as_str()
        .lines()
        .all(|line| line.chars().count() <= WIDTH)
    {
        out.line("Confusion matrix: a row for each label, a column for each answer");
        out.append(&matrix);
        return out;
    }
    let all = found.most_frequent();
    out.line(match all.len() > FREQUENT {
        true => format!("The {FREQUENT} most frequent confusions of {}", all.len()),
        false => "Confusions".to_owned(),
    });
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .take(FREQUENT)
        .map(|(label, answer, count)| vec![label.into(), answer.into(), format::count(count)])
        .collect();
    let header = [
        ("label", Align::Left),
        ("answer", Align::Left),
        ("images", Align::Right),
    ];
    out.append(&table(&header, &rows));
    out
}

fn matrix(found: &Confusions) -> Lines {
    let k = found.classes.len();
    let cell = |count: &u64| match count {
        0 => "·".to_owned(),
        count => format::count(*count),
    };
    let has_unanswered = found.unanswered.iter().any(|count| *count > 0);
    let mut header = vec![("label", Align::Left)];
    header.extend(
        found
            .classes
            .iter()
            .map(|name| (name.as_str(), Align::Right)),
    );
    header.extend(has_unanswered.then_some(("no answer", Align::Right)));
    let rows = found.classes.iter().zip(found.counts.chunks(k.max(1)));
    let rows: Vec<Vec<String>> = rows
        .zip(&found.unanswered)
        .map(|((name, counts), unanswered)| {
            let mut row = vec![name.clone()];
            row.extend(counts.iter().map(cell));
            row.extend(has_unanswered.then(|| cell(unanswered)));
            row
        })
        .collect();
    table(&header, &rows)
}

/// What a warning or an error says first: what it is, without what to do about it.
fn first_words(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(first, _)| first)
}

fn misses(shown: &Shown, measured: &Measured) -> Lines {
    let misses = measured.misses();
    let mut out = Lines::new();
    out.line(match misses.len() > LISTED {
        true => format!(
            "The {LISTED} most confident wrong answers of {} (--json, --csv and --html have more)",
            format::count(misses.len() as u64)
        ),
        false => "Wrong answers, the most confident first".to_owned(),
    });
    let rows: Vec<Vec<String>> = misses
        .iter()
        .take(LISTED)
        .map(|(at, answer)| {
            let warnings = shown.fates[*at].as_deref().unwrap_or_default();
            let warnings: Vec<&str> = warnings.iter().map(|it| first_words(it)).collect();
            let confidence = format::probability(f64::from(answer.confidence));
            vec![
                shown.names[*at].clone(),
                measured.class(measured.labels[*at]).to_owned(),
                measured.class(answer.class).to_owned(),
                format::plain_spaces(&confidence),
                warnings.join("; "),
            ]
        })
        .collect();
    let warned = rows.iter().any(|row| !row[4].is_empty());
    let mut header = vec![
        ("image", Align::Left),
        ("label", Align::Left),
        ("answer", Align::Left),
        ("confidence", Align::Right),
    ];
    header.extend(warned.then_some(("warning", Align::Left)));
    out.append(&table(&header, &rows));
    out
}

fn unanswered(shown: &Shown, measured: &Measured) -> Lines {
    let images = shown.names.iter().zip(&measured.labels).zip(&shown.fates);
    let rows: Vec<Vec<String>> = images
        .filter_map(|((name, label), fate)| {
            let reason = fate.as_ref().err()?;
            Some(vec![
                name.clone(),
                measured.class(*label).to_owned(),
                first_words(reason).to_owned(),
            ])
        })
        .take(LISTED)
        .collect();
    let mut out = Lines::new();
    let all = measured.tally.unanswered();
    out.line(match all > LISTED {
        true => format!(
            "The first {LISTED} of {} images without an answer (--json and --csv have all)",
            format::count(all as u64)
        ),
        false => "Images without an answer".to_owned(),
    });
    let header = [
        ("image", Align::Left),
        ("label", Align::Left),
        ("reason", Align::Left),
    ];
    out.append(&table(&header, &rows));
    out
}
