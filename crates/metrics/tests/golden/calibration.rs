//! Calibration against scikit-learn's curves, the Brier score with its parts, and the
//! temperature found by Brent's method. `make_metrics.py` made the values.

use bakeoff_metrics::{
    Binning, Evaluation, Predictions, Reliability, Temperature, brier_score, log_loss,
    scale_temperature,
};
use serde_json::Value;

use crate::{all_same, cases, same};

const TOLERANCE: f64 = 1e-12;

fn same_reliability(what: &str, found: &Reliability, golden: &Value) {
    let bins = found.bins().iter();
    let counts: Vec<_> = bins.clone().map(|bin| Some(bin.count as f64)).collect();
    let frequency: Vec<_> = bins.clone().map(|bin| Some(bin.frequency)).collect();
    let mean: Vec<_> = bins.map(|bin| Some(bin.mean_probability)).collect();
    all_same(&format!("{what} counts"), &counts, &golden["counts"], 0.0);
    all_same(
        &format!("{what} frequency"),
        &frequency,
        &golden["frequency"],
        TOLERANCE,
    );
    all_same(&format!("{what} mean"), &mean, &golden["mean"], TOLERANCE);
    let (expected, maximum) = (found.expected_error(), found.maximum_error());
    same(what, Some(expected), &golden["expected_error"], TOLERANCE);
    same(what, Some(maximum), &golden["maximum_error"], TOLERANCE);
}

#[test]
fn reliability_curves_and_calibration_errors() {
    for case in cases() {
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let golden = &case.expected["calibration"];
        for (name, binning) in [
            ("equal_width_15", Binning::EqualWidth(15)),
            ("equal_width_4", Binning::EqualWidth(4)),
            ("equal_mass_15", Binning::EqualMass(15)),
            ("equal_mass_5", Binning::EqualMass(5)),
        ] {
            let what = format!("{} {name}", case.name);
            let confidence = Reliability::of_confidence(&predictions, binning);
            same_reliability(&what, &confidence, &golden[name]["confidence"]);
            let class = Reliability::of_class(&predictions, 0, binning);
            same_reliability(&format!("{what} class 0"), &class, &golden[name]["class_0"]);
        }
        let found = Evaluation::new(&case.labels, &case.probabilities).unwrap();
        for (value, name, error) in [
            (
                found.expected_calibration_error,
                "equal_width_15",
                "expected_error",
            ),
            (
                found.maximum_calibration_error,
                "equal_width_15",
                "maximum_error",
            ),
            (
                found.expected_calibration_error_equal_mass,
                "equal_mass_15",
                "expected_error",
            ),
        ] {
            let golden = &golden[name]["confidence"][error];
            same(
                &format!("{} {error}", case.name),
                Some(value),
                golden,
                TOLERANCE,
            );
        }
    }
}

#[test]
fn brier_scores() {
    for case in cases() {
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let what = format!("{} Brier score", case.name);
        let golden = &case.expected["brier"]["score"];
        same(&what, Some(brier_score(&predictions)), golden, TOLERANCE);
    }
}

#[test]
fn temperatures() {
    for case in cases() {
        let predictions = Predictions::new(&case.labels, &case.probabilities).unwrap();
        let golden = &case.expected["temperature"];
        let found = Temperature::fit(&predictions);
        let what = |name: &str| format!("{} temperature {name}", case.name);
        same(
            &what("T"),
            Some(found.temperature),
            &golden["temperature"],
            1e-9,
        );
        same(
            &what("loss"),
            Some(found.log_loss_after),
            &golden["loss"],
            1e-9,
        );
        let at_bound = f64::from(u8::from(found.at_bound));
        same(&what("bound"), Some(at_bound), &golden["at_bound"], 0.0);

        // What was promised is what scaling gives, within float32.
        let scaled = scale_temperature(&case.probabilities, found.temperature).unwrap();
        let scaled = Predictions::new(&case.labels, &scaled).unwrap();
        assert!(
            (log_loss(&scaled) - found.log_loss_after).abs() < 1e-5,
            "{}",
            case.name
        );
        assert!(found.log_loss_after <= found.log_loss_before + 1e-12);
    }
}
