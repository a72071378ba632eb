//! Which models to average: ensemble selection (Caruana, Niculescu-Mizil, Crew and Ksikes 2004, section 2).
//!
//! The model whose probabilities make the average better on held-out images is added, again and again, with
//! replacement; how often it was added is its weight. Of all averages on the way the best one is taken, and
//! among equals the earliest, which has the fewest models. So an ensemble is never worse on these images
//! than the best single model. Rejected: weights by gradient descent, which on a few
//! thousand images fit them too well; selection without replacement, which cannot weigh.

/// The weight of each model, by place: how often it was added in at most `most_added` steps. Of each model
/// there are the N×K class probabilities of the held-out images, row after row. All weights are zero if no model
/// has a row of `classes` probabilities for each label. Models come in the order of preference: among equals
/// the earlier is added.
pub fn select(models: &[&[f32]], labels: &[u16], classes: usize, most_added: usize) -> Vec<usize> {
    let mut counts = vec![0; models.len()];
    let is_known = labels.iter().all(|&label| usize::from(label) < classes);
    if labels.is_empty() || !is_known {
        return counts;
    }
    let mut best = counts.clone();
    let mut best_score = None;
    let mut sum = vec![0.0_f64; labels.len() * classes];
    for _ in 0..most_added {
        let mut step: Option<(usize, Score)> = None;
        for (place, own) in models.iter().enumerate() {
            if own.len() != sum.len() {
                continue;
            }
            let score = Score::of(&sum, own, labels, classes);
            if step.is_none_or(|(_, step)| score.is_better(step)) {
                step = Some((place, score));
            }
        }
        let Some((place, score)) = step else {
            break;
        };
        counts[place] += 1;
        for (sum, &added) in sum.iter_mut().zip(models[place]) {
            *sum += f64::from(added);
        }
        if best_score.is_none_or(|best| score.is_better(best)) {
            (best, best_score) = (counts.clone(), Some(score));
        }
    }
    best
}

/// Correct predictions, and among equals the lower log loss, as the search ranks recipes.
#[derive(Clone, Copy)]
struct Score {
    correct: usize,
    log_loss: f64,
}

impl Score {
    /// The score of a sum of probabilities with one more model.
    fn of(sum: &[f64], added: &[f32], labels: &[u16], classes: usize) -> Self {
        let mut score = Self {
            correct: 0,
            log_loss: 0.0,
        };
        let rows = sum.chunks_exact(classes).zip(added.chunks_exact(classes));
        for ((sum, added), &label) in rows.zip(labels) {
            let (mut top, mut total, mut own) = ((0, f64::NEG_INFINITY), 0.0, 0.0);
            for (class, (&sum, &added)) in sum.iter().zip(added).enumerate() {
                let value = sum + f64::from(added);
                total += value;
                // Among equals the lowest class, as everywhere.
                if value > top.1 {
                    top = (class, value);
                }
                if class == usize::from(label) {
                    own = value;
                }
            }
            score.correct += usize::from(top.0 == usize::from(label));
            // Clipped as the log loss of a report.
            score.log_loss -= (own / total).max(f64::EPSILON).ln();
        }
        score
    }

    fn is_better(self, other: Self) -> bool {
        self.correct > other.correct
            || (self.correct == other.correct && self.log_loss < other.log_loss)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each is wrong about one image and sure of the other two.
    const FIRST: &[f32] = &[0.4, 0.6, 0.9, 0.1, 0.1, 0.9];
    const SECOND: &[f32] = &[0.9, 0.1, 0.4, 0.6, 0.1, 0.9];
    const POOR: &[f32] = &[0.1, 0.9, 0.1, 0.9, 0.9, 0.1];
    const LABELS: &[u16] = &[0, 0, 1];

    #[test]
    fn models_that_err_on_different_images_are_averaged() {
        let models = [FIRST, POOR, SECOND];
        assert_eq!(select(&models, LABELS, 2, 2), [1, 0, 1]);
        // More steps change nothing: the earliest of the best averages is taken.
        assert_eq!(select(&models, LABELS, 2, 12), [1, 0, 1]);
    }

    #[test]
    fn a_model_that_is_better_by_much_gets_the_larger_weight() {
        // The second is right about the second image alone, and only two of the first outvote its errors.
        let first = [0.8, 0.2, 0.45, 0.55, 0.8, 0.2];
        let second = [0.15, 0.85, 0.65, 0.35, 0.15, 0.85];
        assert_eq!(select(&[&first, &second], &[0, 0, 0], 2, 3), [2, 1]);
    }

    #[test]
    fn what_does_not_fit_the_labels_is_not_used() {
        let models = [&FIRST[..4], SECOND];
        assert_eq!(select(&models, LABELS, 2, 1), [0, 1]);
        assert_eq!(select(&models, &[0, 0, 2], 2, 1), [0, 0]);
        assert_eq!(select(&models, &[], 2, 1), [0, 0]);
    }

    /// The score of the average with these weights.
    fn score(models: &[&[f32]], counts: &[usize], labels: &[u16]) -> Score {
        let mut sum = vec![0.0; models[0].len()];
        for (own, &count) in models.iter().zip(counts) {
            for (sum, &added) in sum.iter_mut().zip(*own) {
                *sum += count as f64 * f64::from(added);
            }
        }
        Score::of(&sum, &vec![0.0; models[0].len()], labels, 3)
    }

    proptest! {
        #[test]
        fn an_ensemble_has_no_more_errors_than_its_best_model(
            rows in prop::collection::vec(prop::collection::vec(0.01_f32..1.0, 30), 1..5),
            labels in prop::collection::vec(0_u16..3, 10),
        ) {
            let rows: Vec<Vec<f32>> = rows.iter().map(|row| {
                let share = |p: &[f32]| -> Vec<f32> { p.iter().map(|v| v / p.iter().sum::<f32>()).collect() };
                row.chunks(3).flat_map(share).collect()
            }).collect();
            let models: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let counts = select(&models, &labels, 3, 10);
            let added: usize = counts.iter().sum();
            prop_assert!((1..=10).contains(&added));
            let own = score(&models, &counts, &labels);
            for place in 0..models.len() {
                let mut alone = vec![0; models.len()];
                alone[place] = 1;
                prop_assert!(own.correct >= score(&models, &alone, &labels).correct);
            }
        }
    }
}
