//! A fitted model whose probabilities are scaled by a temperature.
//!
//! A wrapper around any model, so that no family needs to know of calibration. The
//! predicted class stays the same; the model inside still gives the uncalibrated answer.

use bakeoff_core::{
    FittedModel, ImageShape, Images, Layers, ModelWriter, PredictError, Probabilities, Samples,
    StoreError,
};
use bakeoff_metrics::{MetricsError, Predictions, Temperature, scale_temperature};

/// A model that answers calibrated probabilities.
pub struct Calibrated {
    inner: Box<dyn FittedModel>,
    temperature: f64,
}

fn failed(error: MetricsError) -> PredictError {
    PredictError::Engine {
        engine: "temperature scaling",
        reason: error.to_string(),
    }
}

impl Calibrated {
    /// Fits a temperature on samples that the model was not trained on.
    ///
    /// # Errors
    /// When the model cannot answer these images.
    pub fn fit(
        inner: Box<dyn FittedModel>,
        validation: &Samples,
    ) -> Result<(Self, Temperature), PredictError> {
        let probabilities = inner.predict_proba(validation.images())?;
        let predictions = Predictions::new(validation.labels(), &probabilities).map_err(failed)?;
        let fitted = Temperature::fit(&predictions);
        let model = Self {
            inner,
            temperature: fitted.temperature,
        };
        Ok((model, fitted))
    }

    /// Wraps a model with a temperature that was fitted before.
    ///
    /// # Errors
    /// When it is not a positive finite number.
    pub fn new(inner: Box<dyn FittedModel>, temperature: f64) -> Result<Self, StoreError> {
        match temperature > 0.0 && temperature.is_finite() {
            true => Ok(Self { inner, temperature }),
            false => Err(StoreError::Inconsistent(format!(
                "a temperature of {temperature}; it must be above 0 and finite"
            ))),
        }
    }

    /// The model as it was fitted.
    pub fn uncalibrated(&self) -> &dyn FittedModel {
        &*self.inner
    }
}

impl FittedModel for Calibrated {
    fn input_shape(&self) -> ImageShape {
        self.inner.input_shape()
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }

    fn parameters(&self) -> u64 {
        match self.inner.parameters() {
            // Unknown.
            0 => 0,
            known => known + 1,
        }
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        let probabilities = self.inner.predict_proba(images)?;
        scale_temperature(&probabilities, self.temperature).map_err(failed)
    }

    fn predict_scored(
        &self,
        images: &Images,
    ) -> Result<(Probabilities, Option<Vec<f32>>), PredictError> {
        let (probabilities, scores) = self.inner.predict_scored(images)?;
        let scaled = scale_temperature(&probabilities, self.temperature).map_err(failed)?;
        Ok((scaled, scores))
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        self.inner.save(out)
    }

    fn layers(&self) -> Option<Layers> {
        self.inner
            .layers()?
            .with_temperature(self.temperature as f32)
            .ok()
    }

    fn why_no_layers(&self) -> &'static str {
        self.inner.why_no_layers()
    }

    fn temperature(&self) -> Option<f64> {
        Some(self.temperature)
    }
}
