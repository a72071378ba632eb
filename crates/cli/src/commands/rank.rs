//! `bakeoff rank`

use std::process::ExitCode;

use bakeoff_bench::RunFolder;
use bakeoff_core::record::Run;
use bakeoff_metrics::Metric;
use bakeoff_report::{RankTest, Ranking};

use crate::{
    args::RankArgs,
    table::{Align, table},
    text,
};

pub(crate) fn main(args: &RankArgs) -> anyhow::Result<ExitCode> {
    let runs: Vec<Run> = args
        .runs
        .iter()
        .map(|path| RunFolder::open(path)?.read())
        .collect::<Result<_, _>>()?;
    let runs: Vec<&Run> = runs.iter().collect();
    let ranking = bakeoff_report::rank(&runs, args.metric.into())?;
    if args.json {
        text::print_json(&ranking)?;
    } else {
        text::print(&words(&ranking))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn words(ranking: &Ranking) -> String {
    let show = |value: f64| match ranking.metric {
        Metric::Accuracy => text::percent(Some(value)),
        Metric::MacroAuc => format!("{value:.5}"),
        _ => text::decimal(Some(value)),
    };
    let mut header = vec![("model", Align::Left), ("mean rank", Align::Right)];
    header.extend(
        ranking
            .datasets
            .iter()
            .map(|name| (name.as_str(), Align::Right)),
    );
    let rows: Vec<Vec<String>> = ranking
        .models
        .iter()
        .map(|model| {
            let mut row = vec![model.model.clone(), format!("{:.2}", model.mean_rank)];
            row.extend(model.scores.iter().map(|score| show(*score)));
            row
        })
        .collect();
    let mut out = format!(
        "Models by {} on {}, 1 is best; means over runs and seeds\n\n",
        ranking.metric.label(),
        match ranking.datasets.len() {
            1 => "1 dataset".to_owned(),
            count => format!("{count} datasets"),
        }
    );
    out += &table(&header, &rows);
    for (model, datasets) in &ranking.left_out {
        out += &format!(
            "Left out: {model} has no results on {}\n",
            datasets.join(", ")
        );
    }
    out += "\n";
    match (&ranking.test, &ranking.no_test) {
        (Some(test), _) => out += &test_words(test),
        (None, Some(reason)) => {
            out += &format!("Whether these ranks are more than chance was not tested: {reason}.\n");
        }
        (None, None) => {}
    }
    out
}

fn test_words(test: &RankTest) -> String {
    let p = match test.iman_davenport_p {
        p if p < 0.0001 => "p < 0.0001".to_owned(),
        p => format!("p = {p:.4}"),
    };
    if test.iman_davenport_p > 0.05 {
        return format!("The ranks could be chance (Friedman's test, {p}).\n");
    }
    let mut out = format!(
        "The models do differ (Friedman's test, {p}). Mean ranks that differ by {:.2} or more are more than chance (Nemenyi, 95 %).\n",
        test.critical_difference
    );
    for group in &test.groups {
        out += &format!("Cannot be told apart: {}\n", group.join(", "));
    }
    out
}
