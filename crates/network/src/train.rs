//! The training loop, the same for every engine.
//!
//! Mini-batches in an order shuffled anew each epoch; the last, smaller batch is used
//! too. After each epoch the validation part is scored, [`EarlyStopping`] decides
//! which weights are kept, and progress is reported. Everything random follows from
//! the fit's seed.

use bakeoff_core::{
    EpochMetrics, FitContext, FitError, FitEvent, FitSummary, Samples, StepUnit, derive_seed,
};
use bakeoff_kernels::{Batch, Network, Score};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    augment::Augmenter,
    engine::{EngineError, Learner, Start},
    settings::Training,
    stopping::{EarlyStopping, Validation},
    weights::Weights,
};

/// Images scored at once on the validation part. Fixed: neither the batch size nor
/// the number of threads should decide how sums are split.
pub(crate) const SCORE_CHUNK: usize = 256;

/// Progress is reported, and a cancellation noticed, after this many images at the latest.
const PROGRESS_EVERY: usize = 128;

/// Starts an engine's training.
pub(crate) type StartFn<'a> = dyn Fn(&Start<'_>) -> Result<Box<dyn Learner>, EngineError> + 'a;

/// Trains [`Training::members`] of `network` on `train`, each with what `start` of the engine returns.
///
/// Returns the weights that [`Training::keep`] asks for: by default those of the
/// epoch with the lowest validation loss. Without a validation part the last ones. Epochs are counted on
/// from member to member. The first member is what a fit of one gives.
///
/// # Errors
/// [`FitError::Data`] for too little data, [`FitError::Diverged`] when the loss or the
/// weights stop being finite, [`FitError::Cancelled`], or what the engine said.
pub(crate) fn train(
    engine: &'static str,
    start: &StartFn<'_>,
    network: &Network,
    training: &Training,
    train: &Samples,
    ctx: &mut FitContext<'_>,
) -> Result<Vec<Weights>, FitError> {
    let batches = Batches::new(train.len(), training.batch_size, network.has_norm())?;
    if let Some(validation) = ctx.validation
        && validation.images().shape() != train.images().shape()
    {
        return Err(FitError::Data(format!(
            "the validation images are {}, the training images {}",
            validation.images().shape(),
            train.images().shape()
        )));
    }
    let is_validated = ctx.validation.is_some_and(|samples| !samples.is_empty());
    if !is_validated && training.patience > 0 {
        return Err(FitError::Data(
            "patience needs a validation part, and there is none".into(),
        ));
    }
    let epochs = training.epochs(batches.count as u64) * training.members.0;
    ctx.emit(&FitEvent::Started {
        unit: StepUnit::Epoch,
        total: Some(epochs),
    })?;
    let class_weights = training.class_weight.of_classes(&train.class_counts());
    let class_weights: Vec<f32> = class_weights.iter().map(|&weight| weight as f32).collect();
    let mut summary = FitSummary::default();
    let mut members = Vec::new();
    for member in 1..=training.members.0 {
        let seed = match member {
            1 => ctx.seed,
            _ => derive_seed(ctx.seed, &format!("member/{member}")),
        };
        let learner = start(&Start {
            network,
            weights: &Weights::initial(network, seed),
            optimizer: training.optimizer(),
            dropout_seed: derive_seed(seed, "dropout"),
            class_weights: &class_weights,
            label_smoothing: training.label_smoothing as f32,
            average: training.average as f32,
        });
        let fit = Fit {
            engine,
            learner: learner.map_err(|error| error.in_fit(engine))?,
            augmenter: Augmenter::new(training.augmentations(), derive_seed(seed, "augment")),
            batches,
            training,
            train,
            classes: network.classes(),
            class_weights: &class_weights,
            epochs_before: summary.steps,
        };
        members.push(fit.run(seed, &mut summary, ctx)?);
    }
    if training.members.0 > 1 {
        // There is one for each.
        summary.best_epoch = None;
    }
    ctx.emit(&FitEvent::Finished(summary))?;
    Ok(members)
}

/// How an epoch is cut into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Batches {
    samples: usize,
    size: usize,
    count: usize,
}

impl Batches {
    /// With batch norm, a last batch of one image joins the one before it: one
    /// image has no variance, and would pull the running statistics to zero.
    fn new(samples: usize, size: usize, norm: bool) -> Result<Self, FitError> {
        let least = if norm { 2 } else { 1 };
        if samples < least {
            return Err(FitError::Data(format!(
                "{samples} training images; this network needs at least {least}"
            )));
        }
        let size = size.clamp(1, samples);
        let single = norm && samples % size == 1 && samples > size;
        Ok(Self {
            samples,
            size,
            count: samples.div_ceil(size) - usize::from(single),
        })
    }

    fn range(self, batch: usize) -> std::ops::Range<usize> {
        let end = if batch + 1 == self.count {
            self.samples
        } else {
            (batch + 1) * self.size
        };
        batch * self.size..end
    }
}

/// What stays the same over the epochs of one fit.
struct Fit<'a> {
    engine: &'static str,
    learner: Box<dyn Learner>,
    augmenter: Augmenter,
    batches: Batches,
    training: &'a Training,
    train: &'a Samples,
    classes: usize,
    class_weights: &'a [f32],
    /// Of the members before this one.
    epochs_before: u64,
}

impl Fit<'_> {
    /// All epochs of one network, and the weights that are kept.
    fn run(
        mut self,
        seed: u64,
        summary: &mut FitSummary,
        ctx: &mut FitContext<'_>,
    ) -> Result<Weights, FitError> {
        let engine = self.engine;
        let failed = |error: EngineError| error.in_fit(engine);
        let validation = ctx.validation.filter(|samples| !samples.is_empty());
        let steps = self.batches.count as u64;
        let epochs = self.training.epochs(steps);
        let mut order: Vec<usize> = (0..self.train.len()).collect();
        let mut shuffle = ChaCha8Rng::seed_from_u64(derive_seed(seed, "shuffle"));
        let mut stopping = EarlyStopping::new(self.training.keep, self.training.patience(steps));
        let mut kept = None;
        summary.kernel = self.learner.kernel().map(str::to_owned);
        for epoch in 1..=epochs {
            order.shuffle(&mut shuffle);
            let mut metrics = self.epoch(epoch, &order, ctx)?;
            summary.steps += 1;
            summary.final_loss = Some(metrics.train_loss);
            let Some(samples) = validation else {
                ctx.emit(&FitEvent::Epoch(metrics))?;
                continue;
            };
            let validated = self.validate(epoch, samples, ctx)?;
            metrics.validation_loss = Some(validated.loss);
            metrics.validation_accuracy = Some(validated.accuracy);
            let after = stopping.observe(epoch, validated);
            if after.improved && stopping.best_epoch().is_some() {
                // Dropped first: two copies of a large dense layer are not needed.
                drop(kept.take());
                kept = Some(self.learner.weights().map_err(failed)?);
            }
            ctx.emit(&FitEvent::Epoch(metrics))?;
            if after.stop {
                summary.stopped_early |= epoch < epochs;
                break;
            }
        }
        summary.best_epoch = stopping.best_epoch();
        let weights = match kept {
            Some(weights) => weights,
            None => self.learner.weights().map_err(failed)?,
        };
        if let Some(name) = weights.not_finite() {
            return Err(FitError::Diverged(format!(
                "tensor `{name}` is not finite; try a smaller learning_rate"
            )));
        }
        Ok(weights)
    }

    /// One pass over the training data in the given order.
    fn epoch(
        &mut self,
        epoch: u64,
        order: &[usize],
        ctx: &mut FitContext<'_>,
    ) -> Result<EpochMetrics, FitError> {
        let images = self.train.images();
        let total = order.len();
        let schedule = self.training.schedule(self.batches.count as u64);
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        let mut score = Score::default();
        let mut reported = 0;
        let mut rate = 0.0;
        for batch in 0..self.batches.count {
            let range = self.batches.range(batch);
            let done = range.end;
            let indices = &order[range];
            labels.clear();
            labels.extend(indices.iter().map(|&index| self.train.labels()[index]));
            let step = (epoch - 1) * self.batches.count as u64 + batch as u64;
            rate = schedule.rate(step);
            let samples = if self.augmenter.is_empty() {
                Batch {
                    step,
                    pixels: images.pixels(),
                    labels: self.train.labels(),
                    rows: Some(indices),
                    rate,
                }
            } else {
                pixels.clear();
                for &index in indices {
                    pixels.extend_from_slice(images.get(index).unwrap_or_default());
                }
                self.augmenter
                    .apply(images.shape(), epoch, indices, &mut pixels);
                Batch {
                    step,
                    pixels: &pixels,
                    labels: &labels,
                    rows: None,
                    rate,
                }
            };
            let step = self.learner.step(&samples);
            let step = step.map_err(|error| error.in_fit(self.engine))?;
            match step.score {
                Some(known) => score += known,
                None => score.add(&step.scores, self.classes, &labels, self.class_weights),
            }
            if !score.loss_sum.is_finite() {
                return Err(FitError::Diverged(format!(
                    "the loss is not finite in epoch {epoch}, batch {} of {}; try a smaller \
                     learning_rate",
                    batch + 1,
                    self.batches.count
                )));
            }
            if done - reported >= PROGRESS_EVERY || done == total {
                reported = done;
                ctx.emit(&FitEvent::Progress {
                    samples: done as u64,
                    total: total as u64,
                })?;
            }
        }
        Ok(EpochMetrics {
            epoch: self.epochs_before + epoch,
            epochs: self.training.epochs(self.batches.count as u64) * self.training.members.0,
            train_loss: score.loss(),
            train_accuracy: score.accuracy(),
            validation_loss: None,
            validation_accuracy: None,
            learning_rate: rate,
        })
    }

    /// Scores the validation part. The last progress is reported again after each chunk, so
    /// that a cancellation need not wait for all of it.
    fn validate(
        &mut self,
        epoch: u64,
        samples: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Validation, FitError> {
        let each = samples.images().shape().pixels();
        let total = self.train.len() as u64;
        let mut score = Score::default();
        let chunks = samples.images().pixels().chunks(SCORE_CHUNK * each);
        for (pixels, labels) in chunks.zip(samples.labels().chunks(SCORE_CHUNK)) {
            let scores = self.learner.scores(pixels);
            let scores = scores.map_err(|error| error.in_fit(self.engine))?;
            score.add(&scores, self.classes, labels, self.class_weights);
            ctx.emit(&FitEvent::Progress {
                samples: total,
                total,
            })?;
        }
        if !score.loss_sum.is_finite() {
            return Err(FitError::Diverged(format!(
                "the validation loss is not finite after epoch {epoch}; try a smaller \
                 learning_rate"
            )));
        }
        Ok(Validation {
            loss: score.loss(),
            accuracy: score.accuracy(),
        })
    }
}

#[cfg(test)]
#[path = "tests/train.rs"]
mod tests;
