//! `bakeoff diff`

use std::process::ExitCode;

use bakeoff_bench::RunFolder;
use bakeoff_measures::{FIT_TIME, LATENCY_P50, Measure, format};
use bakeoff_report::{
    Change, Claim, CostDiff, Diff, DiffOptions, ModelDiff, ScoreDiff, TimeChange,
    terminal::{Align, Lines, table},
};

use crate::{args::DiffArgs, text};

/// What `--fail-if-worse` exits with, so that CI can tell it from a command that failed.
const WORSE: u8 = 3;

pub(crate) fn main(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let first = RunFolder::open(&args.first)?.read()?;
    let second = RunFolder::open(&args.second)?.read()?;
    let options = DiffOptions {
        metric: args.metric.into(),
        margin: args.margin,
    };
    let diff = bakeoff_report::diff(&first, &second, &options)?;
    if args.json {
        text::print_json(&diff)?;
    } else {
        text::print(&words(&diff))?;
    }
    let worse = if args.fits {
        diff.worse().next().is_some()
    } else {
        diff.recipes_worse().next().is_some()
    };
    Ok(if worse && args.fail_if_worse {
        ExitCode::from(WORSE)
    } else {
        ExitCode::SUCCESS
    })
}

fn words(diff: &Diff) -> Lines {
    let measure = Measure::of(diff.metric);
    let datasets = diff
        .models
        .iter()
        .any(|model| model.dataset != diff.models[0].dataset);
    let mut header = vec![("model", Align::Left)];
    if datasets {
        header.push(("dataset", Align::Left));
    }
    header.extend([
        (measure.label, Align::Left),
        ("A", Align::Right),
        ("B", Align::Right),
        ("B − A", Align::Right),
        ("interval", Align::Right),
        (FIT_TIME.label, Align::Right),
        (LATENCY_P50.label, Align::Right),
    ]);
    let rows: Vec<Vec<String>> = diff
        .models
        .iter()
        .map(|model| {
            let mut row = vec![model.model.clone()];
            if datasets {
                row.push(model.dataset.clone());
            }
            row.push(change(model).to_owned());
            row.extend(score_cells(model, measure));
            row.push(cost(model.fit_seconds));
            row.push(cost(model.latency_p50_seconds));
            row
        })
        .collect();
    let mut out = Lines::new();
    out.line(format_args!("A  {}", diff.first));
    out.line(format_args!("B  {}", diff.second));
    out.blank();
    out.append(&table(&header, &rows));
    out.blank();
    for model in &diff.models {
        let place = format!("{} on {}", model.model, model.dataset);
        if !model.changes.is_empty() {
            out.line(format_args!("{place}: {}", model.changes.join(", ")));
        }
        if let Some(reason) = &model.reason {
            out.line(format_args!("{place}: {reason}"));
        }
    }
    for (run, only) in [("A", &diff.only_first), ("B", &diff.only_second)] {
        if !only.is_empty() {
            out.line(format_args!("Only in {run}: {}", only.join(", ")));
        }
    }
    for dataset in &diff.other_test_data {
        out.line(format_args!(
            "Not compared: {dataset} has different test images in A and B (another limit, or other data)"
        ));
    }
    let worse: Vec<&str> = diff.worse().map(|model| model.model.as_str()).collect();
    let compared = |model: &ModelDiff| model.verdict != Change::NotComparable;
    out.line(match worse.as_slice() {
        [] if !diff.models.iter().any(compared) => "No model could be compared.".to_owned(),
        [] => "No model got worse.".to_owned(),
        worse => format!(
            "{} got worse: {}.",
            format::counted(worse.len() as u64, "model", "models"),
            worse.join(", ")
        ),
    });
    let fits: Vec<&str> = of_fits(&diff.models).map(|m| m.model.as_str()).collect();
    if !fits.is_empty() {
        out.line(format_args!(
            "Compared as fits, not as recipes, because one side has one seed: {}. Another seed may \
             change this; run both with --seeds 5 to compare recipes.",
            fits.join(", ")
        ));
    }
    out.line("Intervals are paired by test images (95 % over all models together), and include other seeds where recipes are compared. Times of one machine are called faster or slower where their ranges do not overlap; they are for information only.");
    out
}

/// The models whose verdict is about single fits.
fn of_fits(models: &[ModelDiff]) -> impl Iterator<Item = &ModelDiff> {
    models.iter().filter(|model| {
        let judged = [Change::Better, Change::Worse, Change::WithinNoise];
        model.claim == Claim::Fits && judged.contains(&model.verdict)
    })
}

fn change(model: &ModelDiff) -> &'static str {
    let fits = model.claim == Claim::Fits;
    match model.verdict {
        Change::Better if fits => "this fit is better",
        Change::Worse if fits => "this fit is WORSE",
        Change::Better => "better",
        Change::Worse => "WORSE",
        Change::WithinNoise => "within noise",
        Change::Same => "same answers",
        Change::Lost => "LOST",
        Change::NotComparable => "no results",
    }
}

/// Both values, their difference and its interval.
fn score_cells(model: &ModelDiff, measure: &Measure) -> [String; 4] {
    let mut scores = model.scores.iter();
    let Some(ScoreDiff {
        first,
        second,
        difference,
        interval,
        samples,
        ..
    }) = scores.find(|score| Some(score.metric) == measure.metric)
    else {
        return ["–", "–", "–", "–"].map(str::to_owned);
    };
    let value = |value: f64| text::measure(measure, Some(value), *samples);
    let signed = |value: f64| measure.unit.write_difference(value);
    [
        value(*first),
        value(*second),
        signed(*difference),
        format::or_nothing(*interval, |interval| {
            format!("{} to {}", signed(interval.low), signed(interval.high))
        }),
    ]
}

fn cost(cost: Option<CostDiff>) -> String {
    format::or_nothing(cost, |cost| {
        let [first, second] = [cost.first, cost.second].map(text::seconds);
        let change = match cost.change {
            TimeChange::Faster => ", faster",
            TimeChange::Slower => ", slower",
            TimeChange::WithinNoise => ", within noise",
            TimeChange::Disturbed => ", disturbed",
            TimeChange::OtherMachine => "",
        };
        format!("{first} → {second}{change}")
    })
}
