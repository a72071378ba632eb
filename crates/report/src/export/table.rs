//! The leaderboard as a table for a README or a paper: a row for each model, means over its
//! seeds, with 95 % intervals.

use bakeoff_measures::{Measure, Shown};

use crate::{
    analysis::{Analysis, Entry, Group},
    caution::{EXTERNAL_LEGEND, has_external},
};

/// One table: a title, the names of the columns and the cells of each row.
struct Plain {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    note: String,
}

fn plain(group: &Group<'_>) -> Plain {
    let several = group.significance.models.len() > 1;
    let entries = group.entries.iter().enumerate();
    Plain {
        title: format!("Test images of {}", group.name),
        columns: ["model", "engine"]
            .into_iter()
            .chain(Measure::shown_in(Shown::Summary).map(|measure| measure.label))
            .collect(),
        rows: entries
            .map(|(index, entry)| row(group, index, entry, several))
            .collect(),
        note: note(several, has_external(group)),
    }
}

fn note(several: bool, external: bool) -> String {
    let intervals = if several {
        "* the best model, and those that are not significantly different from it \
             (paired test, corrected for all pairs, 5 %). Intervals are 95 % intervals; \
             scores of too few errors have none."
    } else {
        "Intervals are 95 % intervals; scores of too few errors have none."
    };
    match external {
        true => format!("{intervals} {EXTERNAL_LEGEND}"),
        false => intervals.to_owned(),
    }
}

fn row(group: &Group<'_>, index: usize, entry: &Entry<'_>, several: bool) -> Vec<String> {
    let scores = group.significance.of_entry(index);
    let star = several && scores.is_some_and(|scores| scores.tied_with_best);
    let samples = entry.example().map_or(0, |(_, s)| s.evaluation.samples);
    let mut row = vec![
        format!("{}{}", entry.marked(), if star { " *" } else { "" }),
        entry.spec().engine.clone(),
    ];
    row.extend(Measure::shown_in(Shown::Summary).map(|measure| {
        let value = measure.write_or_dash(entry.mean_of(measure), samples);
        let score = scores
            .zip(measure.metric)
            .and_then(|(s, metric)| s.score(metric));
        match score.and_then(|score| score.interval.ok()) {
            Some(i) => {
                let interval = measure.unit.write_interval(i.low, i.high, samples);
                format!("{value} ({interval})")
            }
            None => value,
        }
    }));
    row
}

/// As GitHub and others read it.
pub(super) fn markdown(analysis: &Analysis<'_>) -> String {
    let mut out = format!("# {}\n", escape_markdown(&analysis.run.info.experiment));
    for group in &analysis.groups {
        let table = plain(group);
        out += &format!("\n## {}\n\n", escape_markdown(&table.title));
        out += &format!("| {} |\n|", table.columns.join(" | "));
        for column in 0..table.columns.len() {
            // Names are aligned left, numbers right.
            out += if column < 2 { " --- |" } else { " ---: |" };
        }
        out.push('\n');
        for row in &table.rows {
            let cells: Vec<String> = row.iter().map(|cell| escape_markdown(cell)).collect();
            out += &format!("| {} |\n", cells.join(" | "));
        }
        out += &format!("\n{}\n", escape_markdown(&table.note));
    }
    out
}

/// Replaces special characters; a line break would end a row, so it becomes a space.
fn escape(text: &str, special: impl Fn(char) -> Option<String>) -> String {
    let escaped = text.chars().map(|c| match special(c) {
        Some(escaped) => escaped,
        None if c.is_control() => " ".to_owned(),
        None => c.to_string(),
    });
    escaped.collect()
}

fn escape_markdown(text: &str) -> String {
    escape(text, |c| {
        "\\`*_|<>[]#&~$".contains(c).then(|| format!("\\{c}"))
    })
}

/// For a document with the package `booktabs`.
pub(super) fn latex(analysis: &Analysis<'_>) -> String {
    let mut out =
        "% Needs \\usepackage{booktabs} and, before 2018, \\usepackage[utf8]{inputenc}.\n"
            .to_owned();
    for group in &analysis.groups {
        let table = plain(group);
        out += "\\begin{table}\n\\centering\n";
        out += &format!(
            "\\caption{{{}. {}}}\n",
            escape_latex(&table.title),
            escape_latex(&table.note)
        );
        out += &format!(
            "\\begin{{tabular}}{{ll{}}}\n\\toprule\n",
            "r".repeat(table.columns.len() - 2)
        );
        let head: Vec<String> = table
            .columns
            .iter()
            .map(|name| escape_latex(name))
            .collect();
        out += &format!("{} \\\\\n\\midrule\n", head.join(" & "));
        for row in &table.rows {
            let cells: Vec<String> = row.iter().map(|cell| escape_latex(cell)).collect();
            out += &format!("{} \\\\\n", cells.join(" & "));
        }
        out += "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
    }
    out
}

fn escape_latex(text: &str) -> String {
    escape(text, |c| {
        let escaped = match c {
            '\\' => "\\textbackslash{}",
            '~' => "\\textasciitilde{}",
            '^' => "\\textasciicircum{}",
            '<' => "\\textless{}",
            '>' => "\\textgreater{}",
            '|' => "\\textbar{}",
            '†' => "$\\dagger$",
            '–' => "--",
            'µ' => "$\\mu$",
            '×' => "$\\times$",
            '\u{a0}' => "~",
            c => return "&%$#_{}".contains(c).then(|| format!("\\{c}")),
        };
        Some(escaped.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_a_cell() {
        assert_eq!(escape_markdown("a|b\n*c*"), "a\\|b \\*c\\*");
        assert_eq!(
            escape_latex("50\u{a0}% of a_b & \\x"),
            "50~\\% of a\\_b \\& \\textbackslash{}x"
        );
    }
}
