//! Engine `smartcore`: its naive Bayes in double precision, on one thread.
//!
//! Its means, variances and shares become the same model as those of the other engine, so that only what a fit costs
//! differs. It has no floor for variances, which is added as for the other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bakeoff_core::{Engine, EngineCode, FitError, Samples, panic_text};
use smartcore::{
    linalg::basic::matrix::DenseMatrix,
    naive_bayes::{
        bernoulli::{BernoulliNB, BernoulliNBParameters},
        gaussian::{GaussianNB, GaussianNBParameters},
        multinomial::{MultinomialNB, MultinomialNBParameters},
    },
};

use super::model::{AllLearned, Learned, NaiveBayes, NaiveBayesSettings, ON, Pixels, fit_by};
use crate::{PIXEL_SCALE, recipe::recipe};

pub(super) const ENGINE: Engine = Engine {
    name: "smartcore",
    summary: "smartcore in double precision, one thread",
    deterministic: true,
    code: Some(EngineCode {
        build: |spec| {
            recipe(
                spec,
                spec.settings::<NaiveBayesSettings>(),
                |spec, train| fit_by(spec, train, learn),
            )
        },
        load: NaiveBayes::load,
    }),
};

fn learn(settings: &NaiveBayesSettings, train: &Samples) -> Result<AllLearned, FitError> {
    // A panic cannot leave broken state behind: everything is dropped with the closure.
    catch_unwind(AssertUnwindSafe(|| learned(settings, train)))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", panic_text(&*panic))))
        .map_err(|reason| FitError::Engine {
            engine: ENGINE.name,
            reason,
        })
}

fn learned(settings: &NaiveBayesSettings, train: &Samples) -> Result<AllLearned, String> {
    let labels: Vec<u32> = train.labels().iter().copied().map(u32::from).collect();
    let pixels = train.images().shape().pixels();
    let smoothing = settings.smoothing;
    let bytes = || train.images().pixels().iter();
    let mut classes: Vec<_> = (0..train.classes()).map(|_| None).collect();
    let mut largest_variance = 0.0;
    let mut put = |class: u32, learned| {
        let place = classes.get_mut(class as usize);
        *place.ok_or("it found a class that is none")? = Some(learned);
        Ok::<(), String>(())
    };
    match settings.pixels {
        Pixels::Normal => {
            let values = bytes().map(|&byte| f64::from(byte) * PIXEL_SCALE).collect();
            let images = matrix(train.len(), pixels, values)?;
            let fitted = GaussianNB::fit(&images, &labels, GaussianNBParameters::default());
            let fitted = fitted.map_err(|error| error.to_string())?;
            let (means, variances) = (fitted.theta(), fitted.var());
            largest_variance = (0..pixels)
                .map(|pixel| {
                    // Of all images, from the classes' shares, means and variances.
                    let parts = fitted
                        .class_priors()
                        .iter()
                        .zip(means.iter().zip(variances));
                    let (mut mean, mut square) = (0.0, 0.0);
                    for (share, (means, variances)) in parts {
                        mean += share * means[pixel];
                        square += share * (variances[pixel] + means[pixel].powi(2));
                    }
                    square - mean * mean
                })
                .fold(0.0, f64::max);
            let both = means.iter().zip(variances);
            for (&class, (means, variances)) in fitted.classes().iter().zip(both) {
                let (means, variances) = (means.clone(), variances.clone());
                put(class, Learned::Normal { means, variances })?;
            }
        }
        Pixels::Counts => {
            // Counts of bytes: what every pixel has before is in the same unit.
            let parameters = MultinomialNBParameters::default().with_alpha(smoothing / PIXEL_SCALE);
            let images = matrix(
                train.len(),
                pixels,
                bytes().map(|&b| u32::from(b)).collect(),
            )?;
            let fitted = MultinomialNB::fit(&images, &labels, parameters);
            let fitted = fitted.map_err(|error| error.to_string())?;
            for (&class, shares) in fitted.classes().iter().zip(fitted.feature_log_prob()) {
                put(class, Learned::LogShares(shares.clone()))?;
            }
        }
        Pixels::OnOff => {
            let on = bytes()
                .map(|&byte| f64::from(u8::from(byte >= ON)))
                .collect();
            let parameters = BernoulliNBParameters::default().with_alpha(smoothing);
            let images = matrix(train.len(), pixels, on)?;
            let fitted = BernoulliNB::fit(&images, &labels, parameters);
            let fitted = fitted.map_err(|error| error.to_string())?;
            for (&class, shares) in fitted.classes().iter().zip(fitted.feature_log_prob()) {
                put(class, Learned::LogShares(shares.clone()))?;
            }
        }
    }
    Ok(AllLearned {
        classes,
        largest_variance,
    })
}

fn matrix<T: Copy + std::fmt::Debug + std::fmt::Display>(
    rows: usize,
    columns: usize,
    values: Vec<T>,
) -> Result<DenseMatrix<T>, String> {
    DenseMatrix::new(rows, columns, values, false).map_err(|error| error.to_string())
}
