//! One table of every number that a person is shown of a result.
//!
//! A [`Measure`] is a row: its id in files, its label, its [`Unit`] (how it is written),
//! which direction is better, where it is shown, and the function that takes its value from
//! a result. The terminal, the report page, Markdown, LaTeX and the index of runs all read
//! this table, so that the same number is written the same everywhere. JSON and CSV files
//! keep raw numbers, in base units.
//!
//! To show a new score, add its function to `bakeoff_metrics` and a row here.
//!
//! ```
//! use bakeoff_measures::{FIT_TIME, MACRO_AUC, format};
//!
//! assert_eq!(MACRO_AUC.write(0.993, 10_000), "0.99300");
//! assert_eq!(FIT_TIME.write(1.436, 10_000), "1.44\u{a0}s");
//! assert_eq!(format::bytes(63_100), "63.1\u{a0}kB");
//! ```
//!
//! Rejected: a formatter in each view (views then disagree: `1.4 s` and `1.44 s`); labels
//! in the metrics crate (costs are measures too, and have no metric).

pub mod format;
mod table;
pub mod timing;
mod unit;
mod values;

pub use table::*;
pub use unit::Unit;
pub use values::Values;
