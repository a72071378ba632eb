//! The page of a saved model that was measured on a person's own images.

use askama::Template;
use bakeoff_measures::{ACCURACY, format};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    assets::{policy, style},
    figure::{ChartFiles, Figure},
    table::Table,
    words::{Words, bold},
};
use crate::{
    ReportError,
    charts::{Shown, confusion},
    tally::{Confusions, Tally},
};

const STYLE: &str = include_str!("../../assets/evaluated.css");
const SCRIPT: &str = concat!(
    include_str!("../../assets/script/page.js"),
    include_str!("../../assets/script/theme.js"),
    include_str!("../../assets/script/evaluated.js"),
);

/// So many misses are shown with their images, and so many images without an answer.
pub const MOST_CARDS: usize = 200;

/// With more classes the matrix gives way to a table of the most frequent confusions.
const MOST_IN_MATRIX: usize = 50;
/// Rows of that table.
const MOST_CONFUSIONS: usize = 30;

/// A saved model on a person's own images.
#[derive(Clone, Debug)]
pub struct Evaluated<'a> {
    /// The model's full name.
    pub model: &'a str,
    /// The name of the dataset.
    pub dataset: &'a str,
    /// The counts.
    pub tally: Tally,
    /// Which classes were taken for which.
    pub confusions: &'a Confusions,
    /// How the images were read.
    pub notes: &'a [String],
    /// The misses in the order in which they are shown, at most [`MOST_CARDS`].
    pub misses: Vec<EvaluatedImage>,
    /// The images without an answer, at most [`MOST_CARDS`].
    pub unanswered: Vec<EvaluatedImage>,
}

/// An image that was not answered as it should be.
#[derive(Clone, Debug)]
pub struct EvaluatedImage {
    /// The name of its file.
    pub file: String,
    /// The name of its class.
    pub label: String,
    /// The answered class and its probability.
    pub answer: Option<(String, f64)>,
    /// Warnings, or why there is no answer.
    pub remarks: Vec<String>,
    /// The image as it was, as PNG.
    pub picture: Option<Vec<u8>>,
    /// What the model saw, as PNG.
    pub seen: Option<Vec<u8>>,
}

#[derive(Template)]
#[template(path = "evaluated.html")]
struct Page<'a> {
    policy: String,
    style: &'a str,
    script: &'a str,
    model: &'a str,
    dataset: &'a str,
    accuracy: String,
    lead: Words,
    tiles: Vec<Tile>,
    notes: &'a [String],
    confusion: Option<Figure>,
    frequent: Option<Table>,
    groups: Vec<Group>,
}

struct Tile {
    name: &'static str,
    value: String,
    small: String,
}

/// Images under one heading.
struct Group {
    id: &'static str,
    title: &'static str,
    about: String,
    cards: Vec<Card>,
}

struct Card {
    file: String,
    words: Words,
    remarks: Vec<String>,
    picture: Option<String>,
    picture_words: String,
    seen: Option<String>,
    seen_words: String,
}

/// Lays the page out. The same input gives the same bytes.
///
/// # Errors
/// When the matrix cannot be drawn or the page cannot be laid out.
pub fn evaluated(of: Evaluated<'_>) -> Result<String, ReportError> {
    let style = format!("{}{STYLE}", style());
    let mut charts = ChartFiles::default();
    let k = of.confusions.classes.len();
    let has_matrix = of.tally.answered > 0 && k <= MOST_IN_MATRIX;
    let matrix = has_matrix.then(|| {
        let counts = of.confusions.counts.iter();
        let counts: Vec<Option<f64>> = counts.map(|&count| Some(count as f64)).collect();
        charts.figures("").figure(
            "confusion",
            &confusion(&of.confusions.classes, &counts, Shown::Counts),
            "Images with an answer",
            "By label (rows) and answer (columns); classes that do not occur are left out.",
            (of.tally.misses > 0).then(|| frequent(of.confusions)),
        )
    });
    charts.finish()?;
    let page = Page {
        policy: policy(&style, SCRIPT),
        style: &style,
        script: SCRIPT,
        model: of.model,
        dataset: of.dataset,
        accuracy: of.tally.accuracy_text(),
        lead: lead(&of.tally),
        tiles: tiles(&of.tally),
        notes: of.notes,
        frequent: (!has_matrix && of.tally.misses > 0).then(|| frequent(of.confusions)),
        confusion: matrix,
        groups: groups(&of.tally, of.misses, of.unanswered),
    };
    Ok(page.render()?)
}

fn images(count: usize) -> String {
    format::counted(count as u64, "image", "images")
}

fn lead(tally: &Tally) -> Words {
    let answered = match tally.unanswered() {
        0 => String::new(),
        _ => format!(
            " Of those with an answer, {} are correct.",
            ACCURACY.write_or_dash(tally.accuracy_of_answered(), tally.answered)
        ),
    };
    format!(
        "{} of {} are correct (95\u{a0}% confidence interval {}).{answered}",
        bold(tally.accuracy_text()),
        images(tally.images),
        tally.interval_text()
    )
    .into()
}

fn tiles(tally: &Tally) -> Vec<Tile> {
    let count = |count: usize| format::count(count as u64);
    vec![
        Tile {
            name: "Correct",
            value: count(tally.correct),
            small: format!("of {}", images(tally.images)),
        },
        Tile {
            name: "Wrong answer",
            value: count(tally.misses),
            small: format!("{} of them unsure", count(tally.unsure_misses)),
        },
        Tile {
            name: "No answer",
            value: count(tally.unanswered()),
            small: match tally.unanswered() {
                0 => "every image was answered".into(),
                _ => "counted as wrong".into(),
            },
        },
        Tile {
            name: "Unsure",
            value: count(tally.unsure),
            small: format!(
                "below 90 %, or perhaps no class fits; {} of them wrong",
                count(tally.unsure_misses)
            ),
        },
    ]
}

/// The most frequent confusions as a table.
fn frequent(confusions: &Confusions) -> Table {
    let rows = confusions.most_frequent().into_iter().take(MOST_CONFUSIONS);
    Table::of("The most frequent confusions", rows)
        .in_order()
        .text("label", |row| row.0)
        .text("answer", |row| row.1)
        .counts("images", |row| row.2)
        .done()
}

fn groups(
    tally: &Tally,
    misses: Vec<EvaluatedImage>,
    unanswered: Vec<EvaluatedImage>,
) -> Vec<Group> {
    let about = |shown: usize, all: usize, order: &str| match shown < all {
        true => format!(
            "{order}: the first {} of {}. The files that --csv and --json write hold all of them.",
            format::count(shown as u64),
            format::count(all as u64)
        ),
        false => format!("{order}: {}.", images(all)),
    };
    let misses = Group {
        id: "misses",
        title: "Wrong answers",
        about: about(misses.len(), tally.misses, "The most confident first"),
        cards: misses.into_iter().map(card).collect(),
    };
    let unanswered = Group {
        id: "unanswered",
        title: "Images without an answer",
        about: about(
            unanswered.len(),
            tally.unanswered(),
            "Nothing could be shown to the model",
        ),
        cards: unanswered.into_iter().map(card).collect(),
    };
    let mut groups = vec![misses, unanswered];
    groups.retain(|group| !group.cards.is_empty());
    groups
}

fn card(image: EvaluatedImage) -> Card {
    let uri = |png: Vec<u8>| format!("data:image/png;base64,{}", STANDARD.encode(png));
    let words = match &image.answer {
        Some((answer, probability)) => format!(
            "{} for {}, with {}",
            bold(format!("Answer {answer}")),
            bold(format!("label {}", image.label)),
            format::probability(*probability)
        ),
        None => format!("No answer for {}", bold(format!("label {}", image.label))),
    };
    Card {
        picture_words: format!("{}, which shows {}", image.file, image.label),
        seen_words: format!("What the model saw of {}", image.file),
        words: words.into(),
        remarks: image.remarks,
        picture: image.picture.map(uri),
        seen: image.seen.map(uri),
        file: image.file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::Outcome;

    fn page(misses: usize, hostile: &str) -> String {
        let names: Vec<String> = ["0", hostile].map(String::from).to_vec();
        let miss = Outcome {
            label: 0,
            answer: Some(1),
            unsure: true,
        };
        let nothing = Outcome {
            label: 1,
            answer: None,
            unsure: false,
        };
        let mut outcomes = vec![miss; misses];
        outcomes.push(nothing);
        let image = |answer: Option<(String, f64)>| EvaluatedImage {
            file: hostile.into(),
            label: hostile.into(),
            answer,
            remarks: vec![hostile.into()],
            picture: Some(vec![1, 2, 3]),
            seen: None,
        };
        evaluated(Evaluated {
            model: hostile,
            dataset: hostile,
            tally: Tally::of(&outcomes),
            confusions: &Confusions::of(&names, &outcomes),
            notes: &[hostile.to_owned()],
            misses: vec![image(Some((hostile.into(), 0.75))); misses.min(2)],
            unanswered: vec![image(None)],
        })
        .unwrap()
    }

    #[test]
    fn names_of_others_are_text_and_the_page_loads_nothing() {
        let html = page(2, "<script>alert(1)</script>\"'");
        assert!(!html.contains("<script>alert"));
        assert!(html.contains("img-src data:; style-src"));
        assert!(!html.contains("src=\"http") && !html.contains("href=\"http"));
        assert_eq!(html.matches("data:image/png;base64,AQID").count(), 3);
        assert_eq!(
            html.matches("<img ").count(),
            html.matches(" alt=\"").count()
        );
        assert!(html.contains("75.0\u{a0}%") && html.contains("Images without an answer"));
    }

    #[test]
    fn a_sentence_says_how_many_misses_are_not_shown() {
        assert!(page(5, "x").contains("the first 2 of 5"));
        assert!(page(2, "x").contains("The most confident first: 2 images."));
    }

    #[test]
    fn without_misses_there_is_no_such_section() {
        let html = page(0, "x");
        assert!(!html.contains("id=\"misses\""));
        assert!(html.contains("id=\"unanswered\""));
    }
}
