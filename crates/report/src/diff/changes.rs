//! What was planned otherwise in the second of two runs.

use std::collections::BTreeSet;

use bakeoff_core::record::{Calibration, TrialSpec};
use serde_json::Value;

use crate::{fits::Fits, results::Results, setting_text::setting_text};

/// The differences of the two trials in what was planned, besides the seeds.
pub(super) fn changes(before: &Fits<'_>, after: &Fits<'_>) -> Vec<String> {
    let (a, b) = (&before.planned.trial, &after.planned.trial);
    let mut found = Vec::new();
    let mut note = |what: &str, from: String, to: String| {
        if from != to {
            found.push(format!("{what} {from} → {to}"));
        }
    };
    note("family", a.spec.family.clone(), b.spec.family.clone());
    note("engine", a.spec.engine.clone(), b.spec.engine.clone());
    let keys: BTreeSet<&String> = [a, b].iter().flat_map(|t| t.spec.settings.keys()).collect();
    let setting = |trial: &TrialSpec, key: &str| {
        let value = trial.spec.settings.get(key);
        value.map_or_else(
            || "none".to_owned(),
            |value| match value {
                Value::Object(_) => setting_text(value),
                other => other.to_string(),
            },
        )
    };
    for key in keys {
        note(key, setting(a, key), setting(b, key));
    }
    if let (Some(first), Some(second)) = (before.ok.first(), after.ok.first()) {
        let trained = |fit: &Results<'_>| fit.measured.samples.train.to_string();
        note("training images", trained(first), trained(second));
    }
    let calibration = |trial: &TrialSpec| {
        let name = trial.calibration.map_or("none", Calibration::name);
        name.to_owned()
    };
    note("calibration", calibration(a), calibration(b));
    found
}
