//! How a recipe scores, and whether two recipes differ: a recipe is a model that will be trained
//! again, so that the seeds of its fits are as random as the test samples.
//!
//! The score of m fits on n samples varies for three reasons: the samples (σ²/n), the seeds
//! (τ²/m: fits of one recipe are better or worse on all samples alike), and both together
//! (ω²/mn: another seed is right about other samples). The samples' part is estimated by the
//! influence of each sample on the mean score (jackknife), which contains ω²/mn as well; the
//! seeds' part by the variance of the fits' scores over m, which estimates τ²/m + ω²/mn; and what
//! both contain is subtracted once. It is the analysis of variance of fits × samples with both
//! factors random; the degrees of freedom are Satterthwaite's.
//!
//! A model that does not depend on the seed has one fit, and no part of the seeds.
//!
//! Rejected: testing the fits at hand and leaving the seeds out (two groups of fits of one recipe
//! then differ in four comparisons of ten), and resampling fits and samples together (of three
//! fits there are ten resamples). `tests/recipes.rs` has the simulations.
//!
//! F. Satterthwaite, "An approximate distribution of estimates of variance components",
//! Biometrics Bulletin 2 (1946); X. Bouthillier et al., "Accounting for variance in machine
//! learning benchmarks", MLSys 2021.

use crate::{
    Confidence, Influence, Interval, Metric, MetricsError,
    spread::{Spread, moved_odds},
    statistics::distributions::{student_t_cdf, student_t_quantile, student_t_two_sided},
};

/// A score of a recipe, or the difference of two, for fits with other seeds on other samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecipeScore {
    /// The mean over the fits; of a difference, first less second.
    pub estimate: f64,
    /// Its standard error, seeds and samples together.
    pub standard_error: f64,
    /// Degrees of freedom of Student's distribution.
    pub degrees_of_freedom: f64,
    /// Variance of the same number for one new fit of each recipe on as many new samples.
    one_fit_variance: f64,
    /// The degrees of freedom with those of the samples' variance by how unequal their influences
    /// are; `degrees_of_freedom` takes all samples to tell the same of it. Of a difference,
    /// influences are nearly symmetric and it makes none.
    unequal_freedom: f64,
    /// Half of the largest influence that lowers the number.
    half_step: f64,
}

/// The parts of the variance of one recipe's mean score.
struct Parts {
    /// Influence of each sample on the mean over the fits; their squares sum to a variance.
    influences: Vec<f64>,
    mean: f64,
    fits: f64,
    /// Variance of the fits' scores; 0 for one fit.
    between: f64,
    /// What a sample's influence differs between fits, as a variance of one fit's score.
    interaction: f64,
}

impl Parts {
    fn new(fits: &[&Influence]) -> Result<Self, MetricsError> {
        let mean = Influence::mean(fits)?;
        let scores: Vec<f64> = fits.iter().map(|fit| fit.estimate()).collect();
        let influences: Vec<&[f64]> = fits.iter().map(|fit| fit.each()).collect();
        Ok(Self::of(&scores, &influences, mean.each().to_vec()))
    }

    /// Of scores that are means over the samples.
    fn of_values(fits: &[&[f64]]) -> Result<Self, MetricsError> {
        let Some(samples) = fits.first().map(|fit| fit.len()) else {
            return Err(MetricsError::too_few("fits of a model", 0, 1));
        };
        if samples < 2 {
            return Err(MetricsError::too_few("samples", samples, 2));
        }
        equal_lengths(fits, samples)?;
        let count = samples as f64;
        let scores: Vec<f64> = fits.iter().map(|f| f.iter().sum::<f64>() / count).collect();
        // The jackknife's, as of resampled scores: their squares sum to the variance of the mean.
        let scale = 1.0 / (count * (count - 1.0)).sqrt();
        let influences: Vec<Vec<f64>> = fits
            .iter()
            .zip(&scores)
            .map(|(fit, mean)| fit.iter().map(|value| scale * (value - mean)).collect())
            .collect();
        let together = (0..samples)
            .map(|i| influences.iter().map(|own| own[i]).sum::<f64>() / fits.len() as f64)
            .collect();
        let influences: Vec<&[f64]> = influences.iter().map(Vec::as_slice).collect();
        Ok(Self::of(&scores, &influences, together))
    }

    /// Of the scores of fits, the influences of each sample on them, and on their mean.
    fn of(scores: &[f64], influences: &[&[f64]], together: Vec<f64>) -> Self {
        let count = scores.len() as f64;
        let mut parts = Self {
            influences: together,
            mean: scores.iter().sum::<f64>() / count,
            fits: count,
            between: 0.0,
            interaction: 0.0,
        };
        if scores.len() > 1 {
            for (score, own) in scores.iter().zip(influences) {
                parts.between += (score - parts.mean).powi(2);
                let apart = own.iter().zip(&parts.influences);
                parts.interaction += apart.map(|(own, mean)| (own - mean).powi(2)).sum::<f64>();
            }
            parts.between /= count - 1.0;
            parts.interaction /= count - 1.0;
        }
        parts
    }
}

/// Refuses fits that have not as many values as there are samples.
fn equal_lengths(fits: &[&[f64]], samples: usize) -> Result<(), MetricsError> {
    match fits.iter().position(|fit| fit.len() != samples) {
        None => Ok(()),
        Some(row) => Err(MetricsError::Ragged {
            row,
            found: fits[row].len(),
            expected: samples,
        }),
    }
}

impl RecipeScore {
    /// The score of one recipe.
    ///
    /// # Errors
    /// Without fits, or when they are of other samples.
    pub fn of(fits: &[&Influence]) -> Result<Self, MetricsError> {
        let parts = Parts::new(fits)?;
        Ok(Self::new(parts.mean, &parts.influences, &[&parts]))
    }

    /// The difference of two recipes on the same samples, first less second.
    ///
    /// # Errors
    /// As [`RecipeScore::of`], also when the two are of different samples.
    pub fn difference(first: &[&Influence], second: &[&Influence]) -> Result<Self, MetricsError> {
        // Refuses other samples.
        let difference = Influence::mean(first)?.minus(&Influence::mean(second)?)?;
        let parts = [&Parts::new(first)?, &Parts::new(second)?];
        Ok(Self::new(difference.estimate(), difference.each(), &parts))
    }

    /// The score of one recipe where the score of a fit is the mean of a value of each sample, in
    /// the same order for every fit: a loss, or whether the answer is right.
    ///
    /// # Errors
    /// Without fits, with fewer than two samples, or where the fits have not as many.
    pub fn of_values(fits: &[&[f64]]) -> Result<Self, MetricsError> {
        let parts = Parts::of_values(fits)?;
        Ok(Self::new(parts.mean, &parts.influences, &[&parts]))
    }

    /// The difference of two recipes of such scores on the same samples, first less second.
    ///
    /// # Errors
    /// As [`RecipeScore::of_values`], also when the two have not as many samples.
    pub fn difference_of_values(first: &[&[f64]], second: &[&[f64]]) -> Result<Self, MetricsError> {
        let samples = first.first().map_or(0, |fit| fit.len());
        let parts = [&Parts::of_values(first)?, &Parts::of_values(second)?];
        equal_lengths(second, samples)?;
        let [first, second] = parts;
        let influences = first.influences.iter().zip(&second.influences);
        let influences: Vec<f64> = influences.map(|(a, b)| a - b).collect();
        Ok(Self::new(first.mean - second.mean, &influences, &parts))
    }

    fn new(estimate: f64, influences: &[f64], recipes: &[&Parts]) -> Self {
        let samples = influences.iter().map(|i| i.powi(2)).sum::<f64>();
        let shared: f64 = recipes.iter().map(|r| r.interaction / r.fits).sum();
        let samples = (samples - shared).max(0.0);
        // Variances with the degrees of freedom that they were estimated with.
        let together = |of_samples: f64| {
            let parts = recipes
                .iter()
                .map(|r| (r.between / r.fits, r.fits - 1.0))
                .chain([(samples, of_samples)]);
            let parts = parts.filter(|(variance, _)| *variance > 0.0);
            parts.fold((0.0, 0.0), |(sum, spread), (part, freedom)| {
                (sum + part, spread + part * part / freedom)
            })
        };
        let (variance, uncertainty) = together(influences.len() as f64 - 1.0);
        let lowering = Spread::new(influences.iter().map(|i| -i));
        let (_, unequal) = together(lowering.freedom);
        let one_fit: f64 = recipes.iter().map(|r| r.between).sum();
        Self {
            estimate,
            standard_error: variance.sqrt(),
            degrees_of_freedom: variance * variance / uncertainty,
            one_fit_variance: samples + one_fit,
            unequal_freedom: variance * variance / unequal,
            half_step: lowering.half_step,
        }
    }

    /// Where the number lies for other seeds and other samples.
    pub fn interval(&self, confidence: Confidence) -> Interval {
        let reach = self.reach(1.0 - confidence.tail());
        Interval {
            low: self.estimate - reach,
            high: self.estimate + reach,
        }
    }

    /// The same for a score of a recipe, on a scale on which it has no bounds: the logarithm of
    /// a loss, the log-odds of a share or an area. Half of the largest influence is added on the
    /// side away from the bound, as for one fit ([`crate::score_interval()`]).
    pub(crate) fn interval_of(&self, metric: Metric, confidence: Confidence) -> Interval {
        let x = self.estimate;
        let t = |freedom: f64| student_t_quantile(1.0 - confidence.tail(), freedom.max(1.0));
        let reach = t(self.unequal_freedom) * self.standard_error;
        match metric {
            Metric::LogLoss | Metric::BrierScore | Metric::ExpectedCalibrationError => {
                let factor = (reach / x).exp();
                Interval {
                    low: x / factor,
                    high: x * factor,
                }
            }
            Metric::MacroAuc | Metric::WeightedAuc => {
                let error = self.standard_error.hypot(self.half_step);
                let below = t(self.unequal_freedom / 2.0) * error;
                Interval {
                    low: 1.0 - moved_odds(1.0 - x + self.half_step, below),
                    high: 1.0 - moved_odds(1.0 - x, -reach),
                }
            }
            _ if x > 0.0 && x < 1.0 => Interval {
                low: moved_odds(x, -reach),
                high: moved_odds(x, reach),
            },
            _ => self.interval(confidence),
        }
    }

    /// The two-sided p-value of no difference; `None` without any spread to judge by.
    pub fn p_value(&self) -> Option<f64> {
        (self.standard_error > 0.0).then(|| {
            let t = self.estimate / self.standard_error;
            student_t_two_sided(t, self.degrees_of_freedom)
        })
    }

    /// The probability that one new fit of the first recipe is ahead of one of the second on as
    /// many new samples (half of the ties counted): a prediction, so it is never certain.
    pub fn probability_ahead(&self) -> f64 {
        let deviation = (self.standard_error.powi(2) + self.one_fit_variance).sqrt();
        if deviation > 0.0 {
            student_t_cdf(self.estimate / deviation, self.degrees_of_freedom)
        } else {
            0.5 + 0.5 * self.estimate.signum() * f64::from(u8::from(self.estimate != 0.0))
        }
    }

    /// The smallest true difference that this many fits and samples would have found at a level
    /// (0.05, or less for one of several comparisons) in eight of ten repetitions.
    pub fn detectable(&self, level: f64) -> f64 {
        self.reach(1.0 - level / 2.0) + self.reach(0.8)
    }

    fn reach(&self, probability: f64) -> f64 {
        if self.standard_error > 0.0 {
            self.standard_error * student_t_quantile(probability, self.degrees_of_freedom)
        } else {
            0.0
        }
    }
}
