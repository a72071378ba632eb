//! Labels that are probably wrong.

use bakeoff_core::record::DataInfo;
use bakeoff_measures::format;
use bakeoff_metrics::LabelIssue;

use super::super::{
    models::examples,
    part::{Captioned, Part},
    table::Table,
    words::{Words, bold},
};
use crate::{
    RARE,
    analysis::{Group, Success, label_checks::LabelCheck},
    pictures::Album,
};

/// Images on the page; the CSV file has all of them.
const MOST_IMAGES: usize = 48;
/// Training images in the table: a run keeps no training images to show.
const MOST_ROWS: usize = 25;

/// What one dataset says.
pub(super) fn part<'a>(group: &Group<'a>, album: &mut Album<'a>) -> Option<Part> {
    let data = group.data?;
    let first = group.label_checks.first()?;
    let mut results = examples(group).into_iter().map(|(_, success)| success);
    let test = results.find(|s| s.measured.test_fingerprint == data.test_fingerprint);
    let of = |part| group.label_checks.iter().find(|check| check.part == part);
    Some(Part {
        lead: sentence(first, data),
        sentences: group.label_checks[1..]
            .iter()
            .map(|check| sentence(check, data))
            .collect(),
        images: match (of("test"), test) {
            (Some(check), Some(success)) => images(check, data, success, album),
            _ => Vec::new(),
        },
        tables: of("training")
            .and_then(|check| table(check, data))
            .into_iter()
            .collect(),
        notes: vec![note(first.model)],
        ..Part::default()
    })
}

fn note(model: &str) -> String {
    format!(
        "The labels that differ from the prediction of {model}, the first of the leaderboard, which \
         was not trained on these images; those to which it gives the lowest probability come first. \
         The confidence is 1 less that probability. Confident learning (Northcutt, Jiang and Chuang, \
         2021) counts those whose predicted class is at least as probable as it is on average for \
         images with that label. Its estimate is too low for a model that is nearly always right. \
         Images that are only hard are listed as well: a person has to look. All of them are in \
         label-issues.csv, which bakeoff export RUN --format csv writes."
    )
}

fn sentence(check: &LabelCheck<'_>, data: &DataInfo) -> Words {
    let LabelCheck {
        part,
        samples,
        model,
        found,
        ..
    } = check;
    let of = |count: usize| format::count(count as u64);
    let is = |count: usize| if count == 1 { "is" } else { "are" };
    let labels = format::counted(*samples as u64, "label", "labels");
    let (all, confident) = (
        found.issues.len(),
        found.issues.iter().filter(|i| i.confident).count(),
    );
    let contradicted = bold(match all {
        0 => format!("No label of the {part} part is contradicted"),
        all => format!(
            "{} of {labels} of the {part} part {} contradicted",
            of(all),
            is(all)
        ),
    });
    let counts = match *part {
        "test" => &data.test_counts,
        _ => &data.train_counts,
    };
    let rare = counts.iter().filter(|count| (1..RARE).contains(*count));
    let rare = rare.count();
    if rare > 0 {
        // The mean probability of so few images, of which one may be wrong, decides nothing.
        let have = if rare == 1 { "has" } else { "have" };
        return format!(
            "{contradicted} by {model}. How many are wrong is not estimated: {} {have} fewer than {RARE} \
             images in that part.",
            format::counted(rare as u64, "class", "classes")
        )
        .into();
    }
    let estimated = found.estimated.round() as usize;
    let wrong = format::counted(estimated as u64, "wrong label", "wrong labels");
    format!(
        "{contradicted} by {model}. Confident learning counts {} of them as wrong, and estimates \
         {wrong} in all.",
        of(confident)
    )
    .into()
}

fn confidence(p: f64) -> String {
    format::probability(p)
}

fn name(data: &DataInfo, class: u16) -> &str {
    let name = data.class_names.get(usize::from(class));
    name.map_or(format::NOTHING, String::as_str)
}

/// The first images of the test part.
fn images<'a>(
    check: &LabelCheck<'_>,
    data: &DataInfo,
    success: &Success<'a>,
    album: &mut Album<'a>,
) -> Vec<Captioned> {
    let issues = check.found.issues.iter().take(MOST_IMAGES);
    let caption = |issue: &LabelIssue| {
        let (given, suggested) = (name(data, issue.given), name(data, issue.suggested));
        let (index, confidence) = (issue.sample, confidence(issue.confidence));
        Captioned {
            tile: album.tile(&success.measured.test_fingerprint, success.test, index),
            lines: vec![
                format!("{given} → {suggested}?"),
                confidence.clone(),
                format!("image {index}"),
            ],
            words: format!(
                "Test image {index}{}: given {given}, suggested {suggested}, confidence {confidence}",
                check
                    .file(index)
                    .map_or_else(String::new, |file| format!(", {file}")),
            ),
        }
    };
    issues.map(caption).collect()
}

/// The first images of the training part.
fn table(check: &LabelCheck<'_>, data: &DataInfo) -> Option<Table> {
    let issues = &check.found.issues;
    let shown = &issues[..issues.len().min(MOST_ROWS)];
    let which = if shown.len() < issues.len() {
        format!(
            "The first {} of {}",
            shown.len(),
            format::count(issues.len() as u64)
        )
    } else {
        "All".to_owned()
    };
    (!shown.is_empty()).then(|| {
        Table::of(format!("{which} training labels to check"), shown)
            .in_order()
            .counts("training image", |issue| issue.sample as u64)
            .each(check.has_files().then_some("file"), |table, head| {
                table.text(head, |issue| check.file(issue.sample).unwrap_or_default())
            })
            .text("given", |issue| name(data, issue.given))
            .text("suggested", |issue| name(data, issue.suggested))
            .numbers("confidence", confidence, |issue| Some(issue.confidence))
            .done()
    })
}
