//! Logistic regression: several engines behind one family.
//!
//! All engines minimise the same objective, that of scikit-learn's
//! `LogisticRegression` with its default `lbfgs` solver:
//!
//! ```text
//! c · Σᵢ −ln softmax(W xᵢ + b)[yᵢ]  +  ½ ‖W‖²
//! ```
//!
//! over weights `W` (classes × pixels) and biases `b` (one per class, not penalised).
//! `x` are the pixels divided by 255, with no other scaling. Standardising them was
//! rejected: published results are those of plain pixels, and this way a weight has the
//! same meaning for every pixel.
//!
//! For two classes scikit-learn fits one row of weights, `w`, the difference of the two.
//! So does every engine here: the penalty is then `½‖w‖²`, and the model holds `−w/2` and
//! `w/2`.
//!
//! The reported loss, which `tolerance` refers to, is the objective divided by
//! `c · samples`, as in scikit-learn: the mean cross-entropy in nats plus its share of the
//! penalty. A fit has converged when no component of the gradient is larger than
//! `tolerance`. The same code checks this at the end of every engine's fit, whatever the
//! library reports.
//!
//! With `class_weight = "balanced"` each sample's term is multiplied by the weight of its class
//! ([`bakeoff_core::ClassWeight`]), as in scikit-learn; the weights sum to the number of samples.
//! Only `native` has it.
//!
//! A class without training samples has no finite optimum (its bias would decrease
//! forever). It is left out of the fit and has probability zero afterwards.
//!
//! | engine | solver | `tolerance` | `max_iterations` | progress, cancelling |
//! |---|---|---|---|---|
//! | `native` | preconditioned L-BFGS, `f32` products, `f64` sums and, for a tolerance below 2e-6, `f64` throughout | as above | yes | each iteration |
//! | `linfa` | L-BFGS of `argmin`, `f64` | limits the 2-norm: as strict or stricter | yes | before and after |
//! | `smartcore` | L-BFGS, `f64` | fixed at 1e-8 of the sum: stricter | only 1000 | before and after |
//!
//! Both libraries minimise `Σ cross-entropy + ½ alpha ‖W‖²` and do not penalise the biases,
//! so `alpha = 1/c`; for two classes linfa keeps two rows, hence `alpha = 2/c`, and
//! smartcore one, hence `1/c`. Neither can be stopped or reports its iterations; running
//! them in parts was rejected, because each part forgets the curvature that the one before
//! has learned. Their `steps` are 0. They get all pixels in double precision: 376 MB for
//! MNIST. linfa in `f32` fails silently (chance accuracy on MNIST) and is not offered. In
//! `f64` its log-sum-exp is wrong where the scores of two samples are 34 apart, which
//! happens with a weak penalty; such a fit is reported as not converged.
//!
//! Every engine returns the same model type, so engines differ in the cost of training and
//! never in how they predict.

mod curvature;
mod engines;
mod kernel;
mod lbfgs;
mod model;
mod objective;
mod options;
mod problem;
mod recipe;
mod vector;

use bakeoff_core::{Family, Origin};

/// Logistic regression, for the registry.
pub static FAMILY: Family = Family {
    name: "logistic",
    title: "Logistic regression",
    summary: "a linear model of each class's log-odds with an L2 penalty: the baseline to beat",
    engines: engines::ENGINES,
    settings: &[options::Options::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| false,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};
