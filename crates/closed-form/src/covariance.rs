//! Covariances from exact sums, and what is solved with them.

use bakeoff_core::{FitError, SettingKind};
use linfa_linalg::{
    LinalgError,
    cholesky::{CholeskyInplace, SolveCInplace},
    triangular::{SolveTriangularInplace, UPLO},
};
use ndarray::Array2;

use crate::PIXEL_SCALE;

/// What a covariance may be shrunk by.
pub(crate) const SHARE: SettingKind = SettingKind::Float { min: 0.0, max: 1.0 };

/// Sums of products of a class's bytes, less what its mean gives: columns × columns, of pixels divided by 255.
pub(crate) fn scatter(products: &[u64], sums: &[u64], count: usize) -> Array2<f64> {
    let pixels = sums.len();
    let scale = PIXEL_SCALE * PIXEL_SCALE / count as f64;
    Array2::from_shape_fn((pixels, pixels), |(row, column)| {
        // In whole numbers: the difference of two large sums would lose digits.
        let all = i128::from(products[row * pixels + column]) * count as i128;
        let of_mean = i128::from(sums[row]) * i128::from(sums[column]);
        (all - of_mean) as f64 * scale
    })
}

/// The variance of what rounding to a byte leaves out, for pixels divided by 255.
pub(crate) const ROUNDING: f64 = PIXEL_SCALE * PIXEL_SCALE / 12.0;

/// `(1 − share) · covariance + share · (its mean variance) · 1`. A variance is at least that of rounding: images of
/// a class that are all the same are known no better.
pub(crate) fn shrunk(mut covariance: Array2<f64>, share: f64) -> Array2<f64> {
    let variance = covariance.diag().mean().unwrap_or_default().max(ROUNDING);
    covariance *= 1.0 - share;
    covariance
        .diag_mut()
        .mapv_inplace(|value| value + share * variance);
    covariance
}

/// The lower triangle L of a symmetric matrix `L Lᵀ`.
///
/// # Errors
/// [`FitError::Diverged`] with the remedy, if the matrix is singular.
pub(crate) fn factor(matrix: Array2<f64>) -> Result<Array2<f64>, FitError> {
    matrix.cholesky_into().map_err(|error| singular(&error))
}

/// The solution of `matrix · x = columns`, for a symmetric matrix.
///
/// # Errors
/// As [`factor`].
pub(crate) fn solve(
    mut matrix: Array2<f64>,
    columns: Array2<f64>,
) -> Result<Array2<f64>, FitError> {
    matrix
        .solvec_into(columns)
        .map_err(|error| singular(&error))
}

/// The inverse of a lower triangle.
///
/// # Errors
/// As [`factor`].
pub(crate) fn inverse_factor(factor: &Array2<f64>) -> Result<Array2<f64>, FitError> {
    let one = Array2::eye(factor.nrows());
    factor
        .solve_triangular_into(one, UPLO::Lower)
        .map_err(|error| singular(&error))
}

fn singular(error: &LinalgError) -> FitError {
    FitError::Diverged(format!(
        "the covariance is singular (pixels that never vary, or fewer images than pixels); a larger \
         `shrinkage` makes it regular ({error})"
    ))
}
