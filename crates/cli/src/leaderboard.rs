//! The leaderboard for a terminal: the table, how sure one can be of it, and who is best.

use bakeoff_report::{Leaderboard, LeaderboardRow};

use crate::{
    table::{Align, table},
    text,
};

/// The leaderboard for a terminal.
pub(crate) fn leaderboard_text(leaderboard: &Leaderboard) -> String {
    let several = |key: fn(&bakeoff_report::LeaderboardRow) -> String| {
        let mut values: Vec<String> = leaderboard.rows.iter().map(key).collect();
        values.sort();
        values.dedup();
        values.len() > 1
    };
    let datasets = several(|row| row.dataset.clone());
    let seeds = several(|row| row.seed.to_string());
    let mut header = vec![("model", Align::Left), ("engine", Align::Left)];
    if datasets {
        header.push(("dataset", Align::Left));
    }
    if seeds {
        header.push(("seed", Align::Right));
    }
    header.extend([
        ("accuracy", Align::Right),
        ("macro F1", Align::Right),
        ("macro AUC", Align::Right),
        ("log loss", Align::Right),
        ("fit", Align::Right),
        ("one picture", Align::Right),
        ("pictures/s", Align::Right),
        ("peak memory", Align::Right),
        ("model", Align::Right),
    ]);
    let compared = leaderboard
        .rows
        .iter()
        .any(|row| row.tied_with_best == Some(false))
        || several(|row| row.model.clone());
    let mut rows = Vec::new();
    let mut failures = String::new();
    for row in &leaderboard.rows {
        let mut cells = vec![row.model.clone(), row.engine.clone()];
        if datasets {
            cells.push(row.dataset.clone());
        }
        if seeds {
            cells.push(row.seed.to_string());
        }
        if let Some(reason) = &row.reason {
            failures += &format!("{} {}: {reason}\n", row.model, row.status.as_str());
        }
        cells.extend([
            match row.accuracy {
                None => row.status.as_str().to_owned(),
                some if !compared => text::percent(some),
                // A blank in the place of the star keeps the digits in line.
                some if row.tied_with_best == Some(true) => format!("{} *", text::percent(some)),
                some => format!("{}  ", text::percent(some)),
            },
            text::decimal(row.macro_f1),
            // Four decimals would round a good model's to 1.
            row.macro_auc
                .map_or_else(|| "–".into(), |auc| format!("{auc:.5}")),
            text::decimal(row.log_loss),
            text::seconds(row.fit_seconds),
            text::seconds(row.latency_p50_us.map(|us| us / 1e6)),
            row.throughput_per_second
                .map_or_else(|| "–".into(), |rate| text::count(rate as u64)),
            text::bytes(row.peak_rss_bytes),
            text::bytes(row.model_bytes),
        ]);
        rows.push(cells);
    }
    let mut out = table(&header, &rows);
    out += "\n";
    out += &intervals(leaderboard, datasets, seeds);
    if compared {
        out += "\n";
        out += &verdicts(leaderboard, datasets);
    }
    if !failures.is_empty() {
        out += "\n";
        out += &failures;
    }
    out
}

/// The 95 % intervals of every trial with results.
fn intervals(leaderboard: &Leaderboard, datasets: bool, seeds: bool) -> String {
    let mut header = vec![("95 % interval of", Align::Left)];
    if datasets {
        header.push(("dataset", Align::Left));
    }
    if seeds {
        header.push(("seed", Align::Right));
    }
    header.extend([
        ("accuracy", Align::Right),
        ("macro F1", Align::Right),
        ("macro AUC", Align::Right),
        ("log loss", Align::Right),
    ]);
    let ends = |low: Option<f64>, high: Option<f64>, show: fn(f64) -> String| {
        low.zip(high).map_or_else(
            || "–".into(),
            |(low, high)| format!("{}–{}", show(low), show(high)),
        )
    };
    let rows: Vec<Vec<String>> = leaderboard
        .rows
        .iter()
        .filter(|row| row.accuracy.is_some())
        .map(|row| {
            let mut cells = vec![row.model.clone()];
            if datasets {
                cells.push(row.dataset.clone());
            }
            if seeds {
                cells.push(row.seed.to_string());
            }
            cells.extend([
                format!(
                    "{} %",
                    ends(row.accuracy_low, row.accuracy_high, |a| format!(
                        "{:.2}",
                        100.0 * a
                    ))
                ),
                ends(row.macro_f1_low, row.macro_f1_high, |f| format!("{f:.4}")),
                ends(row.macro_auc_low, row.macro_auc_high, |a| format!("{a:.5}")),
                ends(row.log_loss_low, row.log_loss_high, |l| format!("{l:.4}")),
            ]);
            cells
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    table(&header, &rows)
}

/// Who is best, in a line for each dataset, and how far seeds moved the models.
fn verdicts(leaderboard: &Leaderboard, datasets: bool) -> String {
    let mut names: Vec<&str> = Vec::new();
    for row in &leaderboard.rows {
        if !names.contains(&row.dataset.as_str()) {
            names.push(&row.dataset);
        }
    }
    let mut out = String::new();
    for dataset in names {
        let mut tied: Vec<&str> = Vec::new();
        let mut others = 0;
        let mut seeds: Vec<String> = Vec::new();
        let rows = leaderboard.rows.iter().filter(|row| row.dataset == dataset);
        let mut seen: Vec<&LeaderboardRow> = Vec::new();
        for row in rows {
            if row.tied_with_best.is_none() || seen.iter().any(|known| known.model == row.model) {
                continue;
            }
            seen.push(row);
            match row.tied_with_best {
                Some(true) => tied.push(&row.model),
                _ => others += 1,
            }
            if let Some(deviation) = row.accuracy_seed_deviation {
                seeds.push(format!("{} ±{:.2}", row.model, 100.0 * deviation));
            }
        }
        if tied.len() + others < 2 {
            continue;
        }
        if datasets {
            out += &format!("{dataset}: ");
        }
        out += &match tied.as_slice() {
            [only] => format!(
                "* {only} is more accurate than every other model; chance is an unlikely explanation.\n"
            ),
            [one, other] => format!(
                "* {one} and {other} cannot be told apart by accuracy on these test pictures.\n"
            ),
            // Each from the best: two of them that lie farther apart may well differ.
            several => format!(
                "* {}: none can be told from the best of them by accuracy on these test pictures.\n",
                several.join(", ")
            ),
        };
        if !seeds.is_empty() {
            out += &format!(
                "Another seed moves the accuracy by (standard deviation, points): {}.\n",
                seeds.join(", ")
            );
        }
    }
    if !out.is_empty() {
        out += "Paired test picture by picture, corrected for all pairs of models, at 5 %; the report has every pair.\n";
    }
    out
}
