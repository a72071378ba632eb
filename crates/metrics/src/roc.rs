//! ROC curves: exact, averaged over classes, and thinned out for drawing.

use std::iter;

use crate::{OneVsRest, Ranking, polyline};

/// A point of a ROC curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Share of the negatives that score at least [`threshold`](Self::threshold).
    pub false_positive_rate: f64,
    /// Share of the positives that do.
    pub true_positive_rate: f64,
    /// The score from which samples count as positive. `None` at the start, above every
    /// score (scikit-learn writes infinity), and on a curve averaged over classes.
    pub threshold: Option<f32>,
}

/// Whether points on a straight line between their neighbours are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collinear {
    /// One point for each distinct score.
    Keep,
    /// Corners only. The line and the area are exactly the same. scikit-learn's
    /// `drop_intermediate` drops some of these points, this all of them.
    Drop,
}

/// A ROC curve from (0, 0) to (1, 1), rising in both coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct RocCurve {
    points: Vec<RocPoint>,
}

impl Ranking {
    /// The ROC curve; `None` without positives or without negatives.
    pub fn roc_curve(&self, collinear: Collinear) -> Option<RocCurve> {
        let (all_positives, all_negatives) = (self.positives(), self.negatives());
        if all_positives == 0 || all_negatives == 0 {
            return None;
        }
        // (false positives, true positives, threshold)
        let mut corners: Vec<(u64, u64, Option<f32>)> = vec![(0, 0, None)];
        for group in self.groups() {
            let &(fp, tp, _) = corners.last()?;
            let next = (fp + group.negatives, tp + group.positives);
            if collinear == Collinear::Drop
                && let [.., before, here] = corners.as_slice()
                && on_one_line((before.0, before.1), (here.0, here.1), next)
            {
                corners.pop();
            }
            corners.push((next.0, next.1, Some(group.score)));
        }
        let points = corners
            .into_iter()
            .map(|(fp, tp, threshold)| RocPoint {
                false_positive_rate: fp as f64 / all_negatives as f64,
                true_positive_rate: tp as f64 / all_positives as f64,
                threshold,
            })
            .collect();
        Some(RocCurve { points })
    }
}

/// Whether three points, rising in both coordinates, are on one line: exact in integers.
fn on_one_line(a: (u64, u64), b: (u64, u64), c: (u64, u64)) -> bool {
    u128::from(b.0 - a.0) * u128::from(c.1 - b.1) == u128::from(b.1 - a.1) * u128::from(c.0 - b.0)
}

impl OneVsRest {
    /// The mean of the classes' curves at every false-positive rate (vertical averaging),
    /// over the classes that have one; `None` where none has. Its area is
    /// [`OneVsRest::macro_auc`]. Only corners are kept.
    ///
    /// T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27
    /// (2006), section 8.1, at every rate at which a curve has a corner instead of on a
    /// grid.
    pub fn macro_curve(&self) -> Option<RocCurve> {
        let curves: Vec<RocCurve> = self
            .classes()
            .iter()
            .filter_map(|ranking| ranking.roc_curve(Collinear::Drop))
            .collect();
        if curves.is_empty() {
            return None;
        }
        let mut rates: Vec<f64> = curves
            .iter()
            .flat_map(|curve| curve.points.iter().map(|point| point.false_positive_rate))
            .collect();
        rates.sort_unstable_by(f64::total_cmp);
        rates.dedup();

        let mut places = vec![0; curves.len()];
        let mut points = Vec::with_capacity(2 * rates.len());
        for rate in rates {
            let (mut low, mut high) = (0.0, 0.0);
            for (curve, place) in curves.iter().zip(&mut places) {
                let step = curve.step_at(rate, place);
                low += step.0;
                high += step.1;
            }
            let averaged = |sum: f64| RocPoint {
                false_positive_rate: rate,
                true_positive_rate: sum / curves.len() as f64,
                threshold: None,
            };
            points.push(averaged(low));
            if high > low {
                points.push(averaged(high));
            }
        }
        Some(RocCurve { points })
    }
}

impl RocCurve {
    /// The points, from (0, 0) to (1, 1).
    pub fn points(&self) -> &[RocPoint] {
        &self.points
    }

    /// Area under the curve by trapezoids. [`Ranking::auc`] gives the same number, exact.
    pub fn area(&self) -> f64 {
        self.points
            .windows(2)
            .map(|pair| {
                (pair[1].false_positive_rate - pair[0].false_positive_rate)
                    * (pair[1].true_positive_rate + pair[0].true_positive_rate)
                    / 2.0
            })
            .sum()
    }

    /// A curve of fewer points for drawing: both ends stay, and no point that is left out
    /// is further than `tolerance` from the line that is drawn, in units of the axes
    /// (half a pixel of a chart 400 pixels wide is 0.00125).
    pub fn simplified(&self, tolerance: f64) -> Self {
        let place = |point: &RocPoint| (point.false_positive_rate, point.true_positive_rate);
        Self {
            points: polyline::simplified(&self.points, place, tolerance),
        }
    }

    /// The lowest and the highest true-positive rate at this false-positive rate; they
    /// differ where the curve is vertical. `place` remembers where the last, lower rate
    /// was found.
    fn step_at(&self, rate: f64, place: &mut usize) -> (f64, f64) {
        let x = |index: usize| self.points[index].false_positive_rate;
        let y = |index: usize| self.points[index].true_positive_rate;
        while x(*place) < rate && *place + 1 < self.points.len() {
            *place += 1;
        }
        let first = *place;
        if x(first) > rate {
            // Between two corners. `first` is not 0, because the curve begins at rate 0.
            let before = first.saturating_sub(1);
            let share = (rate - x(before)) / (x(first) - x(before));
            let height = y(before) + share * (y(first) - y(before));
            return (height, height);
        }
        let last = iter::successors(Some(first), |index| Some(index + 1))
            .take_while(|&index| index < self.points.len() && x(index) == rate)
            .last()
            .unwrap_or(first);
        (y(first), y(last))
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Probabilities;

    use super::*;
    use crate::Predictions;

    fn one_vs_rest(labels: &[u16], positive: &[f32]) -> OneVsRest {
        let values = positive.iter().flat_map(|&p| [1.0 - p, p]).collect();
        let p = Probabilities::new(2, values).unwrap();
        OneVsRest::new(&Predictions::new(labels, &p).unwrap())
    }

    #[test]
    fn a_point_per_distinct_score_and_corners_on_request() {
        // From high to low: +, +, -, -, then one of each tied.
        let all = one_vs_rest(&[1, 1, 0, 0, 1, 0], &[0.9, 0.8, 0.7, 0.6, 0.5, 0.5]);
        let kept = all.classes()[1].roc_curve(Collinear::Keep).unwrap();
        let rates: Vec<(f64, f64)> = kept
            .points()
            .iter()
            .map(|p| (3.0 * p.false_positive_rate, 3.0 * p.true_positive_rate))
            .collect();
        assert_eq!(
            rates,
            [(0., 0.), (0., 1.), (0., 2.), (1., 2.), (2., 2.), (3., 3.)]
        );
        let thresholds: Vec<Option<f32>> = kept.points().iter().map(|p| p.threshold).collect();
        assert_eq!(
            thresholds,
            [None, Some(0.9), Some(0.8), Some(0.7), Some(0.6), Some(0.5)]
        );
        let corners = all.classes()[1].roc_curve(Collinear::Drop).unwrap();
        assert_eq!(corners.points().len(), 4);
        assert!((corners.area() - kept.area()).abs() < 1e-15);
    }

    #[test]
    fn the_macro_curve_averages_steps_at_the_same_rate() {
        // Class 1 of two samples against two; class 0 by rounded scores of its own, where
        // the first two samples tie.
        let values = vec![0.25, 0.75, 0.25, 0.75, 0.5, 0.5, 1.0, 0.0];
        let p = Probabilities::new(2, values).unwrap();
        let labels = [1, 0, 1, 0];
        let all = OneVsRest::new(&Predictions::new(&labels, &p).unwrap());
        let rates = |curve: RocCurve| -> Vec<(f64, f64)> {
            let points = curve.points().iter();
            points
                .map(|p| (p.false_positive_rate, p.true_positive_rate))
                .collect()
        };
        let curve = |class: usize| rates(all.classes()[class].roc_curve(Collinear::Drop).unwrap());
        assert_eq!(curve(0), [(0., 0.), (0., 0.5), (0.5, 0.5), (1., 1.)]);
        assert_eq!(curve(1), [(0., 0.), (0.5, 0.5), (0.5, 1.), (1., 1.)]);
        let mean = all.macro_curve().unwrap();
        assert!((mean.area() - all.macro_auc().unwrap()).abs() < 1e-15);
        assert_eq!(
            rates(mean),
            [(0., 0.), (0., 0.25), (0.5, 0.5), (0.5, 0.75), (1., 1.)]
        );
    }

    #[test]
    fn a_class_without_samples_has_no_curve() {
        let all = one_vs_rest(&[0, 0], &[0.1, 0.9]);
        assert_eq!(all.classes()[1].roc_curve(Collinear::Keep), None);
        assert_eq!(all.left_out(), [0, 1]);
        assert_eq!(all.macro_curve(), None);
        assert_eq!((all.macro_auc(), all.weighted_auc()), (None, None));
        assert!(all.micro_auc().is_some());
    }
}
