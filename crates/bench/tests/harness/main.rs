//! The harness on a small dataset in a folder of IDX files, in this process.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

mod costs;
mod ensembles;
mod house;
mod misfits;
mod runs;
mod search;
mod trust;
