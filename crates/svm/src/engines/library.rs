//! What the engines that are libraries share.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bakeoff_core::panic_text;

use crate::pair::{Pair, Solution};

/// Runs a library's fit; a panic becomes an error, so that one failed trial does not stop the others.
///
/// The message of a panic is still printed: only the owner of the process can change that.
pub(super) fn run(fit: impl FnOnce() -> Result<Solution, String>) -> Result<Solution, String> {
    // A panic cannot leave broken state behind: everything is dropped with the closure.
    catch_unwind(AssertUnwindSafe(fit))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", panic_text(&*panic))))
}

impl Solution {
    /// The coefficients of a library, each within its bounds to the last bit. Neither says whether it has converged.
    pub(super) fn of_library(pair: &Pair, mut coefficients: Vec<f64>, bias: f64) -> Self {
        for (image, value) in coefficients.iter_mut().enumerate() {
            let sign = pair.target(image);
            let mut size = *value * sign;
            // What rounding has left of a bound.
            if size > pair.c * (1.0 - 1e-12) {
                size = pair.c;
            } else if size < pair.c * 1e-12 {
                size = 0.0;
            }
            *value = size * sign;
        }
        Self {
            coefficients,
            bias,
            values: None,
            steps: 0,
            converged: None,
            kernel: None,
        }
    }
}
