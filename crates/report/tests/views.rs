//! The same number is printed the same everywhere: on the page, in the terminal, in
//! Markdown, in LaTeX and in the index of runs.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;

use bakeoff_core::{ImageShape, record::Run};
use bakeoff_measures::{Measure, Shown};
use bakeoff_report::{
    IndexedRun, LeaderboardRow, Options,
    export::{Format, export},
    index, leaderboard, render, terminal,
};
use common::{Builder, data, four_families};
use serde_json::Value;

/// Few test images, so that percentages have fewer digits.
fn few_pictures() -> Run {
    let names = ["round", "square", "absent"].map(String::from).to_vec();
    let labels = (0..24).map(|i| i % 2).collect();
    let shapes = data("shapes", names, ImageShape::new(1, 8, 8), labels);
    Builder::new("few", &[&shapes])
        .ok(&shapes, "knn", "knn", 1, 0.8)
        .ok(&shapes, "cnn", "cnn", 1, 0.9)
        .build()
}

/// Texts of a row of a view, in order, spaces made plain.
type Cells = Vec<String>;

fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ").trim().to_owned()
}

/// The texts between the tags of the page's leaderboard row of a model.
fn page_cells(html: &str, model: &str) -> Cells {
    let (_, section) = html.split_once("<section id=\"leaderboard\"").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    let named = format!(">{model}<");
    let mut rows = section.split("<tr");
    let row = rows.find(|row| row.contains(&named)).unwrap();
    let texts = row.split('<').filter_map(|piece| piece.split_once('>'));
    texts.map(|(_, text)| plain(text)).collect()
}

/// The cells of the line that begins with a word, told apart by two blanks.
fn terminal_cells(text: &str, first: &str) -> Cells {
    let line = text.lines().find(|line| line.starts_with(first)).unwrap();
    let cells = line.split("  ").filter(|cell| !cell.is_empty());
    cells
        .map(|cell| plain(cell.trim_end_matches('*')))
        .collect()
}

/// Without the interval in brackets.
fn value(cell: &str) -> String {
    plain(cell.split(" (").next().unwrap())
}

fn markdown_cells(text: &str, first: &str) -> Cells {
    let start = format!("| {first}");
    let line = text.lines().find(|line| line.starts_with(&start)).unwrap();
    line.split('|').map(value).collect()
}

fn latex_cells(text: &str, first: &str) -> Cells {
    let line = text.lines().find(|line| line.starts_with(first)).unwrap();
    let line = line.trim_end_matches("\\\\").replace("\\%", "%");
    let line = line.replace('~', " ").replace("$\\mu$", "µ");
    line.split('&').map(value).collect()
}

/// The JSON of an element of the index.
fn index_data(html: &str, id: &str) -> Value {
    let (_, text) = html.split_once(&format!("id=\"{id}\">")).unwrap();
    serde_json::from_str(text.split_once("</script>").unwrap().0).unwrap()
}

fn index_cells(html: &str, model: &str) -> Cells {
    let runs = index_data(html, "runs-data");
    let mut models = runs[0]["datasets"][0]["models"].as_array().unwrap().iter();
    let found = models.find(|it| it["name"] == model).unwrap();
    let values = found["values"].as_array().unwrap().iter();
    let texts = values.map(|value| value["text"].as_str().unwrap_or("–"));
    texts.map(plain).collect()
}

/// That the texts stand among the cells in their order.
fn assert_in_order(view: &str, cells: &[String], texts: &[String]) {
    let mut rest = cells.iter();
    for text in texts {
        assert!(
            rest.any(|cell| cell == text),
            "{view}: `{text}` is missing or in another place: {cells:?}"
        );
    }
}

fn texts(row: &LeaderboardRow, place: Shown) -> Vec<String> {
    let samples = row.values.get(&bakeoff_measures::TEST_SAMPLES).unwrap() as usize;
    Measure::shown_in(place)
        .map(|measure| plain(&measure.write_or_dash(row.values.get(measure), samples)))
        .collect()
}

fn labels(place: Shown) -> Vec<String> {
    Measure::shown_in(place)
        .map(|m| m.label.to_owned())
        .collect()
}

#[test]
fn the_same_number_is_printed_the_same_everywhere() {
    for run in [four_families(2_000), few_pictures()] {
        let page = render(&run, &Options::default()).unwrap();
        let board = leaderboard(&run);
        let in_terminal = terminal::leaderboard(&board).to_string();
        let exported = |format| {
            let files = export(&run, &[format]).unwrap();
            String::from_utf8(files[0].bytes.clone()).unwrap()
        };
        let (markdown, latex) = (exported(Format::Markdown), exported(Format::Latex));
        let indexed = IndexedRun {
            folder: "run".to_owned(),
            found: Ok((run.info.clone(), Some(page.leaderboard_json.clone()))),
        };
        let index = index(&[indexed]).unwrap();
        let summary = labels(Shown::Summary);
        let heads = page_cells(&page.html, "model");
        assert_in_order("page", &heads, &labels(Shown::Page));
        let heads = terminal_cells(&in_terminal, "model");
        assert_in_order("terminal", &heads, &labels(Shown::Terminal));
        assert_in_order("Markdown", &markdown_cells(&markdown, "model"), &summary);
        assert_in_order("LaTeX", &latex_cells(&latex, "model"), &summary);
        let columns = index_data(&index, "measures-data");
        let columns = columns.as_array().unwrap().iter();
        let columns: Cells = columns
            .map(|c| c["label"].as_str().unwrap().into())
            .collect();
        assert_eq!(columns, summary);
        for row in &board.rows {
            let model = &row.model;
            let summary = texts(row, Shown::Summary);
            assert_in_order(
                "page",
                &page_cells(&page.html, model),
                &texts(row, Shown::Page),
            );
            let cells = terminal_cells(&in_terminal, model);
            assert_in_order("terminal", &cells, &texts(row, Shown::Terminal));
            assert_in_order("Markdown", &markdown_cells(&markdown, model), &summary);
            assert_in_order("LaTeX", &latex_cells(&latex, model), &summary);
            assert_eq!(index_cells(&index, model), summary);
        }
    }
}
