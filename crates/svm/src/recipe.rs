//! The recipe: one problem for each pair of classes, solved by an engine, and one model of all of them.

use std::sync::OnceLock;

use bakeoff_core::{
    Classifier, DataShape, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec,
    Samples, SpecError, StepUnit,
};
use rayon::prelude::*;

use crate::{
    leave_one_out::leave_one_out,
    model::SvmModel,
    pair::{FittedPair, Pair, Solution},
    settings::{Refuses, SvmSettings},
    sigmoid::Sigmoid,
};

/// Pairs for each thread between two reports of progress.
const PAIRS_AT_ONCE: usize = 4;

/// The function of an engine that solves the problem of a pair; an error says why it cannot.
pub(crate) type Solve = fn(&Pair) -> Result<Solution, String>;

/// What an engine is, besides its row in the table.
#[derive(Clone, Copy)]
pub(crate) struct Solver {
    pub(crate) name: &'static str,
    pub(crate) refuses: Refuses,
    pub(crate) solve: Solve,
}

pub(crate) struct Svm {
    spec: ModelSpec,
    settings: SvmSettings,
    solver: Solver,
}

/// The recipe that a resolved spec describes.
pub(crate) fn build(spec: &ModelSpec, solver: Solver) -> Result<Box<dyn Classifier>, SpecError> {
    Ok(Box::new(Svm::new(spec, solver)?))
}

/// The images of each class, by their positions in the training data.
pub(crate) struct Classes {
    images: Vec<Vec<usize>>,
    /// Those that occur.
    occurring: Vec<usize>,
}

impl Classes {
    fn new(train: &Samples) -> Self {
        let mut images = vec![Vec::new(); train.classes()];
        for (index, &label) in train.labels().iter().enumerate() {
            images[usize::from(label)].push(index);
        }
        let occurring = (0..images.len()).filter(|&class| !images[class].is_empty());
        Self {
            occurring: occurring.collect(),
            images,
        }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let classes = self.occurring.iter().enumerate();
        let with = |(at, &first)| {
            self.occurring[at + 1..]
                .iter()
                .map(move |&second| (first, second))
        };
        classes.flat_map(with).collect()
    }
}

impl Svm {
    pub(crate) fn new(spec: &ModelSpec, solver: Solver) -> Result<Self, SpecError> {
        Ok(Self {
            spec: spec.clone(),
            settings: SvmSettings::of(spec)?,
            solver,
        })
    }

    fn fit_pair(
        &self,
        train: &Samples,
        classes: &Classes,
        (first, second): (usize, usize),
        (gamma, cache_bytes, parallel): (f32, usize, bool),
    ) -> Result<FittedPair, FitError> {
        let indices = [&classes.images[first][..], &classes.images[second]].concat();
        let pair = Pair {
            pixels: train.images().select(&indices).pixels().to_vec(),
            columns: train.images().shape().pixels(),
            firsts: classes.images[first].len(),
            function: self.settings.function(gamma),
            c: self.settings.c,
            tolerance: self.settings.tolerance,
            cache_bytes,
            parallel,
            packed: OnceLock::new(),
        };
        let failed = |reason| FitError::Engine {
            engine: self.solver.name,
            reason,
        };
        let solution = (self.solver.solve)(&pair).map_err(failed)?;
        let coefficients = &solution.coefficients;
        if !solution.bias.is_finite() || !coefficients.iter().all(|value| value.is_finite()) {
            let reason = "a coefficient is not finite; a smaller c or gamma keeps them small";
            return Err(FitError::Diverged(reason.into()));
        }
        let values = leave_one_out(&pair, &solution, pair.values(&solution));
        let support = indices.iter().zip(coefficients);
        let support = support.filter(|(_, coefficient)| **coefficient != 0.0);
        Ok(FittedPair {
            classes: (first, second),
            support: support.map(|(&index, &value)| (index, value)).collect(),
            bias: solution.bias,
            sigmoid: Sigmoid::fit(&values, pair.firsts),
            steps: solution.steps,
            converged: solution.converged,
            kernel: solution.kernel,
        })
    }

    /// The model, all but its last event.
    pub(crate) fn model(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<(SvmModel, FitSummary), FitError> {
        let classes = Classes::new(train);
        let pairs = classes.pairs();
        if pairs.is_empty() {
            let reason = "a support vector machine needs training images of two classes at least";
            return Err(FitError::Data(reason.into()));
        }
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Pair,
            total: Some(pairs.len() as u64),
        })?;
        let gamma = self.settings.gamma.of(train);
        let threads = rayon::current_num_threads();
        // With few pairs all threads work on one at a time. Never both: a thread that waits for a part of one pair would
        // begin another, and with it its memory.
        let together = match pairs.len() >= 2 * threads {
            true => PAIRS_AT_ONCE * threads,
            false => 1,
        };
        let at_once = threads.min(together);
        let cache_bytes = self.settings.cache_mb.saturating_mul(1 << 20) / at_once;
        let how = (gamma, cache_bytes, together == 1);
        let mut fitted = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunks(together) {
            let fit = |&pair: &(usize, usize)| self.fit_pair(train, &classes, pair, how);
            let done: Result<Vec<_>, _> = match together {
                1 => pairs.iter().map(fit).collect(),
                _ => pairs.par_iter().with_max_len(1).map(fit).collect(),
            };
            fitted.extend(done?);
            ctx.emit(&FitEvent::Iteration {
                iteration: fitted.len() as u64,
                loss: None,
            })?;
        }
        let mut known = fitted.iter().map(|pair| pair.converged);
        let summary = FitSummary {
            steps: fitted.iter().map(|pair| pair.steps).sum(),
            converged: known.try_fold(true, |all, pair| Some(all & pair?)),
            kernel: fitted
                .first()
                .and_then(|pair| pair.kernel)
                .map(String::from),
            ..FitSummary::default()
        };
        let model = SvmModel::new(train, &self.settings, gamma, &fitted)?;
        Ok((model, summary))
    }
}

impl Classifier for Svm {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        match (self.solver.refuses)(&self.settings, data) {
            Some(reason) => Err(self.spec.bad_data(reason)),
            None => Ok(()),
        }
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let (model, summary) = self.model(train, ctx)?;
        ctx.emit(&FitEvent::Finished(summary))?;
        Ok(Box::new(model))
    }
}
