//! One class against the rest: samples ranked by the probability of that class.
//!
//! ROC curve, area, precision-recall curve and average precision all read the same
//! ranking, so each class is sorted once. Curves are counted in integers and divided
//! at the end, which makes them exact and independent of the order of the samples; the
//! usual alternative, adding trapezoids of rates, gives neither.

use bakeoff_core::Probabilities;
use rayon::prelude::*;

use crate::Predictions;

/// The bits of 1.0. Floats of one sign are ordered as their bits are.
const ONE: u32 = 0x3f80_0000;

/// Scores of positives and negatives, highest first.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// `(ONE - bits of the score) << 1 | positive`, ascending. Scores lie in 0..=1, so
    /// this fits, and one integer sort does all.
    keys: Vec<u32>,
    positives: u64,
}

/// Samples that share one score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TieGroup {
    /// The score they share.
    pub score: f32,
    /// Positives among them.
    pub positives: u64,
    /// Negatives among them.
    pub negatives: u64,
}

impl Ranking {
    fn new(scored: impl Iterator<Item = (f32, bool)>) -> Self {
        let mut positives = 0;
        let keys: Vec<u32> = scored
            .map(|(score, positive)| {
                positives += u64::from(positive);
                key(score) << 1 | u32::from(positive)
            })
            .collect();
        Self { keys, positives }
    }

    /// Ranks all samples by the probability of `class`; its samples are the positives.
    /// Panics past the last class, as indexing does.
    pub fn of_class(predictions: &Predictions<'_>, class: usize) -> Self {
        assert!(class < predictions.classes(), "class {class}");
        let scores = predictions
            .probabilities()
            .values()
            .iter()
            .skip(class)
            .step_by(predictions.classes());
        let labels = predictions.labels().iter();
        let mut ranking = Self::new(
            scores
                .zip(labels)
                .map(|(&score, &label)| (score, usize::from(label) == class)),
        );
        ranking.keys.sort_unstable();
        ranking
    }

    /// Ranks all N×K pairs of a sample and a class by their probability; the pairs of a
    /// sample and its own class are the positives. Micro averages read this ranking.
    pub fn of_all_pairs(predictions: &Predictions<'_>) -> Self {
        let probabilities: &Probabilities = predictions.probabilities();
        let mut ranking = Self::new(probabilities.rows().zip(predictions.labels()).flat_map(
            |(row, &label)| {
                row.iter()
                    .enumerate()
                    .map(move |(class, &score)| (score, class == usize::from(label)))
            },
        ));
        // Equal keys are the same, so the order is one whatever the number of threads.
        ranking.keys.par_sort_unstable();
        ranking
    }

    /// Number of positives.
    pub fn positives(&self) -> u64 {
        self.positives
    }

    /// Number of negatives.
    pub fn negatives(&self) -> u64 {
        self.keys.len() as u64 - self.positives
    }

    /// The distinct scores from high to low, with their samples.
    pub fn groups(&self) -> impl Iterator<Item = TieGroup> + '_ {
        self.keys.chunk_by(|a, b| a >> 1 == b >> 1).map(|tied| {
            let positives = tied.iter().map(|key| u64::from(key & 1)).sum();
            TieGroup {
                score: f32::from_bits(ONE - (tied[0] >> 1)),
                positives,
                negatives: tied.len() as u64 - positives,
            }
        })
    }

    /// Area under the ROC curve: the chance that a positive scores above a negative,
    /// ties counting half. `None` without positives or without negatives.
    pub fn auc(&self) -> Option<f64> {
        // Twice the number of (positive, negative) pairs in the right order.
        let mut twice = 0_u128;
        let mut above = 0;
        for group in self.groups() {
            twice += u128::from(group.negatives) * u128::from(2 * above + group.positives);
            above += group.positives;
        }
        let pairs = u128::from(self.positives) * u128::from(self.negatives());
        (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
    }
}

/// A score in 0..=1 as an integer that falls as the score rises.
pub(crate) fn key(score: f32) -> u32 {
    // Adding zero turns -0.0, whose bits are large, into 0.0.
    ONE - (score + 0.0).to_bits()
}

/// The rankings of every class against the rest, and the areas under their ROC curves.
///
/// Macro and weighted areas go over the classes that have both positives and negatives;
/// [`OneVsRest::left_out`] names the others, which scikit-learn would turn into NaN or an
/// error. Micro areas come from [`Ranking::of_all_pairs`].
#[derive(Clone, Debug)]
pub struct OneVsRest {
    classes: Vec<Ranking>,
    micro: Ranking,
    auc: Vec<Option<f64>>,
    average_precision: Vec<Option<f64>>,
}

impl OneVsRest {
    /// Sorts each class once: O(K·N log N).
    pub fn new(predictions: &Predictions<'_>) -> Self {
        let classes: Vec<Ranking> = (0..predictions.classes())
            .into_par_iter()
            .map(|class| Ranking::of_class(predictions, class))
            .collect();
        let auc = classes.par_iter().map(Ranking::auc).collect();
        let average_precision = classes.par_iter().map(Ranking::average_precision).collect();
        Self {
            classes,
            micro: Ranking::of_all_pairs(predictions),
            auc,
            average_precision,
        }
    }

    /// The ranking of each class against the rest, K of them.
    pub fn classes(&self) -> &[Ranking] {
        &self.classes
    }

    /// The ranking of all pairs of a sample and a class.
    pub fn micro(&self) -> &Ranking {
        &self.micro
    }

    /// The area under each class's ROC curve; `None` where all samples or none are of it.
    pub fn auc(&self) -> &[Option<f64>] {
        &self.auc
    }

    /// The average precision of each class; `None` where no sample is of it.
    pub fn average_precision(&self) -> &[Option<f64>] {
        &self.average_precision
    }

    /// The classes without an area, because all samples or none are of them.
    pub fn left_out(&self) -> Vec<usize> {
        (0..self.auc.len())
            .filter(|&class| self.auc[class].is_none())
            .collect()
    }

    /// Mean area of the classes that have one; `None` where none has.
    pub fn macro_auc(&self) -> Option<f64> {
        macro_average(&self.auc)
    }

    /// Mean area weighted by the classes' samples; `None` where no class has an area.
    pub fn weighted_auc(&self) -> Option<f64> {
        weighted_average(&self.auc, &self.classes)
    }

    /// Area over all pairs of a sample and a class.
    pub fn micro_auc(&self) -> Option<f64> {
        self.micro.auc()
    }
}

/// The mean of the values that are defined.
pub(crate) fn macro_average(values: &[Option<f64>]) -> Option<f64> {
    let defined: Vec<f64> = values.iter().flatten().copied().collect();
    (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
}

/// The mean of the values that are defined, by number of positives.
pub(crate) fn weighted_average(values: &[Option<f64>], rankings: &[Ranking]) -> Option<f64> {
    let mut sum = 0.0;
    let mut weight = 0;
    for (value, ranking) in values.iter().zip(rankings) {
        if let Some(value) = value {
            sum += value * ranking.positives() as f64;
            weight += ranking.positives();
        }
    }
    (weight > 0).then(|| sum / weight as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(scored: &[(f32, bool)]) -> Ranking {
        let mut ranking = Ranking::new(scored.iter().copied());
        ranking.keys.sort_unstable();
        ranking
    }

    #[test]
    fn groups_are_distinct_scores_from_high_to_low() {
        let r = ranking(&[
            (0.0, false),
            (1.0, true),
            (-0.0, true),
            (1.0, false),
            (0.5, true),
        ]);
        let group = |score, positives, negatives| TieGroup {
            score,
            positives,
            negatives,
        };
        let groups: Vec<TieGroup> = r.groups().collect();
        assert_eq!(
            groups,
            [group(1.0, 1, 1), group(0.5, 1, 0), group(0.0, 1, 1)]
        );
    }

    #[test]
    fn an_area_needs_both_kinds() {
        assert_eq!(ranking(&[(0.3, true), (0.4, true)]).auc(), None);
        assert_eq!(ranking(&[(0.3, false)]).auc(), None);
        assert_eq!(ranking(&[(0.3, false), (0.4, true)]).auc(), Some(1.0));
        assert_eq!(ranking(&[(0.3, true), (0.4, false)]).auc(), Some(0.0));
        assert_eq!(ranking(&[(0.4, true), (0.4, false)]).auc(), Some(0.5));
    }
}
