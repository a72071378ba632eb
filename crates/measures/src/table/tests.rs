use std::collections::BTreeSet;

use bakeoff_core::{
    FitSummary, Probabilities,
    record::{Latency, SampleCounts, Scores, Sidecar},
};

use super::*;

#[test]
fn ids_are_distinct_and_those_of_metrics_are_the_names_in_files() {
    let ids: BTreeSet<&str> = MEASURES.iter().map(|measure| measure.id).collect();
    assert_eq!(ids.len(), MEASURES.len());
    for metric in Metric::ALL {
        let row = Measure::of(metric);
        assert_eq!(row.metric, Some(metric));
        assert_eq!(serde_json::to_value(metric).unwrap(), row.id);
    }
}

#[test]
fn a_row_of_a_metric_takes_the_value_of_the_metric() {
    let p = Probabilities::new(2, vec![0.75, 0.25, 0.25, 0.75, 0.5, 0.5]).unwrap();
    let predictions = Predictions::new(&[0, 1, 1], &p).unwrap();
    let evaluation = Evaluation::new(&[0, 1, 1], &p).unwrap();
    let measured = Measured {
        samples: SampleCounts::default(),
        costs: Costs {
            fit_ns: 1_500_000_000,
            latency: Latency {
                p50_ns: 651,
                ..Latency::default()
            },
            ..Costs::default()
        },
        fit: FitSummary::default(),
        varies_with_seed: None,
        is_baseline: false,
        trained_elsewhere: false,
        epochs: Vec::new(),
        iterations: Vec::new(),
        scores: Scores::default(),
        test_fingerprint: String::new(),
        probabilities: Sidecar {
            file: String::new(),
            sha256: String::new(),
        },
        calibration: None,
        robustness: Vec::new(),
        corrupted: None,
        importance: None,
        external: None,
    };
    let result = TrialResult {
        predictions: &predictions,
        evaluation: &evaluation,
        measured: &measured,
    };
    for metric in Metric::ALL {
        let row = Measure::of(metric);
        assert_eq!(row.value(&result), evaluation.get(metric), "{}", row.id);
    }
    assert_eq!(ERRORS.value(&result), Some(1.0));
    assert_eq!(FIT_TIME.value(&result), Some(1.5));
    assert_eq!(LATENCY_P50.value(&result), Some(651.0 / 1e3));
    assert_eq!(LATENCY_P50.write(0.651, 3), "651\u{a0}ns");
}

#[test]
fn directions() {
    assert!(ACCURACY.gain(0.9, 0.8) > 0.0);
    assert!(LOG_LOSS.gain(0.9, 0.8) < 0.0);
    let summary: Vec<&str> = Measure::shown_in(Shown::Summary).map(|m| m.label).collect();
    let expected = [
        "accuracy",
        "macro F1",
        "macro AUC",
        "log loss",
        "fit time",
        "latency p50",
        "model size",
    ];
    assert_eq!(summary, expected);
}
