//! What a scheduler is, and what it is given.

use std::path::PathBuf;

use bakeoff_core::record::Resources;

/// A scheduler.
pub(crate) struct Scheduler {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// The most jobs of one array where it cannot be asked.
    pub(crate) most_jobs: usize,
    /// Writes one array of jobs down.
    pub(crate) write: fn(&Job<'_>) -> anyhow::Result<String>,
    /// What can be done from here.
    pub(crate) live: Option<Live>,
}

/// A scheduler whose own programs can be called from here.
pub(crate) struct Live {
    /// Asks for the most jobs of one array.
    pub(crate) most_jobs: fn() -> anyhow::Result<usize>,
    /// Submits what was written, to be started after another array, and returns its id.
    pub(crate) submit: fn(&str, Option<&str>) -> anyhow::Result<String>,
    /// The jobs of that name that have not ended.
    pub(crate) queue: fn(&str) -> anyhow::Result<Queue>,
    /// Cancels jobs by name or id.
    pub(crate) cancel: fn(&Jobs<'_>) -> anyhow::Result<()>,
}

/// Which jobs to cancel.
pub(crate) enum Jobs<'a> {
    Named(&'a str),
    Ids(&'a [String]),
}

/// Jobs that have not ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) waiting: usize,
    pub(crate) running: usize,
    /// Jobs that the scheduler holds back after it could not start them.
    pub(crate) stuck: Vec<String>,
}

/// One array of jobs with the same needs.
pub(crate) struct Job<'a> {
    /// The name of all jobs of the run: letters, digits, hyphens.
    pub(crate) name: &'a str,
    /// The number of this array, from 0.
    pub(crate) number: usize,
    /// The run's folder, absolute.
    pub(crate) run: &'a str,
    /// What one job runs, as `bakeoff trial --indices` takes it.
    pub(crate) bundles: Vec<String>,
    /// The words of the command, without its indices.
    pub(crate) command: &'a [String],
    /// What each job needs.
    pub(crate) resources: Resources,
    pub(crate) max_running: Option<usize>,
    /// Options of the person, for the scheduler.
    pub(crate) options: &'a [String],
    /// Folders that a job writes to or reads, absolute.
    pub(crate) folders: Vec<PathBuf>,
}

impl Job<'_> {
    /// Lines of a shell that run the bundle whose number a variable holds: `exec` leaves the exit
    /// code and every signal to the trial.
    pub(super) fn shell(&self, variable: &str) -> anyhow::Result<String> {
        let words = self.command.iter().map(String::as_str);
        Ok(format!(
            "set -- {}\nshift \"${variable}\"\nexec {} --indices \"$1\"\n",
            self.bundles.join(" "),
            shlex::try_join(words)?
        ))
    }
}
