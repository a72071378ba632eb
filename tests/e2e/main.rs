//! The program as a person uses it: commands in, files and text out, a real browser.
//!
//! One binary, so that it is linked once and its tests can share what is slow to make
//! (`support`). A file for each purpose:
//!
//! - `directions`, `circles`, `builds`: what `ARCHITECTURE.md` promises of the source itself
//! - `run`, `steps`, `resume`, `determinism`, `survival`: experiments, whole, in pieces, and
//!   what ends them from outside
//! - `scale_out`, `exchange`: trials on many machines, with a shared folder and without
//! - `compare`: run against run, runs together, exports
//! - `command`: models that are programs
//! - `export_model`: saved models for other programs
//! - `given`: networks in ONNX files that were trained elsewhere
//! - `external`: images for other programs, and their predictions beside our models
//! - `trust`: folds, less data, calibration, corruptions
//! - `evaluate`: saved models on a person's own images
//! - `predict`, `prepare`, `data`, `usage`: the other commands, and what they say of mistakes
//! - `escapes`: names that do harm, and what is no file
//! - `browser`: the report in headless Chromium
//! - `serve`: the page and its API, over sockets and in headless Chromium

// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod browser;
mod builds;
mod circles;
#[cfg(target_os = "linux")]
mod command;
mod compare;
mod data;
mod determinism;
mod directions;
#[cfg(unix)]
mod escapes;
mod evaluate;
mod exchange;
mod export_model;
mod external;
mod given;
#[cfg(target_os = "linux")]
mod half_written;
mod mlflow;
mod predict;
mod prepare;
mod resume;
mod run;
#[cfg(unix)]
mod scale_out;
mod serve;
mod steps;
mod support;
mod survival;
mod trust;
mod usage;
