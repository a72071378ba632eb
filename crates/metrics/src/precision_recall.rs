//! Precision-recall curves and average precision.

use crate::{
    OneVsRest, Ranking, polyline,
    ranking::{macro_average, weighted_average},
};

/// A point of a precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Share of the positives that score at least [`threshold`](Self::threshold).
    pub recall: f64,
    /// Share of positives among the samples that do.
    pub precision: f64,
    /// The score from which samples count as positive. `None` at the start, above every
    /// score, where precision is 1 by convention.
    pub threshold: Option<f32>,
}

/// A precision-recall curve, from recall 0 to 1; one point for each distinct score.
///
/// The points are scikit-learn's, in the other order. Between them the curve is a step,
/// not a slope: J. Davis and M. Goadrich, "The relationship between precision-recall and
/// ROC curves", ICML 2006.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecisionRecallCurve {
    points: Vec<PrecisionRecallPoint>,
}

impl Ranking {
    /// The precision-recall curve; `None` without positives.
    pub fn precision_recall_curve(&self) -> Option<PrecisionRecallCurve> {
        if self.positives() == 0 {
            return None;
        }
        let mut points = vec![PrecisionRecallPoint {
            recall: 0.0,
            precision: 1.0,
            threshold: None,
        }];
        let (mut right, mut seen) = (0, 0);
        for group in self.groups() {
            right += group.positives;
            seen += group.positives + group.negatives;
            points.push(PrecisionRecallPoint {
                recall: right as f64 / self.positives() as f64,
                precision: right as f64 / seen as f64,
                threshold: Some(group.score),
            });
        }
        Some(PrecisionRecallCurve { points })
    }

    /// Average precision: precision at each distinct score, weighted by the recall gained
    /// there (scikit-learn's `average_precision_score`; no interpolation). `None` without
    /// positives.
    pub fn average_precision(&self) -> Option<f64> {
        let (mut right, mut seen, mut sum) = (0, 0, 0.0);
        for group in self.groups() {
            right += group.positives;
            seen += group.positives + group.negatives;
            if group.positives > 0 {
                sum += group.positives as f64 * (right as f64 / seen as f64);
            }
        }
        (self.positives() > 0).then(|| sum / self.positives() as f64)
    }
}

impl PrecisionRecallCurve {
    /// The points, from recall 0 to 1.
    pub fn points(&self) -> &[PrecisionRecallPoint] {
        &self.points
    }

    /// A curve of fewer points for drawing, as [`crate::RocCurve::simplified`].
    pub fn simplified(&self, tolerance: f64) -> Self {
        let place = |point: &PrecisionRecallPoint| (point.recall, point.precision);
        Self {
            points: polyline::simplified(&self.points, place, tolerance),
        }
    }
}

impl OneVsRest {
    /// Mean average precision of the classes that have samples; `None` without any.
    pub fn macro_average_precision(&self) -> Option<f64> {
        macro_average(self.average_precision())
    }

    /// Mean average precision weighted by the classes' samples.
    pub fn weighted_average_precision(&self) -> Option<f64> {
        weighted_average(self.average_precision(), self.classes())
    }

    /// Average precision over all pairs of a sample and a class.
    pub fn micro_average_precision(&self) -> Option<f64> {
        self.micro().average_precision()
    }
}
