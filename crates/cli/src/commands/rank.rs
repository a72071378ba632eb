//! `bakeoff rank`

use bakeoff_bench::RunFolder;
use bakeoff_core::record::Run;
use bakeoff_measures::{Measure, format};
use bakeoff_report::{
    RankTest, Ranking,
    terminal::{Align, Lines, table},
};

use crate::{args::RankArgs, text};

pub(crate) fn main(args: &RankArgs) -> anyhow::Result<()> {
    let runs: Vec<Run> = args
        .runs
        .iter()
        .map(|path| RunFolder::open(path)?.read())
        .collect::<Result<_, _>>()?;
    let runs: Vec<&Run> = runs.iter().collect();
    let ranking = bakeoff_report::rank(&runs, args.metric.into(), args.margin)?;
    if args.json {
        text::print_json(&ranking)
    } else {
        text::print(&words(&ranking))
    }
}

fn words(ranking: &Ranking) -> Lines {
    let measure = Measure::of(ranking.metric);
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
            let scores = model.scores.iter().zip(&ranking.test_samples);
            row.extend(scores.map(|(s, &samples)| text::measure(measure, Some(*s), samples)));
            row
        })
        .collect();
    let mut out = Lines::new();
    out.line(format_args!(
        "Models by {} on {}, 1 is best; means over runs and seeds",
        measure.label,
        format::counted(ranking.datasets.len() as u64, "dataset", "datasets")
    ));
    out.blank();
    out.append(&table(&header, &rows));
    for (model, datasets) in &ranking.left_out {
        out.line(format_args!(
            "Left out: {model} has no results on {}",
            datasets.join(", ")
        ));
    }
    out.blank();
    match (&ranking.test, &ranking.no_test) {
        (Some(test), _) => test_words(test, &mut out),
        (None, Some(reason)) => out.line(format_args!(
            "The ranks were not tested for significance: {reason}."
        )),
        (None, None) => {}
    }
    if !ranking.pairs.is_empty() {
        out.line(pair_words(ranking));
        practical_words(ranking, &mut out);
    }
    out
}

/// How probable it is that models differ by more than the margin.
fn practical_words(ranking: &Ranking, out: &mut Lines) {
    let percent = |p: f64| match 100.0 * p {
        p if p > 99.0 => "over 99 %".to_owned(),
        p if p < 1.0 => "under 1 %".to_owned(),
        p => format!("{p:.0} %"),
    };
    let rows: Vec<Vec<String>> = ranking
        .pairs
        .iter()
        .map(|pair| {
            vec![
                format!("{} and {}", pair.first, pair.second),
                percent(pair.practical.first_higher),
                percent(pair.practical.equivalent),
                percent(pair.practical.first_lower),
            ]
        })
        .collect();
    let header = [
        ("models", Align::Left),
        ("first better", Align::Right),
        ("equivalent", Align::Right),
        ("second better", Align::Right),
    ];
    out.blank();
    out.line(format_args!(
        "Probability of a difference of more than {} on most datasets (Bayesian signed-rank test)",
        ranking.margin
    ));
    out.blank();
    out.append(&table(&header, &rows));
}

fn test_words(test: &RankTest, out: &mut Lines) {
    let words = |p: f64| format::plain_spaces(&format::p_text(p));
    let exact = match test.friedman_exact_p {
        Some(_) => "exact, ",
        None => "",
    };
    let p = words(test.p);
    if test.p > 0.05 {
        out.line(format_args!(
            "The ranks are not significantly different (Friedman's test, {exact}{p})."
        ));
        return;
    }
    out.line(format_args!(
        "The ranks are significantly different (Friedman's test, {exact}{p}). So are two models whose mean ranks differ by {:.2} or more (Nemenyi, 95 %).",
        test.critical_difference
    ));
    for group in &test.groups {
        out.line(format_args!(
            "Not significantly different: {}",
            group.join(", ")
        ));
    }
}

/// Which two models differ over the datasets by themselves.
fn pair_words(ranking: &Ranking) -> String {
    let better: Vec<String> = ranking
        .pairs
        .iter()
        .filter(|pair| pair.adjusted_p <= 0.05)
        .map(|pair| {
            let p = format::plain_spaces(&format::p_text(pair.adjusted_p));
            format!("{} over {} ({p})", pair.first, pair.second)
        })
        .collect();
    // Of 2^n signs two are the clearest, for the first of all pairs.
    let least = ranking.pairs.len() as f64 * 2.0 / 2_f64.powi(ranking.datasets.len() as i32);
    match better.as_slice() {
        [] if least > 0.05 => format!(
            "Over {} no two of these models could differ significantly by themselves (Wilcoxon signed-rank, Holm): add datasets.",
            format::counted(ranking.datasets.len() as u64, "dataset", "datasets")
        ),
        [] => "No two models differ significantly over these datasets by themselves (Wilcoxon signed-rank, Holm).".to_owned(),
        better => format!("Significantly better over these datasets (Wilcoxon signed-rank, Holm): {}.", better.join(", ")),
    }
}
