//! Support vector machines: several engines behind one classifier.
//!
//! Each pair of classes has a machine of its own (*one against one*), as in LIBSVM and scikit-learn's `SVC`:
//!
//! ```text
//! min over w, b of  ½ ‖w‖² + c Σᵢ max(0, 1 − yᵢ (w·φ(xᵢ) + b))
//! ```
//!
//! where `φ(x)·φ(y) = K(x, y)` and `x` are the pixels divided by 255. All engines solve the dual of this and
//! give coefficients of the training images, most of them 0; the others are the support vectors. Every
//! engine returns the same model type, so engines differ in the cost of training and never in how they predict.
//!
//! Probabilities come from a sigmoid for each pair (`sigmoid`), fitted to what the values of
//! the training images would be without each of them (`leave_one_out`): LIBSVM's cross-validation trains six
//! times to find the same. The predicted class is the most probable one; with `decision = "votes"` it is the one that wins most
//! pairs, as in LIBSVM.
//!
//! A class without training images has probability 0.
//!
//! | module | what it does |
//! |---|---|
//! | `recipe` | the problems of all pairs, on all threads |
//! | `pair` | the problem of one pair: kernel values and values of images |
//! | `engines` | the solvers |
//! | `leave_one_out`, `sigmoid` | probabilities |
//! | `model` | answers |

mod engines;
mod leave_one_out;
mod model;
mod pair;
mod recipe;
mod settings;
mod sigmoid;
#[cfg(test)]
mod tests;

use bakeoff_core::{Family, Origin};

/// Support vector machines, for the registry.
pub static FAMILY: Family = Family {
    name: "svm",
    title: "Support vector machine",
    summary: "for each pair of classes the widest margin between them, in the space of a kernel",
    engines: engines::ENGINES,
    settings: &[settings::SvmSettings::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| false,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};
