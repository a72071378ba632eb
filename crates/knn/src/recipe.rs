//! The recipe: settings and an engine, before training.

use bakeoff_core::{
    Classifier, DataShape, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec,
    Samples, SpecError, StepUnit, counted,
};

use crate::{engines::KnnEngine, model::KnnModel, settings::KnnSettings, tangent::LEAST_SIDE};

/// k nearest neighbours with its settings.
pub(crate) struct Knn {
    spec: ModelSpec,
    engine: &'static KnnEngine,
    settings: KnnSettings,
}

impl Knn {
    /// A recipe from a resolved spec.
    pub(crate) fn new(spec: &ModelSpec) -> Result<Self, SpecError> {
        let (engine, settings) = KnnEngine::of(spec)?;
        Ok(Self {
            spec: spec.clone(),
            engine,
            settings,
        })
    }
}

impl Classifier for Knn {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        let (k, rows) = (self.settings.k.get(), data.train);
        let reason = if rows < k {
            Some(format!(
                "k = {k} neighbours are asked for, of only {}; \
                 choose a smaller k or more training data",
                counted(rows as u64, "training image", "training images")
            ))
        } else if u32::try_from(rows).is_err() {
            Some(format!(
                "{rows} training images are more than the {} that this family can number",
                u32::MAX
            ))
        } else if self.settings.tangent > 0 && data.image.height.min(data.image.width) < LEAST_SIDE
        {
            Some(format!(
                "tangent distance needs images of {LEAST_SIDE}×{LEAST_SIDE} pixels and more, and these are {}; \
                 leave out `tangent`, or the features that make vectors",
                data.image
            ))
        } else {
            (self.engine.refuses)(&self.settings, data)
        };
        reason.map_or(Ok(()), |reason| Err(self.spec.bad_data(reason)))
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        self.check(&train.data_shape())?;
        let total = train.len() as u64;
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Sample,
            total: Some(total),
        })?;
        let images = train.images();
        let mut progress = |samples| {
            ctx.emit(&FitEvent::Progress {
                samples: samples as u64,
                total,
            })
        };
        let (pixels, shape) = (images.pixels(), images.shape());
        let search = self
            .engine
            .prepare(pixels, shape, &self.settings, &mut progress)?;
        ctx.emit(&FitEvent::Finished(FitSummary {
            kernel: search.kernel().map(String::from),
            ..FitSummary::default()
        }))?;
        Ok(Box::new(KnnModel {
            shape: images.shape(),
            classes: train.classes(),
            settings: self.settings.clone(),
            labels: train.labels().to_vec(),
            search,
        }))
    }
}
