//! One number for the robustness of a model to corrupted images.

/// The mean corruption error: for every corruption the errors of a model over those of a
/// baseline model, and the mean of these ratios. 1 is as good as the baseline, less is
/// better.
///
/// Errors are divided first, so that no corruption decides alone because it is hard for
/// every model. Errors are shares of wrong predictions, each the mean over the severities of one corruption. A
/// corruption under which the baseline makes no error is left out; `None` where none is
/// left, or where the two are of different numbers of corruptions.
///
/// D. Hendrycks and T. Dietterich, "Benchmarking neural network robustness to common
/// corruptions and perturbations", ICLR 2019 (there in per cent, the baseline AlexNet).
pub fn mean_corruption_error(model: &[f64], baseline: &[f64]) -> Option<f64> {
    if model.len() != baseline.len() {
        return None;
    }
    let ratios: Vec<f64> = model
        .iter()
        .zip(baseline)
        .filter(|(_, baseline)| **baseline > 0.0)
        .map(|(model, baseline)| model / baseline)
        .collect();
    (!ratios.is_empty()).then(|| ratios.iter().sum::<f64>() / ratios.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_corruption_counts_the_same() {
        // In quarters, which are exact: half the errors and one and a half times as many.
        assert_eq!(mean_corruption_error(&[0.25, 0.75], &[0.5, 0.5]), Some(1.0));
        assert_eq!(mean_corruption_error(&[0.3; 4], &[0.3; 4]), Some(1.0));
    }

    #[test]
    fn what_the_baseline_never_gets_wrong_is_left_out() {
        assert_eq!(mean_corruption_error(&[0.1, 0.2], &[0.0, 0.4]), Some(0.5));
        assert_eq!(mean_corruption_error(&[0.1], &[0.0]), None);
        assert_eq!(mean_corruption_error(&[], &[]), None);
        assert_eq!(mean_corruption_error(&[0.1, 0.2], &[0.1]), None);
    }
}
