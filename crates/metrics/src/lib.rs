//! Pure functions from labels and probabilities to numbers and curves.
//!
//! [`Evaluation::new`] gives all headline numbers of a model at once. For curves, make
//! [`Predictions`] (labels and probabilities that belong together, checked once) and from
//! them [`OneVsRest`] (every class ranked once).
//!
//! The metrics of linfa and smartcore were rejected: linfa's precision and recall come
//! out swapped for one order of its arguments, both lack multi-class curves, and neither
//! says what happens to classes that are absent. Definitions follow scikit-learn, whose
//! numbers the tests hold these functions to; where its result is an error, NaN or a
//! silent zero, an `Option` says so.

mod confusion;
mod error;
mod evaluation;
mod polyline;
mod predictions;
mod ranking;
mod roc;
mod scoring;
mod sum;

pub use confusion::{Averages, ClassScores, ConfusionMatrix, Normalise};
pub use error::MetricsError;
pub use evaluation::{ClassEvaluation, Evaluation, Metric, TopK};
pub use predictions::Predictions;
pub use ranking::{OneVsRest, Ranking, TieGroup};
pub use roc::{Collinear, RocCurve, RocPoint};
pub use scoring::{log_loss, top_k_accuracy};
