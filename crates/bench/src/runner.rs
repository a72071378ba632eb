//! All trials of a run, one after the other.

use std::{
    io::{BufRead as _, BufReader, Read},
    ops::ControlFlow,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use bakeoff_core::{
    StoreError,
    record::{Outcome, PlannedTrial, Record, Stage},
};

use crate::{
    error::BenchError,
    event::{OnEvent, TrialEvent},
    run_folder::RunFolder,
    trial::{TrialEnd, TrialOptions, finish, run_trial},
};

/// Gets the events of a run: draws bars, prints lines, or does nothing, as without methods.
pub trait Observer: Send {
    /// A trial begins.
    fn started(&mut self, trial: &PlannedTrial) {
        let _ = trial;
    }
    /// Something happened in it; `Break` cancels it and the run.
    fn event(&mut self, trial: &PlannedTrial, event: &TrialEvent) -> ControlFlow<()> {
        let _ = (trial, event);
        ControlFlow::Continue(())
    }
    /// It ended.
    fn ended(&mut self, trial: &PlannedTrial, end: &TrialEnd) {
        let _ = (trial, end);
    }
    /// A damaged record was put aside, and its trial runs again.
    fn set_aside(&mut self, trial: &PlannedTrial, reason: &str) {
        let _ = (trial, reason);
    }
}

/// How a trial is run: here, or in a process of its own.
pub trait Launcher {
    /// Runs it until it has left a record or was cancelled.
    ///
    /// # Errors
    /// When the run's folder cannot be read or written. A trial that fails is no error.
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<TrialEnd, BenchError>;
}

/// Trials in this process: for tests, and for programs that embed the harness.
#[derive(Clone, Debug)]
pub struct InProcess {
    /// Where models are saved.
    pub models: PathBuf,
    /// Threads of each trial; 0 for as many as there are processors.
    pub threads: usize,
}

impl Launcher for InProcess {
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<TrialEnd, BenchError> {
        let options = TrialOptions {
            models: &self.models,
            threads: self.threads,
            own_process: false,
        };
        run_trial(run, trial, options, on_event)
    }
}

/// Each trial in a process of its own: its memory is its own, no library slows the next
/// trial, and a crash or a time limit ends that trial only.
#[derive(Clone, Debug)]
pub struct Subprocess {
    /// A `bakeoff`; it is called with `trial RUN --id ID --events --until-stdin-closes`.
    pub program: PathBuf,
    /// Where models are saved.
    pub models: PathBuf,
    /// Threads of each trial; 0 for as many as there are processors.
    pub threads: usize,
}

/// How a trial's process ended, where it was not cancelled.
enum ProcessEnd {
    Exited(ExitStatus),
    TimedOut(u64),
}

impl Launcher for Subprocess {
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<TrialEnd, BenchError> {
        let mut command = Command::new(&self.program);
        // Ctrl-C must reach this process only: a trial that it ends would look crashed.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .arg("trial")
            .arg(run.path())
            .args(["--id", &trial.id, "--events", "--threads"])
            .arg(self.threads.to_string())
            .arg("--models-dir")
            .arg(&self.models)
            // Standard input closes when this process ends, and the trial then ends too.
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            // The first line of a crash matters, not its stack.
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(StoreError::io(&self.program))?;
        let stderr = child.stderr.take().map(keep_tail);
        let end = follow(&mut child, trial.time_limit_seconds, on_event)
            .map_err(StoreError::io(&self.program))?;
        let said = stderr.and_then(|t| t.join().ok()).unwrap_or_default();
        let Some(end) = end else {
            return Ok(TrialEnd::Cancelled);
        };
        if let Some(record) = run.record(&trial.id)? {
            return Ok(TrialEnd::Ran(Box::new(record)));
        }
        let reason = match end {
            ProcessEnd::TimedOut(seconds) => {
                format!("stopped at the time limit of {seconds} s (time_limit_seconds)")
            }
            ProcessEnd::Exited(status) if said.is_empty() => {
                format!("its process ended without a message ({status}); out of memory?")
            }
            ProcessEnd::Exited(status) => format!("its process ended ({status}): {said}"),
        };
        let outcome = Outcome::Failed {
            stage: Stage::Process,
            reason,
        };
        finish(run, trial, outcome, self.threads)
    }
}

/// Passes on a trial's events until its process ends; `None` where it is cancelled.
fn follow(
    child: &mut Child,
    limit_seconds: Option<u64>,
    on_event: &mut OnEvent<'_>,
) -> std::io::Result<Option<ProcessEnd>> {
    // Without a limit, wait for a year.
    let deadline = Instant::now() + Duration::from_secs(limit_seconds.unwrap_or(31_536_000));
    let (sender, receiver) = mpsc::channel();
    let reader = child.stdout.take().map(|stdout| {
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A line that is no event is one that a library printed.
                let event = serde_json::from_str(&line);
                if event.is_ok_and(|event: TrialEvent| sender.send(event).is_err()) {
                    break;
                }
            }
        })
    });
    let end = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(event) if on_event(&event).is_break() => {
                child.kill()?;
                break None;
            }
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                break Some(ProcessEnd::TimedOut(limit_seconds.unwrap_or_default()));
            }
            Err(RecvTimeoutError::Disconnected) => break Some(ProcessEnd::Exited(child.wait()?)),
        }
    };
    child.wait()?;
    if let Some(reader) = reader {
        // It ends with the pipe; a panic in it changes nothing.
        let _ = reader.join();
    }
    Ok(end)
}

/// Reads all that a process prints and keeps the end, so that it never blocks on a full pipe.
fn keep_tail(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    const KEPT: usize = 4096;
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            kept.extend_from_slice(&buffer[..count]);
            let surplus = kept.len().saturating_sub(KEPT);
            kept.drain(..surplus);
        }
        String::from_utf8_lossy(&kept).trim().to_owned()
    })
}

/// How a run's trials ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOutcome {
    /// Trials that ran now and succeeded.
    pub ran: usize,
    /// Trials that had a record already.
    pub already_done: usize,
    /// Trials, of both kinds, whose record says that they failed.
    pub failed: usize,
    /// Whether the run was cancelled before its last trial.
    pub cancelled: bool,
}

/// Runs the trials of a run that have no record yet, in order.
pub struct Runner<'a> {
    /// The run.
    pub run: &'a RunFolder,
    /// Runs failed trials again instead of keeping their records.
    pub retry_failed: bool,
}

impl Runner<'_> {
    /// Runs what is missing.
    ///
    /// # Errors
    /// When the run's folder cannot be read or written. A trial that fails is no error.
    pub fn run(
        &self,
        launcher: &mut dyn Launcher,
        observer: &mut dyn Observer,
    ) -> Result<RunOutcome, BenchError> {
        self.run.remove_temporaries();
        let mut outcome = RunOutcome::default();
        for trial in self.run.plan()? {
            let end = match self.valid_record(&trial, observer)? {
                Some(record) => TrialEnd::AlreadyDone(Box::new(record)),
                None => {
                    observer.started(&trial);
                    let mut on_event = |event: &TrialEvent| observer.event(&trial, event);
                    launcher.launch(self.run, &trial, &mut on_event)?
                }
            };
            observer.ended(&trial, &end);
            let failed = end
                .record()
                .is_some_and(|record| record.measured().is_none());
            outcome.failed += usize::from(failed);
            match end {
                TrialEnd::AlreadyDone(_) | TrialEnd::CameSecond { .. } => outcome.already_done += 1,
                TrialEnd::Ran(_) => outcome.ran += usize::from(!failed),
                TrialEnd::Cancelled => {
                    outcome.cancelled = true;
                    break;
                }
            }
        }
        Ok(outcome)
    }

    /// The record that makes a trial done, if it is there and to be kept.
    fn valid_record(
        &self,
        trial: &PlannedTrial,
        observer: &mut dyn Observer,
    ) -> Result<Option<Record>, BenchError> {
        let reason = match self.run.record(&trial.id) {
            Ok(Some(record)) if self.retry_failed && record.measured().is_none() => {
                "it failed, and failed trials run again".to_owned()
            }
            Ok(record) => return Ok(record),
            Err(error) => error.to_string(),
        };
        self.run.set_aside(&trial.id)?;
        observer.set_aside(trial, &reason);
        Ok(None)
    }
}
