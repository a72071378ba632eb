//! Probabilities before and after calibration.

use bakeoff_core::{Probabilities, record::CalibrationResult};
use bakeoff_measures::{EXPECTED_CALIBRATION_ERROR, LOG_LOSS};
use bakeoff_metrics::{Predictions, Reliability, log_loss};

use super::super::{
    comparison_curves::BINS,
    figure::{Figure, Figures},
    models::names,
    part::Part,
    table::{Cell, Table},
    words::bold,
};
use crate::{
    analysis::{Entry, Group, Success},
    charts::{Curve, reliability},
};

/// A calibrated model: its first calibrated fit, which stands for it.
struct Calibrated<'g, 'a> {
    entry: &'g Entry<'a>,
    success: &'g Success<'a>,
    result: &'a CalibrationResult,
    before: Reliability,
    log_loss_before: f64,
    after: Reliability,
}

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let models: Vec<Calibrated<'_, '_>> = group
        .entries
        .iter()
        .filter_map(|entry| {
            let (_, success) = entry.successes().find(|(_, s)| s.uncalibrated.is_some())?;
            calibrated(entry, success, success.uncalibrated?)
        })
        .collect();
    if models.is_empty() {
        return None;
    }
    let mut figure = |stem, title, caption, of: fn(&Calibrated<'_, '_>) -> Reliability| {
        let curves: Vec<Curve<'_, Reliability>> = models
            .iter()
            .map(|model| {
                let curve = of(model);
                Curve {
                    label: Some(model.entry.model),
                    series: Some(model.entry.series),
                    score: Some(curve.expected_error()),
                    curve,
                }
            })
            .collect();
        charts.figure(stem, &reliability(&curves), title, caption, None)
    };
    let figures: Vec<Figure> = vec![
        figure(
            "calibration-before",
            "Before calibration",
            "How often predictions are correct, by their probability before the temperature was \
             fitted. On the dashed line a model is perfectly calibrated, below it the model is \
             overconfident, above it underconfident.",
            |model| model.before.clone(),
        ),
        figure(
            "calibration-after",
            "After calibration",
            "The same predictions with their probabilities scaled by the temperature.",
            |model| model.after.clone(),
        ),
    ];
    Some(Part {
        lead: lead(&models).into(),
        figures,
        tables: vec![table(group, &models)],
        notes: vec![
            "Each model has one temperature, fitted on the validation part only. It cannot \
             change which class is the most probable. The calibration error is the expected \
             calibration error with 15 bins of equal width."
                .to_owned(),
        ],
        ..Part::default()
    })
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

fn lead(models: &[Calibrated<'_, '_>]) -> String {
    let having = |which: fn(&Calibrated<'_, '_>) -> bool| {
        let chosen = models.iter().filter(|model| which(model));
        names(chosen.map(|model| model.entry.model))
    };
    let helped = having(|m| m.after.expected_error() < m.before.expected_error());
    let hurt = having(|m| m.after.expected_error() > m.before.expected_error());
    let overconfident = having(|m| m.result.temperature > 1.0);
    let of = if helped.is_empty() {
        "no model".to_owned()
    } else {
        helped
    };
    let mut words = format!(
        "Calibration lowered the calibration error of {} on the test images.",
        bold(of)
    );
    if !hurt.is_empty() {
        words += &format!(" It raised that of {hurt}.");
    }
    if !overconfident.is_empty() {
        words += &format!(" Overconfident before (a temperature above 1): {overconfident}.");
    }
    words
}

fn table(group: &Group<'_>, models: &[Calibrated<'_, '_>]) -> Table {
    let error = |value| EXPECTED_CALIBRATION_ERROR.write(value, 0);
    let loss = |value| LOG_LOSS.write(value, 0);
    Table::of(
        format!("Calibration of the models on {}", group.name),
        models,
    )
    .text("model", |model| model.entry.model)
    .cells("temperature", |model| Cell {
        small: model
            .result
            .at_bound
            .then(|| "at the bound of the search".to_owned()),
        ..Cell::number(Some(model.result.temperature), |t| format!("{t:.3}"))
    })
    .numbers("calibration error before", error, |model| {
        Some(model.before.expected_error())
    })
    .numbers("after", error, |model| Some(model.after.expected_error()))
    .numbers("log loss before", loss, |model| Some(model.log_loss_before))
    .numbers("after", loss, |model| {
        Some(model.success.evaluation.log_loss)
    })
    .done()
}
