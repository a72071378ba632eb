//! How the models bear worse pictures.

use super::{
    parts::{Cell, Charts, Column, Table, Words},
    sections::Part,
};
use crate::{
    ReportError,
    analysis::{
        Group,
        robustness::{Corrupted, Robustness},
    },
    charts::{ClassErrors, Panel, class_errors, panels},
    format,
};

/// What one dataset says.
///
/// # Errors
/// When a chart cannot be drawn.
pub(super) fn part(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Part>, ReportError> {
    let Some(found) = group.robustness.as_ref().filter(|r| !r.models.is_empty()) else {
        return Ok(None);
    };
    let name = |model: &Corrupted| group.entries[model.entry].model;
    let named: Vec<(&str, usize)> = found
        .models
        .iter()
        .map(|model| (name(model), group.entries[model.entry].series))
        .collect();
    let curves: Vec<Panel<'_>> = found
        .corruptions
        .iter()
        .enumerate()
        .map(|(index, corruption)| Panel {
            title: corruption.title(),
            models: found
                .models
                .iter()
                .map(|model| {
                    let severities = model.accuracy[index].iter().copied();
                    std::iter::once(model.clean).chain(severities).collect()
                })
                .collect(),
        })
        .collect();
    let curves = panels(&format!("{prefix}robustness"), &named, &curves)?;
    let titles: Vec<String> = found
        .corruptions
        .iter()
        .map(|corruption| corruption.title().to_owned())
        .collect();
    let errors = ClassErrors {
        classes: &titles,
        models: found
            .models
            .iter()
            .map(|model| (name(model), model.errors().into_iter().map(Some).collect()))
            .collect(),
    };
    let cells = class_errors(&format!("{prefix}robustness-errors"), &errors)?;
    let figures = vec![
        charts.figure(
            &curves,
            "Accuracy under corruption",
            "The test pictures made worse in several ways, from severity 1 to 5; 0 is as they \
             are. All models answer the same corrupted pictures.",
            None,
        ),
        charts.figure(
            &cells,
            "Errors by corruption",
            "Percent of the corrupted test pictures that a model gets wrong, mean over the five \
             severities: the stronger the colour, the more.",
            None,
        ),
    ];
    Ok(Some(Part {
        heading: None,
        lead: lead(group, found),
        sentences: found
            .models
            .iter()
            .map(|model| weakest(name(model), found, model))
            .collect(),
        figures,
        tables: vec![table(group, found)],
        notes: vec![match &found.baseline {
            Some(baseline) if found.models.iter().all(|model| model.error.is_none()) => format!(
                "There is no robustness score: {baseline}, whose errors it would be relative to, \
                 makes none under any corruption."
            ),
            Some(baseline) => format!(
                "The robustness score is the mean corruption error of Hendrycks and Dietterich: \
                 under each corruption a model's errors over those of {baseline}, and the mean \
                 of these ratios. 1 is as robust as {baseline}, less is better."
            ),
            None => "There is no robustness score relative to a baseline: the baseline model has \
                     no results."
                .to_owned(),
        }],
    }))
}

fn lead(group: &Group<'_>, found: &Robustness) -> Words {
    let name = |model: &Corrupted| group.entries[model.entry].model;
    let Some(best) = found.models.first() else {
        return Words::default();
    };
    let is = match found.models.len() {
        1 => " was tried alone",
        _ => " is the most robust",
    };
    let words = Words::default().strong(name(best)).plain(format!(
        "{is}: over all corruptions it gets {} of the pictures right, and {} of them as they are",
        format::percent(best.mean, 10_000),
        format::percent(best.clean, 10_000)
    ));
    match (&found.baseline, best.error) {
        (Some(baseline), Some(error)) if baseline != name(best) => words.plain(format!(
            "; over the corruptions its errors are on average {error:.2}× those of {baseline} \
             (its robustness score)."
        )),
        _ => words.plain("."),
    }
}

/// Where a model loses most.
fn weakest(name: &str, found: &Robustness, model: &Corrupted) -> Words {
    let share = |errors: f64| format::percent(errors, 100);
    let errors = model.errors();
    if let ([error], [only]) = (errors.as_slice(), found.corruptions.as_slice()) {
        return Words::default().strong(name).plain(format!(
            " gets {} wrong under “{}”.",
            format::percent(*error, 100),
            only.title().to_lowercase(),
        ));
    }
    let worst = errors
        .iter()
        .zip(&found.corruptions)
        .max_by(|a, b| a.0.total_cmp(b.0));
    let least = errors
        .iter()
        .zip(&found.corruptions)
        .min_by(|a, b| a.0.total_cmp(b.0));
    match (worst, least) {
        (Some((most, _)), Some((few, _))) if share(*most) == share(*few) => {
            Words::default().strong(name).plain(format!(
                " gets {} wrong under every corruption.",
                share(*most)
            ))
        }
        (Some((most, worst)), Some((few, least))) => Words::default().strong(name).plain(format!(
            " suffers most from “{}” ({} wrong) and least from “{}” ({} wrong).",
            worst.title().to_lowercase(),
            share(*most),
            least.title().to_lowercase(),
            share(*few),
        )),
        _ => Words::default(),
    }
}

fn table(group: &Group<'_>, found: &Robustness) -> Table {
    let share = |value: f64| format::percent(value, 10_000);
    Table {
        caption: format!("Robustness on {}", group.name),
        columns: vec![
            Column::text("model"),
            Column::number("accuracy as they are"),
            Column::number("accuracy corrupted"),
            Column::number("points lost"),
            Column::number("robustness score (less is better)"),
        ],
        rows: found
            .models
            .iter()
            .map(|model| {
                vec![
                    Cell::from(group.entries[model.entry].model),
                    Cell::number(Some(model.clean), share),
                    Cell::number(Some(model.mean), share),
                    Cell::number(Some(100.0 * (model.clean - model.mean)), points_text),
                    Cell::number(model.error, |error| format!("{error:.3}")),
                ]
            })
            .collect(),
        sortable: true,
        pairs: false,
    }
}

/// Points of per cent; what rounds to nothing has no sign.
fn points_text(points: f64) -> String {
    let text = format!("{points:.2}").replace('-', "−");
    if text == "−0.00" {
        "0.00".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lost_has_no_sign() {
        assert_eq!(points_text(-1e-14), "0.00");
        assert_eq!(points_text(-0.25), "−0.25");
        assert_eq!(points_text(21.625), "21.62");
    }
}
