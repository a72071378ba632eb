//! The numbers of a trial under names that scikit-learn and MLflow use.

use std::collections::BTreeMap;

use bakeoff_core::record::Measured;
use bakeoff_measures::{FIT_TIME, Kind, LATENCY_P50, MEASURES, Measure, Values, timing};
use bakeoff_metrics::{Interval, Metric};

use super::file_store::{Point, name_of};

/// The metrics of a run by name.
#[derive(Default)]
pub(super) struct Metrics(pub(super) BTreeMap<String, Vec<Point>>);

/// `macro_f1` as scikit-learn calls it, `f1_macro`: what is averaged, then how. The area under the ROC curve is
/// `roc_auc`.
fn score_name(id: &str) -> String {
    let averages = ["macro", "micro", "weighted", "one_vs_one"];
    let split = averages.iter().find_map(|average| {
        let score = id.strip_prefix(average)?.strip_prefix('_')?;
        Some((score, *average))
    });
    match split {
        Some(("auc", average)) => format!("roc_auc_{average}"),
        Some((score, average)) => format!("{score}_{average}"),
        None => id.to_owned(),
    }
}

impl Metrics {
    fn set(&mut self, name: impl Into<String>, value: Option<f64>) {
        self.add(name, 0, value);
    }

    fn add(&mut self, name: impl Into<String>, step: u64, value: Option<f64>) {
        if let Some(value) = value {
            let points = self.0.entry(name.into()).or_default();
            points.push(Point { value, step });
        }
    }

    /// Scores and costs; those that the author of a model of another program gave are in a group of their own.
    pub(super) fn add_values(&mut self, values: &Values, is_external: bool) {
        for measure in MEASURES {
            let name = match (measure.kind, is_external) {
                (Kind::Score, _) => score_name(measure.id),
                (Kind::Cost, false) => format!("cost/{}", measure.id),
                (Kind::Cost, true) => format!("given/{}", measure.id),
                // Parameters.
                (Kind::Samples, _) => continue,
            };
            self.set(name, values.get(measure));
        }
    }

    /// The 95 % intervals of scores.
    pub(super) fn add_intervals<'i>(
        &mut self,
        intervals: impl Iterator<Item = (Metric, &'i Interval)>,
    ) {
        for (metric, interval) in intervals {
            let name = format!("interval_95/{}", score_name(Measure::of(metric).id));
            self.set(format!("{name}_low"), Some(interval.low));
            self.set(format!("{name}_high"), Some(interval.high));
        }
    }

    /// Where the times of a trial would lie on the same machine while that does nothing else.
    pub(super) fn add_ranges(&mut self, measured: &Measured, threads: usize) {
        for measure in [&FIT_TIME, &LATENCY_P50] {
            let range = timing::range(measure, &measured.costs, threads);
            let name = format!("cost/{}", measure.id);
            self.set(format!("{name}_low"), range.map(|range| range.low));
            self.set(format!("{name}_high"), range.map(|range| range.high));
        }
    }

    /// What was measured in steps: epochs, iterations of a solver, severities of corruptions.
    pub(super) fn add_curves(&mut self, measured: &Measured) {
        for epoch in &measured.epochs {
            for (name, value) in [
                ("train_loss", Some(epoch.train_loss)),
                ("train_accuracy", Some(epoch.train_accuracy)),
                ("validation_loss", epoch.validation_loss),
                ("validation_accuracy", epoch.validation_accuracy),
                ("learning_rate", Some(epoch.learning_rate)),
            ] {
                self.add(name, epoch.epoch, value);
            }
        }
        self.set(
            "best_epoch",
            measured.fit.best_epoch.map(|epoch| epoch as f64),
        );
        for point in &measured.iterations {
            self.add("objective", point.iteration, Some(point.loss));
        }
        for score in &measured.robustness {
            let name = format!("corrupted/{}", name_of(score.corruption.name()));
            self.add(name, u64::from(score.severity), Some(score.accuracy()));
        }
        if let Some(calibration) = &measured.calibration {
            for (name, value) in [
                ("temperature", calibration.temperature),
                (
                    "validation_log_loss_before",
                    calibration.validation_log_loss_before,
                ),
                (
                    "validation_log_loss_after",
                    calibration.validation_log_loss_after,
                ),
            ] {
                self.set(format!("calibration/{name}"), Some(value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_has_a_name_of_its_own() {
        assert_eq!(score_name("accuracy"), "accuracy");
        assert_eq!(score_name("macro_f1"), "f1_macro");
        assert_eq!(score_name("macro_auc"), "roc_auc_macro");
        assert_eq!(score_name("one_vs_one_auc"), "roc_auc_one_vs_one");
        assert_eq!(
            score_name("weighted_average_precision"),
            "average_precision_weighted"
        );
        let names: std::collections::BTreeSet<String> = MEASURES
            .iter()
            .map(|measure| score_name(measure.id))
            .collect();
        assert_eq!(names.len(), MEASURES.len());
    }
}
