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

mod agreement;
mod bootstrap;
mod brier;
mod calibration;
mod chance;
mod confusion;
mod error;
mod evaluation;
mod metric;
mod one_vs_one;
mod pair;
mod placements;
mod polyline;
mod precision_recall;
mod predictions;
mod ranking;
mod roc;
mod scoring;
pub mod statistics;
mod sum;
mod temperature;

pub use agreement::Agreement;
pub use bootstrap::{Bootstrap, Bootstrapped, Resampled};
pub use brier::{BrierDecomposition, brier_score};
pub use calibration::{Binning, Reliability, ReliabilityBin};
pub use confusion::{Averages, ClassScores, ConfusionMatrix, Normalise};
pub use error::MetricsError;
pub use evaluation::{ClassEvaluation, Evaluation, TopK};
pub use metric::Metric;
pub use one_vs_one::{ClassPair, OneVsOne};
pub use pair::{JointCorrectness, Pair};
pub use precision_recall::{PrecisionRecallCurve, PrecisionRecallPoint};
pub use predictions::Predictions;
pub use ranking::{OneVsRest, Ranking, TieGroup};
pub use roc::{Collinear, RocCurve, RocPoint};
pub use scoring::{log_loss, top_k_accuracy};
pub use statistics::{Confidence, Interval};
pub use temperature::{Temperature, scale_temperature};
