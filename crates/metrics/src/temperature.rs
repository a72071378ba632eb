//! Temperature scaling: one number that makes a model more or less confident.
//!
//! C. Guo et al., "On calibration of modern neural networks", ICML 2017. The logits of a
//! softmax are divided by T. The logarithms of its probabilities are such logits but for
//! a constant per sample, which softmax ignores, so probabilities are all that is needed
//! and models without logits can be scaled too. Vector and matrix scaling were rejected:
//! they overfit small validation parts and can change the predicted class.

use bakeoff_core::Probabilities;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{MetricsError, Predictions, sum::sum};

/// Temperatures outside `1/MOST..=MOST` are not looked for: beyond, probabilities are
/// uniform or one-hot for every purpose.
const MOST: f64 = 100.0;

/// Samples that are summed before the sums are added, whatever the number of threads.
const CHUNK: usize = 1024;

/// A temperature fitted on validation data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// T: above 1 makes a model less sure, below 1 surer.
    pub temperature: f64,
    /// Log loss of the samples as they were (but for rounding: rows normalised), in nats.
    pub log_loss_before: f64,
    /// Log loss after scaling.
    pub log_loss_after: f64,
    /// Whether the search ended at a bound (0.01 or 100), because the samples want to be
    /// one-hot (a model without errors) or uniform (a model no better than chance).
    pub at_bound: bool,
}

impl Temperature {
    /// The temperature of the lowest log loss on these samples, which should be held out
    /// of training and of the test.
    ///
    /// Probabilities below ε = 2⁻⁵² count as ε, as in [`crate::log_loss`], so that the
    /// exact zeros of vote shares stay finite. The loss is convex in 1/T; its slope is
    /// bisected to the last bit.
    pub fn fit(predictions: &Predictions<'_>) -> Self {
        let logits = Logits::new(predictions);
        let at = |beta: f64| logits.loss_and_slope(beta);
        let (mut low, mut high) = (1.0 / MOST, MOST);
        let beta = if at(1.0).1 == 0.0 {
            // Uniform probabilities stay so at any temperature.
            1.0
        } else if at(low).1 >= 0.0 {
            low
        } else if at(high).1 <= 0.0 {
            high
        } else {
            // Each step halves the ratio of the bounds; about 55 reach the last bit.
            loop {
                let middle = (low * high).sqrt();
                if middle <= low || middle >= high {
                    break middle;
                }
                if at(middle).1 < 0.0 {
                    low = middle;
                } else {
                    high = middle;
                }
            }
        };
        Self {
            temperature: 1.0 / beta,
            log_loss_before: at(1.0).0,
            log_loss_after: at(beta).0,
            at_bound: beta == 1.0 / MOST || beta == MOST,
        }
    }
}

/// Probabilities with their logarithms divided by `temperature`, normalised again. At a
/// temperature of 1 they come back as they are; at any, the predicted class stays.
///
/// # Errors
/// When the temperature is not a positive finite number.
pub fn scale_temperature(
    probabilities: &Probabilities,
    temperature: f64,
) -> Result<Probabilities, MetricsError> {
    if !(temperature > 0.0 && temperature.is_finite()) {
        return Err(MetricsError::Temperature(temperature));
    }
    if temperature == 1.0 {
        return Ok(probabilities.clone());
    }
    let classes = probabilities.classes();
    let mut values = probabilities.values().to_vec();
    values
        .par_chunks_mut(classes)
        .with_min_len(CHUNK)
        .for_each(|row| {
            let logits: Vec<f64> = row.iter().map(|&p| log(p) / temperature).collect();
            let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = logits.iter().map(|logit| (logit - top).exp()).sum();
            for (value, logit) in row.iter_mut().zip(logits) {
                *value = ((logit - top).exp() / total) as f32;
            }
        });
    // What differed may have become equal by rounding, and the first of equals is the
    // answer: the one that was stays ahead by a last bit.
    let answers = probabilities.predicted();
    loop {
        let scaled = Probabilities::new(classes, values)?;
        let moved: Vec<usize> = scaled
            .predicted()
            .iter()
            .zip(&answers)
            .enumerate()
            .filter(|(_, (now, before))| now != before)
            .map(|(sample, _)| sample)
            .collect();
        if moved.is_empty() {
            return Ok(scaled);
        }
        values = scaled.values().to_vec();
        for sample in moved {
            let value = &mut values[sample * classes + usize::from(answers[sample])];
            *value = value.next_up();
        }
    }
}

fn log(probability: f32) -> f64 {
    f64::from(probability).max(f64::EPSILON).ln()
}

/// Logarithms of all probabilities, each less that of its row's largest.
struct Logits<'a> {
    classes: usize,
    labels: &'a [u16],
    values: Vec<f64>,
}

impl<'a> Logits<'a> {
    fn new(predictions: &Predictions<'a>) -> Self {
        let classes = predictions.classes();
        let mut values: Vec<f64> = predictions
            .probabilities()
            .values()
            .par_iter()
            .with_min_len(CHUNK)
            .map(|&p| log(p))
            .collect();
        for row in values.chunks_exact_mut(classes) {
            let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|logit| *logit -= top);
        }
        Self {
            classes,
            labels: predictions.labels(),
            values,
        }
    }

    /// Mean loss at 1/T = `beta`, and its derivative by `beta`.
    fn loss_and_slope(&self, beta: f64) -> (f64, f64) {
        let chunks: Vec<(f64, f64)> = self
            .values
            .par_chunks(self.classes * CHUNK)
            .zip(self.labels.par_chunks(CHUNK))
            .map(|(rows, labels)| {
                let mut total = (0.0, 0.0);
                for (row, &label) in rows.chunks_exact(self.classes).zip(labels) {
                    let own = row[usize::from(label)];
                    let (mut mass, mut moment) = (0.0, 0.0);
                    for &logit in row {
                        let weight = (beta * logit).exp();
                        mass += weight;
                        moment += weight * logit;
                    }
                    total.0 += mass.ln() - beta * own;
                    total.1 += moment / mass - own;
                }
                total
            })
            .collect();
        let samples = self.labels.len() as f64;
        (
            sum(chunks.iter().map(|chunk| chunk.0)) / samples,
            sum(chunks.iter().map(|chunk| chunk.1)) / samples,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overconfident_model_is_cooled_down() {
        // Right three times of four at 99 %: 75 % would be honest.
        let p = Probabilities::new(2, [0.99_f32, 0.01].repeat(4)).unwrap();
        let predictions = Predictions::new(&[0, 0, 0, 1], &p).unwrap();
        let found = Temperature::fit(&predictions);
        let honest = (0.99_f32 / 0.01_f32).ln() / 3.0_f32.ln();
        assert!((found.temperature - f64::from(honest)).abs() < 1e-5);
        assert!(!found.at_bound && found.log_loss_after < found.log_loss_before);
        let scaled = scale_temperature(&p, found.temperature).unwrap();
        assert!((scaled.row(0)[0] - 0.75).abs() < 1e-6);
    }

    #[test]
    fn without_errors_or_without_skill_the_search_ends_at_a_bound() {
        let p = Probabilities::new(2, vec![0.9, 0.1, 0.2, 0.8]).unwrap();
        let fit = |labels: &[u16]| Temperature::fit(&Predictions::new(labels, &p).unwrap());
        let right = fit(&[0, 1]);
        assert!(right.at_bound && right.temperature == 0.01);
        let wrong = fit(&[1, 0]);
        assert!(wrong.at_bound && (wrong.temperature - 100.0).abs() < 1e-9);
    }

    #[test]
    fn no_temperature_changes_an_answer() {
        // The second class is ahead by the last bit, which a hundredth of it is not.
        let ahead = 0.4_f32.next_up();
        let p = Probabilities::new(3, vec![0.4, ahead, 0.2, 0.2, 0.4, ahead]).unwrap();
        for temperature in [0.01, 0.5, 2.0, 100.0] {
            let scaled = scale_temperature(&p, temperature).unwrap();
            assert_eq!(scaled.predicted(), p.predicted(), "{temperature}");
        }
    }

    #[test]
    fn a_temperature_of_one_changes_nothing_and_nonsense_is_refused() {
        let p = Probabilities::new(3, vec![0.5, 0.5, 0.0, 0.3, 0.3, 0.4]).unwrap();
        assert_eq!(scale_temperature(&p, 1.0), Ok(p.clone()));
        for nonsense in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            assert!(scale_temperature(&p, nonsense).is_err(), "{nonsense}");
        }
    }
}
