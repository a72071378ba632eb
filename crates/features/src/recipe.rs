//! A recipe with steps in front of it.

use bakeoff_core::{
    Classifier, DataShape, FitContext, FitError, FittedModel, ImageShape, Images, ModelSpec,
    Samples, SpecError, derive_seed,
};

use crate::{
    model::{FittedFeatures, applied, through},
    step::Step,
};

/// Steps, and the recipe that gets what they give.
pub(crate) struct Features {
    pub(crate) steps: Vec<Box<dyn Step>>,
    pub(crate) inner: Box<dyn Classifier>,
}

/// The shape that images come to; an error names the step by its place.
pub(crate) fn shape_after(
    steps: &[Box<dyn Step>],
    image: ImageShape,
) -> Result<ImageShape, String> {
    steps
        .iter()
        .enumerate()
        .try_fold(image, |shape, (at, step)| {
            step.shape(shape)
                .map_err(|reason| format!("features, step {}: {reason}", at + 1))
        })
}

impl Features {
    fn refused(&self, reason: String) -> SpecError {
        self.inner.spec().bad_data(reason)
    }
}

impl Classifier for Features {
    fn spec(&self) -> ModelSpec {
        self.inner.spec()
    }

    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        let image = shape_after(&self.steps, data.image).map_err(|reason| self.refused(reason))?;
        self.inner.check(&DataShape { image, ..*data })
    }

    fn check_classes(&self, names: &[String]) -> Result<(), SpecError> {
        self.inner.check_classes(names)
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        if train.is_empty() {
            return Err(FitError::Data("there are no training images".into()));
        }
        let input = train.images().shape();
        let failed = |reason: String| FitError::Data(format!("features, {reason}"));
        let mut images = train.images().clone();
        let mut fitted = Vec::with_capacity(self.steps.len());
        for (at, step) in self.steps.iter().enumerate() {
            let seed = derive_seed(ctx.seed, &format!("features {at}"));
            let named = |reason: String| failed(format!("step {}: {reason}", at + 1));
            let shape = step.shape(images.shape()).map_err(named)?;
            let learned = step.fit(&images, seed).map_err(named)?;
            images = applied(&*learned, &images, shape).map_err(failed)?;
            fitted.push((learned, shape));
        }
        let seen = |images: Images, of: &Samples| {
            Samples::new(images, of.labels(), of.class_names())
                .map_err(|error| failed(error.to_string()))
        };
        let validation = ctx.validation.map(|part| {
            let images = through(&fitted, part.images()).map_err(failed)?;
            seen(images, part)
        });
        let validation = validation.transpose()?;
        let mut context = FitContext {
            seed: ctx.seed,
            validation: validation.as_ref(),
            progress: &mut *ctx.progress,
        };
        let inner = self.inner.fit(&seen(images, train)?, &mut context)?;
        Ok(Box::new(FittedFeatures {
            input,
            steps: fitted,
            inner,
        }))
    }
}
