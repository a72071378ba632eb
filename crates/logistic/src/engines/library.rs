//! What the engines that are libraries share.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bakeoff_core::{ClassWeight, FitError, ModelSpec, SpecError, panic_text};

use crate::{options::Options, problem::Solution};

/// Refuses what neither library has.
pub(super) fn check(spec: &ModelSpec) -> Result<(), SpecError> {
    match spec.settings::<Options>()?.class_weight {
        ClassWeight::None => Ok(()),
        ClassWeight::Balanced => {
            Err(spec.unsupported("class_weight", "use engine native, or leave it at \"none\""))
        }
    }
}

/// Runs a library's fit; its errors and panics become a [`FitError`], so that one failed
/// trial does not stop the others. `fit` returns the parameters as in [`Solution`].
///
/// The message of a panic is still printed: only the owner of the process can change that.
pub(super) fn run(
    engine: &'static str,
    fit: impl FnOnce() -> Result<Vec<f64>, String>,
) -> Result<Solution, FitError> {
    // A panic cannot leave broken state behind: everything is dropped with the closure.
    catch_unwind(AssertUnwindSafe(fit))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", panic_text(&*panic))))
        .map(|parameters| Solution {
            parameters,
            // Neither library reports its iterations.
            steps: 0,
            kernel: None,
        })
        .map_err(|reason| FitError::Engine { engine, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_become_reasons() {
        let refused = run("lib", || Err("no".into()));
        assert_eq!(refused.err().unwrap().to_string(), "engine lib: no");
        let fallen = run("lib", || panic!("index {}", 3));
        let text = fallen.err().unwrap().to_string();
        assert_eq!(text, "engine lib: panicked: index 3");
    }
}
