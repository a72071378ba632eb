//! A whole comparison in this process.

use std::path::PathBuf;

use bakeoff_bench::{Experiment, InProcess, Observer, RunFolder, Runner, plan};
use bakeoff_report::Leaderboard;

use crate::{Error, render, write_index};

/// Where a comparison leaves its files, and what it may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of runs; each comparison makes a folder of its own in it.
    pub reports: PathBuf,
    /// The folder of saved models. A model of the same name is replaced.
    pub models: PathBuf,
    /// Threads of each trial; 0 for as many as there are processors.
    pub threads: usize,
}

impl Default for Options {
    /// `reports` and `models` in the working folder, all processors.
    fn default() -> Self {
        Self {
            reports: "reports".into(),
            models: "models".into(),
            threads: 0,
        }
    }
}

/// What a comparison left behind.
#[derive(Debug)]
pub struct Comparison {
    /// The run's folder: plan, records, report.
    pub run: RunFolder,
    /// The models, ranked.
    pub leaderboard: Leaderboard,
    /// The report, one HTML file.
    pub report: PathBuf,
    /// How many trials failed; each is a row of the report with its reason.
    pub failed: usize,
}

/// Trains and measures every model of the experiment, one after the other, saves the models
/// and writes the report.
///
/// Trials run in this process: the peak of memory in a record is then the process's, and a
/// library that aborts ends the caller. `bakeoff run` gives each trial a process of its own.
///
/// # Errors
/// When the experiment does not fit its data or this build, or a folder cannot be written. A model
/// that fails is no error: see [`Comparison::failed`].
///
/// ```
/// use std::path::Path;
///
/// # let folder = tempfile::tempdir()?;
/// let experiment = bakeoff::Experiment::parse(
///     r#"
///     name = "example"
///     datasets = ["mnist"]
///     limit_train = 300
///     limit_test = 100
///     [[models]]
///     family = "knn"
///     [[models]]
///     family = "dummy"
///     "#,
///     Path::new("example.toml"),
/// )?;
/// let options = bakeoff::Options {
///     reports: folder.path().join("reports"),
///     models: folder.path().join("models"),
///     threads: 1,
/// };
/// let comparison = bakeoff::compare(&experiment, &options)?;
/// assert_eq!(comparison.leaderboard.rows[0].model, "knn");
/// assert!(comparison.report.is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compare(experiment: &Experiment, options: &Options) -> Result<Comparison, Error> {
    let run = plan(experiment, &options.reports, "bakeoff::compare", false)?;
    let mut launcher = InProcess {
        models: options.models.clone(),
        threads: options.threads,
    };
    let runner = Runner {
        run: &run,
        retry_failed: false,
    };
    let outcome = runner.run(&run.lock()?, &mut launcher, &mut Silent)?;
    let leaderboard = render(&run, Some(&options.models))?;
    write_index(&options.reports)?;
    Ok(Comparison {
        report: run.path().join("report.html"),
        failed: outcome.failed,
        leaderboard,
        run,
    })
}

struct Silent;

impl Observer for Silent {}
