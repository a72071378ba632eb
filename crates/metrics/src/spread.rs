//! How a loss varies, and its intervals on scales on which it has no bounds.

use crate::{
    Confidence, Interval,
    statistics::distributions::{gamma_quantile, student_t_quantile},
};

/// How a loss varies, by the influences of the samples on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    /// The sum of their squares.
    pub(crate) variance: f64,
    /// How well the influences tell it.
    pub(crate) freedom: f64,
    /// Half of the largest.
    pub(crate) half_step: f64,
}

impl Spread {
    pub(crate) fn new(influences: impl Iterator<Item = f64>) -> Self {
        let (mut count, mut squares, mut fourths, mut largest) = (0.0, 0.0, 0.0, 0.0_f64);
        for influence in influences {
            let square = influence * influence;
            count += 1.0;
            squares += square;
            fourths += square * square;
            largest = largest.max(influence);
        }
        let of_variance = fourths - squares * squares / count;
        let freedom = 2.0 * squares * squares / of_variance;
        Self {
            variance: squares,
            // Beyond what matters to Student's t, and where all influences are of one size.
            freedom: if freedom > 0.0 {
                freedom.clamp(1.0, 1e5)
            } else {
                1e5
            },
            half_step: largest / 2.0,
        }
    }

    /// Fay and Feuer's gamma interval, mid-p.
    pub(crate) fn around_counts(&self, loss: f64, confidence: Confidence) -> Interval {
        let end = |probability: f64, mean: f64, variance: f64| {
            let scale = variance / mean;
            scale * gamma_quantile(probability, mean / scale)
        };
        let step = self.half_step;
        Interval {
            low: end(confidence.tail(), loss, self.variance),
            high: end(
                1.0 - confidence.tail(),
                loss + step,
                self.variance + step * step,
            ),
        }
    }

    /// Student's t on the scale of the logarithm.
    pub(crate) fn around_loss(&self, loss: f64, confidence: Confidence) -> Interval {
        let t = student_t_quantile(1.0 - confidence.tail(), self.freedom);
        let factor = (t * self.variance.sqrt() / loss).exp();
        Interval {
            low: loss / factor,
            high: loss * factor,
        }
    }

    /// Student's t on the scale of log-odds, wider above.
    pub(crate) fn around_area_loss(&self, loss: f64, confidence: Confidence) -> Interval {
        let probability = 1.0 - confidence.tail();
        let t = student_t_quantile(probability, self.freedom);
        let low = moved_odds(loss, -t * self.variance.sqrt());
        let t = student_t_quantile(probability, (self.freedom / 2.0).max(1.0));
        let step = self.half_step;
        let reach = t * (self.variance + step * step).sqrt();
        Interval {
            low,
            high: moved_odds(loss + step, reach),
        }
    }
}

/// A share, moved by `reach` on the scale of its log-odds.
pub(crate) fn moved_odds(share: f64, reach: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return share.clamp(0.0, 1.0);
    }
    let log_odds = (share / (1.0 - share)).ln() + reach / (share * (1.0 - share));
    1.0 / (1.0 + (-log_odds).exp())
}
