//! Models of other programs: the test part for them to predict on, and their predictions as records
//! beside those of the plan.
//!
//! ```text
//! <run>/external/records/<id>.json     a record as of a trial, with what is known of the model
//! <run>/external/records/<id>-<hash>.safetensors   its `probabilities`, f32 N×K
//! ```
//!
//! The plan stays as it is: it is immutable, and `--resume`, `status`, `trial` and stores go by it.
//! `RunFolder::read` adds a line to the plan in memory for each of these records, so that reports
//! know one kind of trial only. Rejected: lines in `plan.jsonl` (its hash is the run's name), and
//! records among the others (what has no line there is another plan's).

mod check;
mod import;
mod options;
mod test_set;

pub use self::{
    import::Imported,
    options::{ImportOptions, ImportedName},
    test_set::TestSet,
};
