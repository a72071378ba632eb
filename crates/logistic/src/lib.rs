//! Logistic regression: engines behind one classifier.
//!
//! All engines minimise the same objective, that of scikit-learn's
//! `LogisticRegression` with its default `lbfgs` solver:
//!
//! ```text
//! c · Σᵢ −ln softmax(W xᵢ + b)[yᵢ]  +  ½ ‖W‖²
//! ```
//!
//! over weights `W` (classes × pixels) and biases `b` (one per class, not penalised).
//! `x` are the pixels divided by 255 and nothing else: standardising them was
//! rejected, because the figures that people compare with are those of plain pixels,
//! and because a weight then means the same for every pixel.
//!
//! Of two classes scikit-learn fits one row of weights, `w`, the difference of the
//! two. So does every engine here: the penalty is then `½‖w‖²`, and the model holds
//! `−w/2` and `w/2`.
//!
//! What is reported as loss and measured by `tolerance` is the objective divided by
//! `c · samples`, as scikit-learn does: the mean cross-entropy in nats plus the
//! penalty's share. A fit has converged when no component of its gradient is larger
//! than `tolerance`. For every engine this is measured where it ended, by the same
//! code; no library's word is taken for it.
//!
//! A class without training samples has no finite optimum (its bias would fall for
//! ever). It is left out of the fit and has probability zero afterwards.
//!
//! | engine | solver | `tolerance` | `max_iterations` | progress, cancelling |
//! |---|---|---|---|---|
//! | `native` | preconditioned L-BFGS, `f32` products, `f64` sums and, for a tolerance below 2e-6, `f64` throughout | as above | yes | each iteration |
//! | `linfa` | L-BFGS of `argmin`, `f64` | bounds the 2-norm: as strict or stricter | yes | before and after |
//! | `smartcore` | L-BFGS, `f64` | fixed at 1e-8 of the sum: stricter | only 1000 | before and after |
//!
//! Both libraries minimise `Σ cross-entropy + ½ alpha ‖W‖²` and leave the biases out
//! of the penalty, so `alpha = 1/c`; for two classes linfa keeps two rows, hence
//! `alpha = 2/c`, and smartcore one, hence `1/c`. Neither can be stopped, or tells how
//! many iterations it took; running them in pieces was rejected, because each piece
//! forgets the curvature that the one before has learned. Their `steps` are 0. They
//! are given all pixels in double precision: 376 MB for MNIST. linfa in `f32` fails
//! silently (accuracy of chance on MNIST) and is not offered; in `f64` its
//! log-sum-exp goes wrong where scores of two samples are 34 apart, which happens
//! where the penalty is weak, and the fit is then reported as not converged.
//!
//! Every engine returns the same [`SoftmaxModel`], so engines differ in what training
//! costs, never in how an answer is computed.

mod curvature;
mod kernel;
mod lbfgs;
mod library;
mod linfa;
mod model;
mod native;
mod objective;
mod problem;
mod recipe;
mod smartcore;
mod vector;

pub use model::SoftmaxModel;
pub use recipe::{FAMILY, LogisticRegression};
