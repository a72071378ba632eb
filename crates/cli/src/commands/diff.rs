//! `bakeoff diff`

use std::process::ExitCode;

use bakeoff_bench::RunFolder;
use bakeoff_metrics::Metric;
use bakeoff_report::{CostDiff, Diff, DiffOptions, ModelDiff, ScoreDiff, Verdict};

use crate::{
    args::DiffArgs,
    table::{Align, table},
    text,
};

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
    let worse = diff.worse().next().is_some();
    Ok(if worse && args.fail_if_worse {
        ExitCode::from(WORSE)
    } else {
        ExitCode::SUCCESS
    })
}

fn words(diff: &Diff) -> String {
    let datasets = diff
        .models
        .iter()
        .any(|model| model.dataset != diff.models[0].dataset);
    let mut header = vec![("model", Align::Left)];
    if datasets {
        header.push(("dataset", Align::Left));
    }
    header.extend([
        (diff.metric.label(), Align::Left),
        ("A", Align::Right),
        ("B", Align::Right),
        ("B − A", Align::Right),
        ("interval", Align::Right),
        ("fit", Align::Right),
        ("one picture", Align::Right),
    ]);
    let rows: Vec<Vec<String>> = diff
        .models
        .iter()
        .map(|model| {
            let mut row = vec![model.model.clone()];
            if datasets {
                row.push(model.dataset.clone());
            }
            row.push(verdict(model.verdict).to_owned());
            row.extend(score_cells(model, diff.metric));
            row.push(cost(model.fit_seconds));
            row.push(cost(model.latency_p50_seconds));
            row
        })
        .collect();
    let mut out = format!("A  {}\nB  {}\n\n", diff.first, diff.second);
    out += &table(&header, &rows);
    out += "\n";
    for model in &diff.models {
        let place = format!("{} on {}", model.model, model.dataset);
        if !model.changes.is_empty() {
            out += &format!("{place}: {}\n", model.changes.join(", "));
        }
        if let Some(reason) = &model.reason {
            out += &format!("{place}: {reason}\n");
        }
    }
    for (run, only) in [("A", &diff.only_first), ("B", &diff.only_second)] {
        if !only.is_empty() {
            out += &format!("Only in {run}: {}\n", only.join(", "));
        }
    }
    for dataset in &diff.other_test_data {
        out += &format!(
            "Not compared: {dataset} has other test pictures in A than in B (another limit, or other data)\n"
        );
    }
    let worse: Vec<&str> = diff.worse().map(|model| model.model.as_str()).collect();
    let compared = |model: &ModelDiff| model.verdict != Verdict::NotComparable;
    out += &match worse.as_slice() {
        [] if !diff.models.iter().any(compared) => "No model could be compared.\n".to_owned(),
        [] => "No model got worse.\n".to_owned(),
        [one] => format!("1 model got worse: {one}.\n"),
        several => format!(
            "{} models got worse: {}.\n",
            several.len(),
            several.join(", ")
        ),
    };
    out += "Intervals are paired, picture by picture (95 % over all models together); times are for information.\n";
    out
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "WORSE",
        Verdict::WithinNoise => "within noise",
        Verdict::Same => "same answers",
        Verdict::Lost => "LOST",
        Verdict::NotComparable => "no results",
    }
}

/// Both values, their difference and its interval.
fn score_cells(model: &ModelDiff, metric: Metric) -> [String; 4] {
    let found = model.scores.iter().find(|score| score.metric == metric);
    let Some(ScoreDiff {
        first,
        second,
        difference,
        interval,
        ..
    }) = found
    else {
        return ["–", "–", "–", "–"].map(str::to_owned);
    };
    let accuracy = metric == Metric::Accuracy;
    let value = |value: f64| match metric {
        Metric::Accuracy => text::percent(Some(value)),
        Metric::MacroAuc => format!("{value:.5}"),
        _ => text::decimal(Some(value)),
    };
    // A difference of shares is told in points of per cent.
    let signed = |value: f64| match (accuracy, metric) {
        (true, _) => format!("{:+.2}", 100.0 * value),
        (_, Metric::MacroAuc) => format!("{value:+.5}"),
        _ => format!("{value:+.4}"),
    };
    [
        value(*first),
        value(*second),
        signed(*difference),
        format!("{} to {}", signed(interval.low), signed(interval.high)),
    ]
}

fn cost(cost: Option<CostDiff>) -> String {
    cost.map_or_else(
        || "–".to_owned(),
        |cost| {
            format!(
                "{} → {}",
                text::seconds(Some(cost.first)),
                text::seconds(Some(cost.second))
            )
        },
    )
}
