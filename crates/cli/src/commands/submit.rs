//! `bakeoff submit`: the missing trials of a run as jobs of a scheduler.
//!
//! What is missing is decided by the records alone, so that it can be called again at any time,
//! after whatever happened to the jobs before.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use bakeoff_bench::{RunFolder, is_address};
use bakeoff_core::{
    quoted,
    record::{PlannedTrial, Resources},
};
use bakeoff_measures::format;
use bakeoff_report::terminal::Lines;
use sha2::{Digest as _, Sha256};

use super::status::Counts;
use crate::{
    args::SubmitArgs,
    indices::Indices,
    schedulers::{Job, Jobs, Live, SCHEDULERS, Scheduler},
    text,
};

pub(crate) fn main(args: &SubmitArgs) -> anyhow::Result<ExitCode> {
    let scheduler = SCHEDULERS.into_iter().find(|row| row.name == args.on);
    let scheduler = scheduler.context("there is no such scheduler")?;
    if is_address(&args.run.to_string_lossy()) {
        bail!(
            "{} is a store: a job of a scheduler is `bakeoff trial` with this address and --index \
             or --indices, and `bakeoff submit` writes jobs for a run's folder alone",
            args.run.display()
        );
    }
    let run = RunFolder::open(&absolute(&args.run)?)?;
    let submission = Submission::new(args, &scheduler, &run)?;
    if args.print {
        let counts = Counts::of(&run)?;
        return submission.print(&counts).map(|()| ExitCode::SUCCESS);
    }
    let Some(live) = &scheduler.live else {
        bail!(
            "bakeoff writes jobs of {0} down and does not submit them: add --print",
            scheduler.name
        );
    };
    if args.cancel {
        (live.cancel)(&Jobs::Named(&submission.name))?;
        text::print_line(format_args!("Cancelled the jobs {}.", submission.name))?;
        return Ok(ExitCode::SUCCESS);
    }
    let queue = (live.queue)(&submission.name)?;
    let queued = queue.waiting + queue.running + queue.stuck.len();
    if queued == 0 {
        submission.submit(live, &Counts::of(&run)?)?;
    } else if !args.follow {
        bail!(
            "{} of this run {} in the queue ({}): wait for them with --follow, or --cancel them",
            format::counted(queued as u64, "job", "jobs"),
            if queued == 1 { "is" } else { "are" },
            submission.name
        );
    }
    if args.follow {
        return submission.follow(live);
    }
    Ok(ExitCode::SUCCESS)
}

/// Other machines have another working folder.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot use {}", path.display()))
}

/// A run that is submitted.
struct Submission<'a> {
    args: &'a SubmitArgs,
    scheduler: &'a Scheduler,
    run: &'a RunFolder,
    /// Of all jobs of the run.
    name: String,
    /// The run's folder and that of models.
    folders: [PathBuf; 2],
}

impl<'a> Submission<'a> {
    fn new(
        args: &'a SubmitArgs,
        scheduler: &'a Scheduler,
        run: &'a RunFolder,
    ) -> anyhow::Result<Self> {
        // The folder is part of the name: two folders of runs may have runs of one name.
        let folder = run.path().to_string_lossy();
        let digest = Sha256::digest(folder.as_bytes());
        let name: String = digest[..5]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            args,
            scheduler,
            run,
            name: format!("bakeoff-{name}"),
            folders: [run.path().to_owned(), absolute(&args.models_dir)?],
        })
    }

    /// What is missing as arrays of jobs: those with the same needs together, and none with more
    /// jobs than the scheduler takes.
    fn jobs(
        &self,
        missing: impl Iterator<Item = &'a PlannedTrial>,
        most_jobs: usize,
    ) -> anyhow::Result<Vec<String>> {
        let args = self.args;
        let mut classes: BTreeMap<Resources, Vec<usize>> = BTreeMap::new();
        for trial in missing {
            let mut needs = trial.resources.unwrap_or(Resources {
                threads: 1,
                memory_mb: 1000,
                expected_seconds: trial.time_limit_seconds,
            });
            needs.threads = args.threads.unwrap_or(needs.threads);
            classes.entry(needs).or_default().push(trial.index);
        }
        let [run, models] = self.folders.each_ref().map(|path| path.to_string_lossy());
        let program = std::env::current_exe().context("cannot find the bakeoff program itself")?;
        let mut scripts = Vec::new();
        for (needs, places) in classes {
            let command: Vec<String> = [
                &program.to_string_lossy(),
                "trial",
                &run,
                "--threads",
                &needs.threads.to_string(),
                "--models-dir",
                &models,
            ]
            .map(str::to_owned)
            .into();
            let bundles: Vec<String> = places
                .chunks(args.bundle)
                .map(|places| Indices(places.iter().copied().collect()).to_string())
                .collect();
            for bundles in bundles.chunks(most_jobs) {
                let longest = args.bundle.min(places.len()) as u64;
                let job = Job {
                    name: &self.name,
                    number: scripts.len(),
                    run: &run,
                    bundles: bundles.to_vec(),
                    command: &command,
                    resources: Resources {
                        expected_seconds: needs.expected_seconds.map(|each| each * longest),
                        ..needs
                    },
                    max_running: args.max_running,
                    options: &args.option,
                    folders: self.folders.to_vec(),
                };
                scripts.push((self.scheduler.write)(&job)?);
            }
        }
        Ok(scripts)
    }

    fn print(&self, counts: &Counts) -> anyhow::Result<()> {
        let most = self.args.max_array_size.unwrap_or(self.scheduler.most_jobs);
        let scripts = self.jobs(counts.missing(), most)?;
        if scripts.is_empty() {
            text::note("Nothing is missing.");
        }
        text::print_exact(scripts.concat().as_bytes())
    }

    fn submit(&self, live: &Live, counts: &Counts) -> anyhow::Result<()> {
        let most = match self.args.max_array_size {
            Some(most) => most,
            None => (live.most_jobs)()?,
        };
        let scripts = self.jobs(counts.missing(), most)?;
        if scripts.is_empty() {
            return text::print_line("Nothing is missing.");
        }
        let logs = self.run.path().join(self.scheduler.name);
        std::fs::create_dir_all(&logs)
            .with_context(|| format!("cannot write {}", logs.display()))?;
        let mut ids: Vec<String> = Vec::new();
        for script in &scripts {
            // A limit is one array's: several of them wait for each other.
            let after = ids.last().filter(|_| self.args.max_running.is_some());
            let id = (live.submit)(script, after.map(String::as_str))?;
            ids.push(id);
        }
        let run = quoted(&self.args.run.to_string_lossy());
        let mut out = Lines::new();
        out.line(format_args!(
            "Submitted {} as {} ({}), named {}.",
            format::counted(counts.missing().count() as u64, "trial", "trials"),
            format::counted(ids.len() as u64, "job array", "job arrays"),
            ids.join(", "),
            self.name,
        ));
        out.line(format_args!(
            "See `bakeoff status {run}`; wait with `bakeoff submit {run} --on {} --follow`.",
            self.scheduler.name,
        ));
        text::print(&out)
    }

    /// Waits until the queue has no job of the run, and submits again what is missing then.
    fn follow(&self, live: &Live) -> anyhow::Result<ExitCode> {
        let mut retries = self.args.retries;
        let mut said = String::new();
        loop {
            let queue = match (live.queue)(&self.name) {
                Ok(queue) => queue,
                Err(error) => {
                    // A scheduler that starts again keeps its jobs.
                    text::error(format_args!("note: {}", text::chain(&error)));
                    self.pause();
                    continue;
                }
            };
            if !queue.stuck.is_empty() {
                text::note(format_args!(
                    "note: {} could not be started and would be held for ever; cancelled, to be \
                     submitted again",
                    format::counted(queue.stuck.len() as u64, "job", "jobs")
                ));
                (live.cancel)(&Jobs::Ids(&queue.stuck))?;
            }
            let counts = Counts::of(self.run)?;
            let line = format!(
                "{}; {} jobs wait, {} run",
                counts.line(),
                format::count(queue.waiting as u64),
                format::count(queue.running as u64)
            );
            if line != said {
                text::report_line(&line);
                said = line;
            }
            if queue.waiting + queue.running == 0 && queue.stuck.is_empty() {
                if counts.missing().next().is_none() || retries == 0 {
                    let run = quoted(&self.args.run.to_string_lossy());
                    text::report_line(format_args!(
                        "Write the report with `bakeoff report {run}`."
                    ));
                    return Ok(counts.exit_code());
                }
                retries -= 1;
                self.submit(live, &counts)?;
            }
            self.pause();
        }
    }

    fn pause(&self) {
        std::thread::sleep(Duration::from_secs(self.args.poll));
    }
}
