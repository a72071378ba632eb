//! The recipe: settings, before training.

use bakeoff_core::{
    Classifier, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec, Samples,
    SpecError, StepUnit, derive_seed,
};
use bakeoff_kernels::{Isa, histogram::Limits};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    bins,
    gradients::{Scores, drawn},
    grow::grow,
    model::Boosted,
    settings::BoostingSettings,
};

/// More images could not be summed in 32 bits.
const MOST_IMAGES: usize = (i32::MAX / 128) as usize;

/// Boosted trees with their settings.
pub(crate) struct Recipe {
    spec: ModelSpec,
    settings: BoostingSettings,
}

impl Recipe {
    pub(crate) fn build(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
        Ok(Box::new(Self {
            spec: spec.clone(),
            settings: spec.settings()?,
        }))
    }
}

/// The logarithm of each class's share, where every class counts one image more.
fn base(train: &Samples) -> Vec<f32> {
    let mut counts = vec![1_u32; train.classes()];
    for &label in train.labels() {
        counts[usize::from(label)] += 1;
    }
    let all = (train.len() + counts.len()) as f64;
    let share = |&count: &u32| (f64::from(count) / all).ln() as f32;
    counts.iter().map(share).collect()
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
        if train.len() > MOST_IMAGES {
            let reason = format!("it can be trained on at most {MOST_IMAGES} images");
            return Err(self.spec.bad_data(&reason).into());
        }
        let settings = &self.settings;
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Tree,
            total: Some(settings.rounds as u64),
        })?;
        let pixels = bins::pixels(train, settings.bins);
        let base = base(train);
        let mut scores = Scores::new(train.labels(), &base);
        let mut model = Boosted::new(train.images().shape(), base);
        let looked_at = (settings.pixels * pixels.len() as f64).ceil() as usize;
        let mut loss = None;
        for round in 0..settings.rounds {
            let seed = derive_seed(ctx.seed, &format!("round {round}"));
            let (active, factor) = scores.rounded(seed);
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let drawn = drawn(looked_at, pixels.len(), &mut random);
            let drawn: Vec<_> = drawn.into_iter().map(|at| &pixels[at]).collect();
            let limits = Limits {
                min_count: settings.min_leaf,
                penalty: settings.l2 as f32 * factor,
            };
            let grown = grow(train.images(), &drawn, &active, limits, settings.max_depth);
            let rate = settings.learning_rate;
            let steps = scores.steps(&grown.leaves, grown.count, settings.l2, rate);
            loss = Some(scores.add(&grown.leaves, &steps));
            model.push(&grown, &steps);
            ctx.emit(&FitEvent::Iteration {
                iteration: round as u64 + 1,
                loss,
            })?;
        }
        ctx.emit(&FitEvent::Finished(FitSummary {
            steps: settings.rounds as u64,
            final_loss: loss,
            kernel: Some(Isa::detect().name().into()),
            ..FitSummary::default()
        }))?;
        Ok(Box::new(model))
    }
}
