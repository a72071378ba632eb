//! The recipe: settings and an engine, nothing learned yet.

use bakeoff_core::{
    Classifier, DataShape, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec,
    Samples, SpecError, StepUnit,
};

use crate::{
    model::KnnModel,
    settings::{IndexKind, KnnSettings, Metric},
};

/// Values in a picture up to which cosines compare without rounding: dot products stay
/// below 2⁴², so that dot² · ‖row‖² stays below 2¹²⁸.
const COSINE_PIXELS: usize = 1 << 26;

/// k nearest neighbours with its settings.
pub(crate) struct Knn {
    spec: ModelSpec,
    settings: KnnSettings,
}

impl Knn {
    /// A recipe from a resolved spec.
    pub(crate) fn new(spec: &ModelSpec) -> Result<Self, SpecError> {
        Ok(Self {
            settings: KnnSettings::from_spec(spec)?,
            spec: spec.clone(),
        })
    }
}

impl Classifier for Knn {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        let k = self.settings.k;
        if data.train < k {
            return Err(self.spec.bad_data(format!(
                "k = {k} neighbours are asked for, but there are only {} training pictures; \
                 choose a smaller k or more training data",
                data.train
            )));
        }
        if u32::try_from(data.train).is_err() {
            return Err(self.spec.bad_data(format!(
                "{} training pictures are more than this family can number ({})",
                data.train,
                u32::MAX
            )));
        }
        if self.settings.index == IndexKind::CoverTree && data.train < 2 {
            let reason = "smartcore's cover tree cannot hold a single picture; \
                          use index = \"linear\" or more training data";
            return Err(self.spec.bad_data(reason));
        }
        let pixels = data.image.pixels();
        if self.settings.metric == Metric::Cosine && pixels > COSINE_PIXELS {
            return Err(self.spec.bad_data(format!(
                "pictures of {pixels} values are too large for exact cosine distances \
                 ({COSINE_PIXELS} at most); use metric = \"l2\" or smaller pictures"
            )));
        }
        Ok(())
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
        let model = KnnModel::index(&self.spec, self.settings, train, &mut |samples| {
            ctx.emit(&FitEvent::Progress {
                samples: samples as u64,
                total,
            })
        })?;
        ctx.emit(&FitEvent::Finished(FitSummary::default()))?;
        Ok(Box::new(model))
    }
}
