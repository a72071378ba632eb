//! Simulated models whose true scores can be known as well as wanted.

use bakeoff_core::{Probabilities, derive_seed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How labels and probabilities are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Classes of one size, softmax of logits.
    Balanced,
    /// The largest class ten times the smallest, sizes in between in a geometric row.
    Unbalanced,
    /// Logits three times as far apart as would be right.
    Overconfident,
    /// Shares of three votes, as of three nearest neighbours: probabilities with many ties.
    Votes,
}

/// A kind of model with a skill.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    pub(crate) kind: Kind,
    pub(crate) classes: usize,
    /// What is added to the logit of the true class.
    pub(crate) skill: f64,
}

/// What fits of one recipe share of a sample: its label, and the noise of its logits.
pub(crate) struct Samples {
    pub(crate) labels: Vec<u16>,
    noise: Vec<f32>,
}

pub(crate) fn random(purpose: &str, index: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(derive_seed(20_240_229, purpose));
    random.set_stream(index);
    random
}

/// A logistic variable: its tails are those of scores of real models.
fn logistic(random: &mut ChaCha8Rng) -> f32 {
    let u: f32 = random.random_range(1e-7..1.0 - 1e-7);
    (u / (1.0 - u)).ln()
}

/// Nearly normal: the sum of twelve uniform numbers.
pub(crate) fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

impl Model {
    /// Of about this accuracy.
    pub(crate) fn with_accuracy(kind: Kind, classes: usize, accuracy: f64) -> Self {
        let (mut low, mut high) = (0.0, 40.0);
        for _ in 0..16 {
            let skill = 0.5 * (low + high);
            let model = Self {
                kind,
                classes,
                skill,
            };
            let mut random = random("skill", classes as u64);
            // A hundred errors at least.
            let count = if accuracy > 0.995 { 200_000 } else { 50_000 };
            let samples = model.samples(&mut random, count);
            let p = model.fit(&mut random, &samples, 0.0);
            let right = p
                .predicted()
                .into_iter()
                .zip(samples.labels.iter().copied());
            let right = right.filter(|(answer, label)| answer == label).count();
            if (right as f64) < accuracy * count as f64 {
                low = skill;
            } else {
                high = skill;
            }
        }
        Self {
            kind,
            classes,
            skill: 0.5 * (low + high),
        }
    }

    /// Draws samples, whatever their class.
    pub(crate) fn samples(&self, random: &mut ChaCha8Rng, count: usize) -> Samples {
        let sizes = (0..self.classes).map(|class| match self.kind {
            Kind::Unbalanced => 0.1_f64.powf(class as f64 / (self.classes - 1) as f64),
            _ => 1.0,
        });
        let mut sum = 0.0;
        let up_to: Vec<f64> = sizes
            .map(|size| {
                sum += size;
                sum
            })
            .collect();
        let label = |random: &mut ChaCha8Rng| {
            let place = sum * random.random::<f64>();
            up_to
                .partition_point(|end| *end < place)
                .min(self.classes - 1) as u16
        };
        let labels = (0..count).map(|_| label(random)).collect();
        let noise = (0..count * self.classes)
            .map(|_| logistic(random))
            .collect();
        Samples { labels, noise }
    }

    /// The probabilities of one fit; `seed` is what its seed adds to the skill.
    pub(crate) fn fit(
        &self,
        random: &mut ChaCha8Rng,
        samples: &Samples,
        seed: f64,
    ) -> Probabilities {
        let skill = (self.skill + seed) as f32;
        let rows = samples
            .noise
            .chunks_exact(self.classes)
            .zip(&samples.labels);
        let mut values = Vec::with_capacity(samples.noise.len());
        let mut logits = vec![0.0; self.classes];
        let mut draw = |row: &[f32], label: u16, logits: &mut [f32]| {
            for (logit, shared) in logits.iter_mut().zip(row) {
                *logit = shared + 0.5 * logistic(random);
            }
            logits[usize::from(label)] += skill;
        };
        for (row, &label) in rows {
            if self.kind == Kind::Votes {
                let start = values.len();
                values.resize(start + self.classes, 0.0);
                for _ in 0..3 {
                    draw(row, label, &mut logits);
                    values[start + largest(&logits)] += 1.0 / 3.0;
                }
            } else {
                draw(row, label, &mut logits);
                let scale = if self.kind == Kind::Overconfident {
                    3.0
                } else {
                    1.0
                };
                values.extend(logits.iter().map(|logit| scale * logit));
            }
        }
        let made = match self.kind {
            Kind::Votes => Probabilities::new(self.classes, values),
            _ => Probabilities::from_logits(self.classes, values),
        };
        made.unwrap_or_else(|error| panic!("votes and softmax are probabilities: {error}"))
    }
}

fn largest(logits: &[f32]) -> usize {
    let places = 0..logits.len();
    places
        .max_by(|a, b| logits[*a].total_cmp(&logits[*b]))
        .unwrap_or(0)
}
