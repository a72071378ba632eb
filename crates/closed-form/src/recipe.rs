//! The recipe of every family: what their fits have in common.

use bakeoff_core::{
    Classifier, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec, Samples,
    SpecError, StepUnit,
};

/// The fit of a family.
pub(crate) type Fit = fn(&ModelSpec, &Samples) -> Result<Box<dyn FittedModel>, FitError>;

struct Recipe {
    spec: ModelSpec,
    fit: Fit,
}

/// The recipe of a spec whose settings have been read.
pub(crate) fn recipe<T>(
    spec: &ModelSpec,
    settings: Result<T, SpecError>,
    fit: Fit,
) -> Result<Box<dyn Classifier>, SpecError> {
    settings?;
    Ok(Box::new(Recipe {
        spec: spec.clone(),
        fit,
    }))
}

impl Classifier for Recipe {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        if train.is_empty() {
            return Err(FitError::Data("there are no training images".into()));
        }
        let total = train.len() as u64;
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Sample,
            total: Some(total),
        })?;
        let model = (self.fit)(&self.spec, train)?;
        ctx.emit(&FitEvent::Progress {
            samples: total,
            total,
        })?;
        ctx.emit(&FitEvent::Finished(FitSummary::default()))?;
        Ok(model)
    }
}
