//! Pure functions from labels and probabilities to numbers and curves.
//!
//! [`Evaluation::new`] gives all headline numbers of a model at once. For curves, make
//! [`Predictions`] (labels and probabilities that belong together, checked once) and from
//! them [`OneVsRest`] (every class ranked once). [`Influences`], [`Basis`] and
//! [`statistics`] give the uncertainty of a number; two models on the same samples are a [`Pair`], several an
//! [`Agreement`].
//!
//! ```
//! use bakeoff_core::Probabilities;
//! use bakeoff_metrics::{Evaluation, MetricsError};
//!
//! # fn main() -> Result<(), MetricsError> {
//! // Three samples of two classes; the last is of class 1 and predicted as class 0.
//! let probabilities = Probabilities::new(2, vec![0.75, 0.25, 0.25, 0.75, 0.5, 0.5])?;
//! let evaluation = Evaluation::new(&[0, 1, 1], &probabilities)?;
//! assert_eq!(evaluation.accuracy, 2.0 / 3.0);
//! assert_eq!(evaluation.macro_auc, Some(1.0));
//! assert_eq!(evaluation.confusion.count(1, 0), 1);
//! # Ok(())
//! # }
//! ```
//!
//! The metrics of linfa and smartcore were rejected: linfa swaps precision
//! and recall for one order of its arguments, both lack multi-class curves, and neither
//! documents what happens to classes that are absent. Definitions follow scikit-learn, and
//! the tests compare with its numbers; where its result is an error, NaN or a silent zero,
//! the result here is `None`.

mod agreement;
mod brier;
mod calibration;
mod confusion;
mod error;
mod evaluation;
mod fit_bound;
mod jackknife;
mod label_issues;
mod margins;
mod metric;
mod one_vs_one;
mod pair;
mod placements;
mod polyline;
mod precision_recall;
mod predictions;
mod ranking;
mod recipe;
mod robustness;
mod roc;
mod score_interval;
mod scoring;
mod spread;
pub mod statistics;
mod sum;
mod temperature;

pub use agreement::Agreement;
pub use brier::brier_score;
pub use calibration::{Binning, Reliability, ReliabilityBin, SquaredCalibration};
pub use confusion::{ConfusionMatrix, Normalise};
pub use error::MetricsError;
pub use evaluation::{ClassEvaluation, Evaluation, TopK};
pub use fit_bound::FitBound;
pub use jackknife::{Influence, Influences};
pub use label_issues::{LabelIssue, LabelIssues};
pub use margins::{Averages, ClassScores};
pub use metric::Metric;
pub use one_vs_one::OneVsOne;
pub use pair::{JointCorrectness, Pair};
pub use precision_recall::{PrecisionRecallCurve, PrecisionRecallPoint};
pub use predictions::Predictions;
pub use ranking::{OneVsRest, Ranking, TieGroup};
pub use recipe::RecipeScore;
pub use robustness::mean_corruption_error;
pub use roc::{Collinear, RocCurve, RocPoint};
pub use score_interval::{Basis, TooFew, score_interval};
pub use scoring::*;
pub use statistics::{Confidence, Interval};
pub use temperature::{Temperature, scale_temperature};
