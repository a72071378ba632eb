//! What the engines that are libraries share.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bakeoff_core::FitError;

use crate::problem::Solution;

/// Runs a library, and turns its errors and its panics into a reason: a trial that
/// fails is a row, and must not stop the others. The panic's message is printed all
/// the same; only whoever owns the process can change that.
pub(crate) fn guarded(
    engine: &'static str,
    fit: impl FnOnce() -> Result<Solution, String>,
) -> Result<Solution, FitError> {
    // What a panic leaves half done is dropped with the closure.
    catch_unwind(AssertUnwindSafe(fit))
        .unwrap_or_else(|panic| {
            let text = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            Err(format!("panicked: {}", text.unwrap_or("without a reason")))
        })
        .map_err(|reason| FitError::Engine { engine, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_become_reasons() {
        let refused = guarded("lib", || Err("no".into()));
        assert_eq!(refused.err().unwrap().to_string(), "engine lib: no");
        let fallen = guarded("lib", || panic!("index {}", 3));
        let text = fallen.err().unwrap().to_string();
        assert_eq!(text, "engine lib: panicked: index 3");
    }
}
