//! Predictions of another program as they stand in a file: probabilities, scores or labels of
//! samples.
//!
//! Arrays (npy, npz), tables (csv) and lists (json) come out as the same [`Answers`]; which sample and
//! which class a value is of is decided by whoever knows the test part. Parquet files are tables, where
//! the program has their reader.

mod array;
mod columns;
mod json;
mod open;
mod parquet;
mod read;
mod table;

pub use self::{
    open::{answers_file, open_answers},
    read::Answers,
};
