//! Holm's correction for making many comparisons at once.

/// Adjusted p-values, in the order given: reject where one is at most α, and the chance of
/// any false rejection is at most α, whatever the dependence of the tests.
///
/// S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
/// Journal of Statistics 6 (1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        let hypotheses_left = (p_values.len() - rank) as f64;
        largest = largest.max((p_values[index] * hypotheses_left).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::holm;

    #[test]
    fn one_comparison_needs_no_correction() {
        assert_eq!(holm(&[0.04]), [0.04]);
        assert_eq!(holm(&[]), [0.0; 0]);
    }

    #[test]
    fn an_adjusted_value_is_never_below_that_of_a_smaller_one() {
        assert_eq!(holm(&[0.5, 0.25, 0.5]), [1.0, 0.75, 1.0]);
    }
}
