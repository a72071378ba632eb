//! The recipe: settings and a kind of tree, before training.

use bakeoff_core::{
    Classifier, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec, Samples,
    SpecError, StepUnit, derive_seed,
};
use rayon::prelude::*;

use super::{
    grow::{Columns, Kind, grow},
    model::Forest,
    settings::ForestSettings,
};

/// Trees for each thread between two reports of progress.
const TREES_AT_ONCE: usize = 4;

/// A forest with its settings.
pub(crate) struct Recipe {
    spec: ModelSpec,
    settings: ForestSettings,
    kind: Kind,
}

impl Recipe {
    pub(crate) fn build_random(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
        Self::build(spec, Kind::Random)
    }

    pub(crate) fn build_extra(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
        Self::build(spec, Kind::Extra)
    }

    fn build(spec: &ModelSpec, kind: Kind) -> Result<Box<dyn Classifier>, SpecError> {
        Ok(Box::new(Self {
            spec: spec.clone(),
            settings: spec.settings()?,
            kind,
        }))
    }
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
        if u32::try_from(train.len()).is_err() {
            let reason = "there are more training images than this family can number";
            return Err(self.spec.bad_data(reason).into());
        }
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Tree,
            total: Some(self.settings.trees as u64),
        })?;
        let columns = Columns::new(train);
        let seeds: Vec<u64> = (0..self.settings.trees)
            .map(|tree| derive_seed(ctx.seed, &format!("tree {tree}")))
            .collect();
        let mut trees = Vec::with_capacity(seeds.len());
        for seeds in seeds.chunks(TREES_AT_ONCE * rayon::current_num_threads()) {
            let grown = seeds
                .par_iter()
                .with_max_len(1)
                .map(|&seed| grow(&columns, &self.settings, self.kind, seed));
            trees.extend(grown.collect::<Vec<_>>());
            ctx.emit(&FitEvent::Iteration {
                iteration: trees.len() as u64,
                loss: None,
            })?;
        }
        let forest = Forest::new(train.images().shape(), train.classes(), trees);
        ctx.emit(&FitEvent::Finished(FitSummary {
            steps: self.settings.trees as u64,
            ..FitSummary::default()
        }))?;
        Ok(Box::new(forest))
    }
}
