//! Which models cannot be told from the best one.

use super::holm;

/// For each model, whether it is the best or not distinguishable from it.
///
/// The best is the one with the best score, the first among equals. `p_value(best, other)`
/// compares it with each other model; after Holm's correction, those above `alpha` are tied
/// with it. Where a comparison has no p-value (no spread to judge by), only an equal score
/// is a tie. A score of NaN is never tied.
///
/// The best is picked by the scores that it is then compared by, which favours it a little:
/// the group may be slightly too small.
pub fn tied_with_best(
    scores: &[f64],
    higher_is_better: bool,
    alpha: f64,
    mut p_value: impl FnMut(usize, usize) -> Option<f64>,
) -> Vec<bool> {
    let better = |a: f64, b: f64| if higher_is_better { a > b } else { a < b };
    let mut best: Option<usize> = None;
    for (model, &score) in scores.iter().enumerate() {
        if !score.is_nan() && best.is_none_or(|best| better(score, scores[best])) {
            best = Some(model);
        }
    }
    let mut tied = vec![false; scores.len()];
    let Some(best) = best else {
        return tied;
    };
    tied[best] = true;
    let mut compared = Vec::new();
    for (model, &score) in scores.iter().enumerate() {
        if model == best || score.is_nan() {
            continue;
        }
        match p_value(best, model) {
            Some(p) => compared.push((model, p)),
            None => tied[model] = score == scores[best],
        }
    }
    let p_values: Vec<f64> = compared.iter().map(|&(_, p)| p).collect();
    for ((model, _), p) in compared.into_iter().zip(holm(&p_values)) {
        tied[model] = p > alpha;
    }
    tied
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_corrected_for_many_comparisons() {
        let scores = [0.95, 0.97, f64::NAN, 0.96, 0.90, 0.97];
        let p = |best: usize, other: usize| {
            assert_eq!(best, 1, "the first among equals");
            [Some(0.02), None, None, Some(0.3), Some(1e-9), None][other]
        };
        // The second smallest of three p-values counts twice: 0.04.
        let tied = tied_with_best(&scores, true, 0.03, p);
        assert_eq!(tied, [true, true, false, true, false, true]);
        let tied = tied_with_best(&scores, true, 0.05, p);
        assert_eq!(tied, [false, true, false, true, false, true]);
    }

    #[test]
    fn of_losses_the_lowest_is_best() {
        let tied = tied_with_best(&[0.3, 0.1], false, 0.05, |best, other| {
            assert_eq!((best, other), (1, 0));
            Some(0.001)
        });
        assert_eq!(tied, [false, true]);
        assert_eq!(tied_with_best(&[], true, 0.05, |_, _| None), [false; 0]);
    }
}
