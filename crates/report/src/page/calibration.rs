//! What calibration did: before and after.

use bakeoff_core::{Probabilities, record::CalibrationResult};
use bakeoff_metrics::{Binning, Predictions, Reliability, log_loss};

use super::{
    parts::{Cell, Charts, Column, Figure, Table, Words},
    sections::Part,
};
use crate::{
    ReportError,
    analysis::{Entry, Group, Success},
    charts::{Calibration, reliability},
    format,
};

/// As in the table of scores.
const BINS: Binning = Binning::EqualWidth(15);

/// A calibrated model: its first fit, which stands for it.
struct Calibrated<'g, 'a> {
    entry: &'g Entry<'a>,
    success: &'g Success<'a>,
    result: &'a CalibrationResult,
    before: Reliability,
    log_loss_before: f64,
    after: Reliability,
}

/// What one dataset says.
///
/// # Errors
/// When a chart cannot be drawn.
pub(super) fn part(
    group: &Group<'_>,
    prefix: &str,
    charts: &mut Charts,
) -> Result<Option<Part>, ReportError> {
    let models: Vec<Calibrated<'_, '_>> = group
        .entries
        .iter()
        .filter_map(|entry| {
            let (_, success) = entry.successes().find(|(_, s)| s.uncalibrated.is_some())?;
            calibrated(entry, success, success.uncalibrated?)
        })
        .collect();
    if models.is_empty() {
        return Ok(None);
    }
    let mut draw = |stem: &str, title: &str, words: &str, after: bool| {
        let curves: Vec<Calibration<'_>> = models
            .iter()
            .map(|model| {
                let reliability = if after { &model.after } else { &model.before };
                Calibration {
                    label: model.entry.model,
                    series: model.entry.series,
                    error: reliability.expected_error(),
                    reliability: reliability.clone(),
                }
            })
            .collect();
        let chart = reliability(&format!("{prefix}{stem}"), &curves)?;
        Ok::<Figure, ReportError>(charts.figure(&chart, title, words, None))
    };
    let figures = vec![
        draw(
            "calibration-before",
            "Before calibration",
            "How often answers are right by how sure the model was before its temperature was \
             fitted. On the dashed line both are equal; below it a model is too sure.",
            false,
        )?,
        draw(
            "calibration-after",
            "After calibration",
            "The same answers with their probabilities scaled by the temperature.",
            true,
        )?,
    ];
    Ok(Some(Part {
        heading: None,
        lead: lead(&models),
        sentences: Vec::new(),
        figures,
        tables: vec![table(group, &models)],
        notes: vec![
            "One temperature for each model, fitted on the validation part alone; it cannot \
             change which class is the most probable. The calibration error is the expected \
             one, 15 bins of equal width."
                .to_owned(),
        ],
    }))
}

fn calibrated<'g, 'a>(
    entry: &'g Entry<'a>,
    success: &'g Success<'a>,
    uncalibrated: &Probabilities,
) -> Option<Calibrated<'g, 'a>> {
    let result = success.measured.calibration.as_ref()?;
    let before = Predictions::new(success.test.labels(), uncalibrated).ok()?;
    let after = success.predictions()?;
    Some(Calibrated {
        entry,
        success,
        result,
        log_loss_before: log_loss(&before),
        before: Reliability::of_confidence(&before, BINS),
        after: Reliability::of_confidence(&after, BINS),
    })
}

fn lead(models: &[Calibrated<'_, '_>]) -> Words {
    let names = |which: &dyn Fn(&Calibrated<'_, '_>) -> bool| -> Vec<String> {
        let chosen = models.iter().filter(|model| which(model));
        chosen.map(|model| model.entry.model.to_owned()).collect()
    };
    let gain =
        |model: &Calibrated<'_, '_>| model.before.expected_error() - model.after.expected_error();
    let helped = names(&|model| gain(model) > 0.0);
    let hurt = names(&|model| gain(model) < 0.0);
    let too_sure = names(&|model| model.result.temperature > 1.0);
    let words = if helped.is_empty() {
        Words::default()
            .strong("Calibration made no model's probabilities more honest")
            .plain(" on the test pictures.")
    } else {
        Words::default()
            .plain("Calibration made the probabilities of ")
            .strong(format::list(&helped))
            .plain(" more honest on the test pictures.")
    };
    let words = match hurt.as_slice() {
        [] => words,
        hurt => words.plain(format!(" It made those of {} less so.", format::list(hurt))),
    };
    match too_sure.as_slice() {
        [] => words,
        sure => words.plain(format!(
            " Too sure before it (a temperature above 1): {}.",
            format::list(sure)
        )),
    }
}

fn table(group: &Group<'_>, models: &[Calibrated<'_, '_>]) -> Table {
    Table {
        caption: format!("Calibration of the models on {}", group.name),
        columns: vec![
            Column::text("model"),
            Column::number("temperature"),
            Column::number("calibration error before"),
            Column::number("after"),
            Column::number("log loss before"),
            Column::number("after"),
        ],
        rows: models
            .iter()
            .map(|model| {
                vec![
                    Cell::from(model.entry.model),
                    Cell {
                        small: model
                            .result
                            .at_bound
                            .then(|| "at the bound of the search".to_owned()),
                        ..Cell::number(Some(model.result.temperature), |t| format!("{t:.3}"))
                    },
                    Cell::number(Some(model.before.expected_error()), format::score),
                    Cell::number(Some(model.after.expected_error()), format::score),
                    Cell::number(Some(model.log_loss_before), format::score),
                    Cell::number(Some(model.success.evaluation.log_loss), format::score),
                ]
            })
            .collect(),
        sortable: true,
        pairs: false,
    }
}
