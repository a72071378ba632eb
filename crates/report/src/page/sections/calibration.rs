//! Probabilities before and after calibration.

use bakeoff_core::record::CalibrationResult;
use bakeoff_measures::{LOG_LOSS, format};
use bakeoff_metrics::{Predictions, Reliability};

use super::super::{
    comparison_curves::BINS,
    figure::{Figure, Figures},
    models::names,
    part::Part,
    table::{Cell, Table},
    words::bold,
};
use crate::{
    analysis::{
        Entry, Group,
        calibration::{CalibrationChange, Change, Verdict},
    },
    charts::{Curve, reliability},
};

/// A calibrated model. Curves are of its first calibrated fit; what calibration changed is the mean
/// over all of them.
struct Calibrated<'g, 'a> {
    entry: &'g Entry<'a>,
    result: &'a CalibrationResult,
    before: Predictions<'a>,
    after: Predictions<'a>,
    change: CalibrationChange,
}

/// What one dataset says.
pub(super) fn part(group: &Group<'_>, charts: &mut Figures<'_>) -> Option<Part> {
    let models: Vec<Calibrated<'_, '_>> = group.entries.iter().filter_map(calibrated).collect();
    if models.is_empty() {
        return None;
    }
    let mut figure =
        |stem, title, caption, of: for<'m> fn(&'m Calibrated<'_, '_>) -> &'m Predictions<'m>| {
            let curves: Vec<Curve<'_, Reliability>> = models
                .iter()
                .map(|model| {
                    let curve = Reliability::of_confidence(of(model), BINS);
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
            |model| &model.before,
        ),
        figure(
            "calibration-after",
            "After calibration",
            "The same predictions with their probabilities scaled by the temperature.",
            |model| &model.after,
        ),
    ];
    Some(Part {
        lead: lead(&models).into(),
        figures,
        tables: vec![table(group, &models)],
        notes: vec![
            "Each model has one temperature, fitted on the validation part only. It cannot \
             change which class is the most probable. Whether it helps is judged by the log loss, \
             image by image with and without it (95\u{a0}%). The calibration error is the root of \
             the squared distance of confidence and accuracy in 15 bins of as many images each, \
             without the bias that small bins have (Kumar, Liang and Ma 2019)."
                .to_owned(),
        ],
        ..Part::default()
    })
}

fn calibrated<'g, 'a>(entry: &'g Entry<'a>) -> Option<Calibrated<'g, 'a>> {
    let (_, success) = entry.successes().find(|(_, s)| s.uncalibrated.is_some())?;
    Some(Calibrated {
        entry,
        result: success.measured.calibration.as_ref()?,
        before: Predictions::new(success.test.labels(), success.uncalibrated?).ok()?,
        after: success.predictions()?,
        change: CalibrationChange::new(entry)?,
    })
}

fn lead(models: &[Calibrated<'_, '_>]) -> String {
    let having = |which: &dyn Fn(&Calibrated<'_, '_>) -> bool| {
        let chosen = models.iter().filter(|model| which(model));
        names(chosen.map(|model| model.entry.model))
    };
    let lowered = having(&|m| m.change.log_loss.verdict() == Verdict::Lower);
    let raised = having(&|m| m.change.log_loss.verdict() == Verdict::Higher);
    let open = having(&|m| m.change.log_loss.verdict() == Verdict::NoClearChange);
    let mut words = if lowered.is_empty() {
        "Calibration did not clearly lower the log loss of any model on the test images.".to_owned()
    } else {
        format!(
            "Calibration lowered the log loss of {} on the test images.",
            bold(lowered)
        )
    };
    if !raised.is_empty() {
        words += &format!(" It raised that of {raised}.");
    }
    if !open.is_empty() {
        words += &format!(" No clear change: {open}.");
    }
    let over = having(&|m| m.change.overconfidence.is_some_and(|gap| gap.low > 0.0));
    let under = having(&|m| m.change.overconfidence.is_some_and(|gap| gap.high < 0.0));
    for (how, models) in [("Overconfident", over), ("Underconfident", under)] {
        if !models.is_empty() {
            words += &format!(" {how} before it: {models}.");
        }
    }
    words
}

fn table(group: &Group<'_>, models: &[Calibrated<'_, '_>]) -> Table {
    let loss = |value| LOG_LOSS.write(value, 0);
    let points = |value: f64| format::signed(100.0 * value, 2);
    let error = |value: f64| {
        format::signed(100.0 * value, 2)
            .trim_start_matches('+')
            .to_owned()
    };
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
    .numbers("log loss before", loss, |model| {
        Some(model.change.log_loss.before)
    })
    .numbers("after", loss, |model| Some(model.change.log_loss.after))
    .cells("change", |model| {
        change(&model.change.log_loss, &|v| format::signed(v, 4))
    })
    .numbers("confidence less accuracy before, points", points, |model| {
        Some(model.change.mean_gap)
    })
    .numbers("calibration error before, points", error, |model| {
        Some(model.change.squared_error.before.max(0.0).sqrt())
    })
    .numbers("after", error, |model| {
        Some(model.change.squared_error.after.max(0.0).sqrt())
    })
    .text("change of it", |model| {
        match model.change.squared_error.verdict() {
            Verdict::Lower => "lower",
            Verdict::Higher => "higher",
            Verdict::NoClearChange => "no clear change",
        }
    })
    .done()
}

/// A change with its 95 % interval below it.
fn change(change: &Change, write: &dyn Fn(f64) -> String) -> Cell {
    let difference = change.after - change.before;
    Cell {
        small: change
            .interval
            .map(|i| format!("{} to {}", write(i.low), write(i.high))),
        ..Cell::number(Some(difference), write)
    }
}
