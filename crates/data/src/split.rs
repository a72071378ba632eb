//! Holding a part out, cutting into folds and taking subsets: seeded, stratified by
//! class, in the order of the original.
//!
//! Order is kept because a model that shuffles does so with its own seed, and because
//! a subset in order reads memory forwards. Subsets are lists of indices; the images are
//! copied once, at the end.
//!
//! Rejected: plain random subsets. At the sizes of a quick comparison, in half of them some
//! class has a third too few samples, and the difference between two models is then the
//! difference between two draws.

use bakeoff_core::{Samples, derive_seed};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Two parts of a whole; every sample is in exactly one.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// What a model learns from.
    pub train: Samples,
    /// What was held out, to choose settings by.
    pub held_out: Samples,
}

/// Holds `fraction` of `train` out, stratified by class.
///
/// Classes share the whole number nearest to `fraction × len` by largest remainder
/// (Hare's method). While `fraction` is above 0, a class of two or more samples keeps
/// at least one on each side, and a class of one sample stays in the training part;
/// no other class pays for that, so that the sum may then differ.
/// A fraction outside 0 to 1 counts as the nearer end; NaN holds nothing out.
pub fn hold_out(train: Samples, fraction: f64, seed: u64) -> Split {
    let indices = hold_out_indices(&train, fraction, seed);
    take_out(train, &indices)
}

/// The indices of the samples that [`hold_out`] holds out, ascending.
pub fn hold_out_indices(samples: &Samples, fraction: f64, seed: u64) -> Vec<usize> {
    let shares = shares(&samples.class_counts(), fraction);
    let ranks = ranks(samples, derive_seed(seed, "hold out"));
    let labels = samples.labels().iter().zip(&ranks).enumerate();
    labels
        .filter(|&(_, (&label, &rank))| rank < shares[usize::from(label)])
        .map(|(index, _)| index)
        .collect()
}

/// The indices of the samples in one of `folds` parts, ascending; `fold` counts from 0.
/// There are none in a fold past the last.
///
/// The folds of one seed are disjoint and make up the whole. Their sizes differ by one at
/// most, and so do their shares of every class: the classes, each shuffled, are dealt out
/// one after the other without a new start.
pub fn fold_indices(samples: &Samples, fold: usize, folds: usize, seed: u64) -> Vec<usize> {
    let ranks = ranks(samples, derive_seed(seed, "folds"));
    let mut before = 0;
    let starts: Vec<usize> = samples
        .class_counts()
        .iter()
        .map(|count| {
            let start = before;
            before += count;
            start
        })
        .collect();
    let labels = samples.labels().iter().zip(&ranks).enumerate();
    labels
        .filter(|&(_, (&label, &rank))| {
            (starts[usize::from(label)] + rank).checked_rem(folds) == Some(fold)
        })
        .map(|(index, _)| index)
        .collect()
}

/// Two parts: the samples at `indices`, which ascend, held out, and all others. Images that nobody
/// else holds are not copied, so that the two parts take hardly more memory than the whole.
pub fn take_out(samples: Samples, indices: &[usize]) -> Split {
    if indices.is_empty() {
        let held_out = samples.select(&[]);
        return Split {
            train: samples,
            held_out,
        };
    }
    let held_out = samples.select(indices);
    Split {
        train: samples.without(indices),
        held_out,
    }
}

/// A subset of `count` samples, stratified by class; all of them where there are no more.
///
/// Subsets of one seed are nested: a smaller one is part of every larger one. With largest
/// remainders they would not be (in a larger subset a class can have fewer samples, the
/// Alabama paradox), so the counts follow Webster's method, which is a fixed order of the
/// samples. Every class that occurs is there once before any is there twice.
pub fn limit(samples: Samples, count: usize, seed: u64) -> Samples {
    if count >= samples.len() {
        return samples;
    }
    let counts = samples.class_counts();
    let ranks = ranks(&samples, derive_seed(seed, "limit"));
    // The sample of rank r in a class of n comes when (r + 1/2) / n is reached.
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let class = |index: usize| usize::from(samples.labels()[index]);
    order.sort_unstable_by(|&a, &b| {
        let due = |index: usize, other: usize| {
            (2 * ranks[index] as u128 + 1) * counts[class(other)] as u128
        };
        (ranks[a] > 0)
            .cmp(&(ranks[b] > 0))
            .then_with(|| due(a, b).cmp(&due(b, a)))
            .then_with(|| class(a).cmp(&class(b)))
    });
    order.truncate(count);
    order.sort_unstable();
    samples.select(&order)
}

/// The position of each sample in a seeded random order of its own class.
fn ranks(samples: &Samples, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut members: Vec<Vec<usize>> = samples
        .class_counts()
        .into_iter()
        .map(Vec::with_capacity)
        .collect();
    for (index, &label) in samples.labels().iter().enumerate() {
        members[usize::from(label)].push(index);
    }
    let mut ranks = vec![0; samples.len()];
    for class in &mut members {
        class.shuffle(&mut rng);
        for (rank, &index) in class.iter().enumerate() {
            ranks[index] = rank;
        }
    }
    ranks
}

/// How many of each class are held out.
fn shares(counts: &[usize], fraction: f64) -> Vec<usize> {
    if fraction.is_nan() || fraction <= 0.0 {
        return vec![0; counts.len()];
    }
    let fraction = fraction.min(1.0);
    let total: usize = counts.iter().sum();
    let quotas: Vec<f64> = counts
        .iter()
        .map(|&count| fraction * count as f64)
        .collect();
    let mut shares: Vec<usize> = quotas.iter().map(|quota| quota.floor() as usize).collect();
    let target = (fraction * total as f64).round() as usize;
    let left = target.saturating_sub(shares.iter().sum());
    let mut order: Vec<usize> = (0..counts.len()).collect();
    // A stable sort: of equal remainders, the first class is served first.
    order.sort_by(|&a, &b| quotas[b].fract().total_cmp(&quotas[a].fract()));
    for &class in order.iter().take(left) {
        shares[class] += 1;
    }
    for (share, &count) in shares.iter_mut().zip(counts) {
        *share = match count {
            0 | 1 => 0,
            count => (*share).clamp(1, count - 1),
        };
    }
    shares
}

#[cfg(test)]
mod tests;
