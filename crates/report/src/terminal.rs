//! The leaderboard for a terminal, and columns of plain text.

use std::collections::BTreeSet;

use bakeoff_core::one_line;
use bakeoff_measures::{ACCURACY, Kind, Measure, Shown, Unit, format};

use crate::{
    analysis::{
        EXTERNAL_MARK,
        significance::{Claim, HEADLINES},
    },
    caution::EXTERNAL_LEGEND,
    leaderboard::{Leaderboard, LeaderboardRow, shown_columns},
    results::Status,
};

pub use crate::lines::Lines;

/// Which side of its column a cell is aligned to.
#[derive(Clone, Copy, Debug)]
pub enum Align {
    /// The left side: names and words.
    Left,
    /// The right side: numbers.
    Right,
}

/// Rows under a header, two spaces between columns, as wide as their widest cell. Lines
/// have no spaces at their end. A header without a word is no line.
pub fn table(header: &[(&str, Align)], rows: &[Vec<String>]) -> Lines {
    let titles: Vec<String> = header.iter().map(|(title, _)| one_line(title)).collect();
    let has_titles = titles.iter().any(|title| !title.is_empty());
    // Before their widths are taken.
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|cell| one_line(cell)).collect());
    let rows: Vec<Vec<String>> = has_titles
        .then_some(titles)
        .into_iter()
        .chain(rows)
        .collect();
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| cell(row, column).chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut lines = Lines::new();
    for row in &rows {
        let padded = header.iter().zip(&widths).enumerate();
        let padded = padded.map(|(column, ((_, align), &width))| match align {
            Align::Left => format!("{:<width$}", cell(row, column)),
            Align::Right => format!("{:>width$}", cell(row, column)),
        });
        lines.line(padded.collect::<Vec<_>>().join("  ").trim_end());
    }
    lines
}

/// A table whose first columns name a trial: model, dataset and seed, as far as there are
/// several.
struct TrialTable<'a> {
    header: Vec<(&'a str, Align)>,
    datasets: bool,
    seeds: bool,
    rows: Vec<Vec<String>>,
}

impl<'a> TrialTable<'a> {
    fn new(board: &Leaderboard, names: &[&'a str]) -> Self {
        let (datasets, seeds) = (differ(board, |r| &r.dataset), differ(board, |r| r.seed));
        let mut header: Vec<(&str, Align)> = names.iter().map(|n| (*n, Align::Left)).collect();
        header.extend(datasets.then_some(("dataset", Align::Left)));
        header.extend(seeds.then_some(("seed", Align::Right)));
        Self {
            header,
            datasets,
            seeds,
            rows: Vec::new(),
        }
    }

    fn push(&mut self, row: &LeaderboardRow, names: &[&str], cells: Vec<String>) {
        let mut line: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        line.extend(self.datasets.then(|| row.dataset.clone()));
        line.extend(self.seeds.then(|| row.seed.to_string()));
        line.extend(cells);
        self.rows.push(line);
    }
}

/// Whether a property is not the same in all rows.
fn differ<'a, T: PartialEq>(board: &'a Leaderboard, of: impl Fn(&'a LeaderboardRow) -> T) -> bool {
    let rows = &board.rows;
    rows.iter().any(|row| of(row) != of(&rows[0]))
}

/// The leaderboard: every trial, the 95 % intervals, which models are best, and why trials
/// have no results.
pub fn leaderboard(board: &Leaderboard) -> Lines {
    let several = differ(board, |r| &r.model);
    let measures = shown_columns(Shown::Terminal, |measure| {
        board
            .rows
            .iter()
            .any(|row| row.values.get(measure).is_some())
    });
    let mut trials = TrialTable::new(board, &["model", "engine"]);
    trials
        .header
        .extend(measures.iter().map(|m| (m.label, Align::Right)));
    let mut failures = Lines::new();
    let mark = |row: &LeaderboardRow, measure: &Measure| {
        let is_given = row.is_external && measure.kind == Kind::Cost;
        match row.is_disturbed(measure) {
            true => Some("!"),
            false if is_given && row.values.get(measure).is_some() => Some(EXTERNAL_MARK),
            false => None,
        }
    };
    let has_marks = |measure: &Measure| board.rows.iter().any(|row| mark(row, measure).is_some());
    for row in &board.rows {
        let cell = |measure: &&Measure| match (row.text(measure), row.tied_with_best) {
            (text, _) if has_marks(measure) => match mark(row, measure) {
                Some(mark) => format!("{text} {mark}"),
                // Two blanks in the place of the mark, as of the star below.
                None => format!("{text}  "),
            },
            (text, _) if **measure != ACCURACY => text,
            (_, _) if row.status != Status::Ok => row.status.as_str().to_owned(),
            (text, _) if !several => text,
            (text, Some(true)) => format!("{text} *"),
            // Two blanks in the place of the star keep the digits in line.
            (text, _) => format!("{text}  "),
        };
        let cells = measures.iter().map(cell).collect();
        trials.push(row, &[&marked(row), &row.engine], cells);
        if let Some(reason) = &row.reason {
            failures.line(format_args!(
                "{} {}: {reason}",
                row.model,
                row.status.as_str()
            ));
        }
    }
    let mut parts = vec![table(&trials.header, &trials.rows), intervals(board)];
    parts.push(best(board, trials.datasets));
    parts.push(disturbed(board));
    let mut external = Lines::new();
    if board.external {
        external.line(EXTERNAL_LEGEND);
    }
    parts.push(external);
    let mut missing = Lines::new();
    if let Some(words) = &board.missing {
        missing.line(words);
    }
    parts.extend([missing, failures]);
    let mut out = Lines::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.blank();
        }
        out.append(part);
    }
    out
}

/// The name of a model, with a mark where another program trained it.
fn marked(row: &LeaderboardRow) -> String {
    match row.is_external {
        true => format!("{} {EXTERNAL_MARK}", row.model),
        false => row.model.clone(),
    }
}

/// The 95 % intervals of every trial with results.
fn intervals(board: &Leaderboard) -> Lines {
    let mut trials = TrialTable::new(board, &["95 % interval of"]);
    let measures = HEADLINES.map(Measure::of);
    trials
        .header
        .extend(measures.map(|m| (m.label, Align::Right)));
    let mut reasons: BTreeSet<String> = BTreeSet::new();
    for row in board.rows.iter().filter(|row| row.status == Status::Ok) {
        let mut cell = |measure: &Measure| {
            let interval = measure.metric.and_then(|metric| row.interval(metric));
            let reason = measure.metric.and_then(|metric| row.no_interval(metric));
            reasons.extend(reason.map(|reason| reason.to_string()));
            format::or_nothing(interval, |interval| {
                let text = measure
                    .unit
                    .write_interval(interval.low, interval.high, row.samples());
                let unit = if measure.unit == Unit::Percent {
                    " %"
                } else {
                    ""
                };
                format!("{text}{unit}")
            })
        };
        let cells = measures.map(&mut cell).to_vec();
        trials.push(row, &[&marked(row)], cells);
    }
    if trials.rows.is_empty() {
        return Lines::new();
    }
    let mut out = table(&trials.header, &trials.rows);
    if !reasons.is_empty() {
        let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
        out.line(format_args!("– no interval: {}", format::list(&reasons)));
    }
    out
}

/// What has to be known of costs.
fn disturbed(board: &Leaderboard) -> Lines {
    let several = differ(board, |row| &row.dataset);
    let mut lines = Lines::new();
    for (dataset, words) in &board.disturbances {
        match several {
            true => lines.line(format_args!("! {dataset}: {words}")),
            false => lines.line(format_args!("! {words}")),
        }
    }
    lines
}

/// Which models are best, in a line for each dataset, and the spread over seeds.
fn best(board: &Leaderboard, datasets: bool) -> Lines {
    let mut out = Lines::new();
    let mut compared = false;
    let mut seen: Vec<&str> = Vec::new();
    for LeaderboardRow { dataset, .. } in &board.rows {
        if seen.contains(&dataset.as_str()) {
            continue;
        }
        seen.push(dataset);
        let mut models: Vec<&LeaderboardRow> = Vec::new();
        for row in board.rows.iter().filter(|row| row.dataset == *dataset) {
            let known = models.iter().any(|known| known.model == row.model);
            if row.tied_with_best.is_some() && !known {
                models.push(row);
            }
        }
        for (_, words) in board.cautions.iter().filter(|(of, _)| of == dataset) {
            out.line(words);
        }
        if models.len() < 2 {
            continue;
        }
        compared = true;
        let place = match datasets {
            true => format!("{dataset}: "),
            false => String::new(),
        };
        let tied = models.iter().filter(|row| row.tied_with_best == Some(true));
        let tied: Vec<&str> = tied.map(|row| row.model.as_str()).collect();
        let score = models[0].ranked_by.label;
        let better = match *models[0].ranked_by == ACCURACY {
            true => "more accurate".to_owned(),
            false => format!("better in {score}"),
        };
        let fits = models.iter().any(|row| row.claim == Some(Claim::Fits));
        let words = match tied.as_slice() {
            [only] if fits => format!(
                "* This fit of {only} is significantly {better} than the fits of every other model."
            ),
            [one, other] if fits => format!(
                "* These fits of {one} and {other} are not significantly different in {score} on these test images."
            ),
            [only] => format!("* {only} is significantly {better} than every other model."),
            [one, other] => format!(
                "* {one} and {other} are not significantly different in {score} on these test images."
            ),
            // Each from the best: two of them may well differ from each other.
            several => format!(
                "* {}: not significantly different from the best of them in {score} on these test images.",
                several.join(", ")
            ),
        };
        out.line(format_args!("{place}{words}"));
        if fits {
            out.line("Models with one seed are compared as fits, not as recipes: add --seeds 5 to know whether another seed would say the same.");
        }
        let seeds: Vec<String> = models
            .iter()
            .filter_map(|row| {
                let deviation = 100.0 * row.accuracy_seed_deviation?;
                Some(format!("{} ±{deviation:.2}", row.model))
            })
            .collect();
        if !seeds.is_empty() {
            out.line(format_args!(
                "Standard deviation of the accuracy over seeds, in points: {}.",
                seeds.join(", ")
            ));
        }
    }
    if compared {
        out.line("Paired tests on the same test images, corrected for all pairs of models, at the 5 % level; the report shows every pair.");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Align::*, table};

    #[test]
    fn columns_line_up_by_characters() {
        let text = table(
            &[("name", Left), ("n", Right)],
            &[
                vec!["é".into(), "10".into()],
                vec!["longer".into(), "5".into()],
            ],
        );
        assert_eq!(text.as_str(), "name     n\né       10\nlonger   5\n");
    }
}
