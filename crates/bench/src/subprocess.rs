//! Each trial in a process of its own, watched by the one that started it.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use bakeoff_core::{
    StoreError,
    record::{Attempt, Cause, Outcome, PlannedTrial, Stage},
};

use crate::{
    attempt,
    error::BenchError,
    event::{OnEvent, TrialEvent},
    kernel_kills::KernelKills,
    process_end::{Ended, ProcessEnd, RUNNING, Verdict},
    process_group::{has_ended, kill_group, wait_for_end},
    program::Program,
    run_folder::RunFolder,
    runner::Launcher,
    trial::{TrialEnd, finish},
};

/// Each trial in a process of its own: its memory is its own, no library slows the next
/// trial, and a crash or a time limit ends that trial only.
#[derive(Clone, Debug)]
pub struct Subprocess {
    /// A `bakeoff`; it is called with `trial RUN --index N --until-stdin-closes` and what is set
    /// here.
    pub program: Program,
    /// Where models are saved.
    pub models: PathBuf,
    /// Threads of each trial; 0 for as many as there are processors.
    pub threads: usize,
    /// A folder of packed datasets, besides that of the run.
    pub packs: Option<PathBuf>,
}

/// How often a trial is tried whose program a signal ends: from outside once is an accident, and a
/// program that always ends itself so would otherwise never have an answer.
const ATTEMPTS: usize = 3;
/// How long a trial that is asked to end may take to say what it runs.
const GOODBYE: Duration = Duration::from_secs(2);

/// How the wait for a trial's process ended, where it was not cancelled.
enum Waited {
    Exited(ExitStatus),
    TimedOut(u64),
}

/// How an attempt at a trial ended.
enum Tried {
    Ended(TrialEnd),
    Failed(String, Option<Cause>, Attempt),
    Signalled(String, Attempt),
}

impl Launcher for Subprocess {
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<TrialEnd, BenchError> {
        let mut tried = self.try_once(run, trial, on_event)?;
        for _ in 1..ATTEMPTS {
            let Tried::Signalled(reason, _) = tried else {
                break;
            };
            if on_event(&TrialEvent::Again { reason }).is_break() {
                return Ok(TrialEnd::Cancelled);
            }
            tried = self.try_once(run, trial, on_event)?;
        }
        let (reason, cause, attempt) = match tried {
            Tried::Ended(end) => return Ok(end),
            Tried::Failed(reason, cause, attempt) => (reason, cause, attempt),
            Tried::Signalled(reason, attempt) => {
                let each =
                    format!("each of {ATTEMPTS} attempts ended by a signal; the last: {reason}");
                (each, None, attempt)
            }
        };
        let outcome = Outcome::Failed {
            stage: Stage::Process,
            reason,
            cause,
        };
        finish(run, trial, outcome, self.threads, attempt)
    }
}

impl Subprocess {
    /// Starts a trial's process and waits for its end.
    fn try_once(
        &self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut OnEvent<'_>,
    ) -> Result<Tried, BenchError> {
        let (kernel_kills, attempt) = (KernelKills::now(), attempt::begin());
        let program = self.program.path();
        let mut command = Command::new(self.program.file());
        // Lists of processes show where the program was.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, self.program.path());
        // Ctrl-C must reach this process only: it alone says how to go on.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        if let Some(megabytes) = trial.memory_limit_mb {
            command.args(["trial", "--memory-limit", &megabytes.to_string()]);
        } else {
            command.arg("trial");
        }
        if let Some(packs) = &self.packs {
            command.arg("--packs").arg(packs);
        }
        // What a trial leaves among temporary files is removed, however it ends.
        let scratch = run.scratch()?;
        let temporary = std::path::absolute(scratch.path()).map_err(StoreError::io(run.path()))?;
        for name in ["TMPDIR", "TMP", "TEMP"] {
            command.env(name, &temporary);
        }
        let mut child = command
            .arg(run.path())
            .args(["--index", &trial.index.to_string(), "--threads"])
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
            .map_err(StoreError::io(program))?;
        let watched = watch(&mut child, trial.time_limit_seconds, on_event);
        if watched.is_err() {
            // Whatever cannot be watched must not go on unseen.
            kill_group(&child);
            let _ = child.kill().and_then(|()| child.wait());
        }
        let (end, said) = watched.map_err(StoreError::io(program))?;
        let Some(end) = end else {
            return Ok(Tried::Ended(TrialEnd::Cancelled));
        };
        // However it ended: a record that is there is whole.
        if let Some(record) = run.record(&trial.id)? {
            return Ok(Tried::Ended(TrialEnd::Ran(Box::new(record))));
        }
        let verdict = match end {
            Waited::TimedOut(seconds) => {
                let programs = said.lines().find_map(|line| line.strip_prefix(RUNNING));
                let programs = programs.map(|it| format!(" while it ran {it}"));
                let programs = programs.unwrap_or_default();
                Verdict::Failed(
                    format!(
                        "stopped at the time limit of {seconds} s (time_limit_seconds){programs}"
                    ),
                    Cause::TimeLimit { seconds },
                )
            }
            Waited::Exited(status) => ProcessEnd {
                ended: Ended::of(status),
                said: &said,
                kernel_killed: kernel_kills.happened_since(),
                memory_limit_mb: trial.memory_limit_mb,
            }
            .verdict(),
        };
        Ok(match verdict {
            Verdict::Failed(reason, cause) => Tried::Failed(reason, Some(cause), attempt),
            Verdict::Signalled(reason) => Tried::Signalled(reason, attempt),
            Verdict::Interrupted(interruption) => Tried::Ended(TrialEnd::Interrupted(interruption)),
        })
    }
}

/// Watches a trial's process to its end: how it ended, and the end of what it wrote to standard
/// error.
///
/// # Errors
/// Of the system, among them that it has no thread left.
fn watch(
    child: &mut Child,
    limit_seconds: Option<u64>,
    on_event: &mut OnEvent<'_>,
) -> std::io::Result<(Option<Waited>, String)> {
    let stderr = child.stderr.take().map(keep_tail).transpose()?;
    let end = follow(child, limit_seconds, on_event)?;
    Ok((end, stderr.and_then(|t| t.join().ok()).unwrap_or_default()))
}

/// Closes a trial's standard input, upon which it says what it runs and ends. It may have ended, or
/// not be able to, so this waits for moments only.
fn ask_to_end(child: &mut Child) {
    drop(child.stdin.take());
    let asked = Instant::now();
    while !has_ended(child) && asked.elapsed() < GOODBYE {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Passes on a trial's events until its process ends; `None` where it is cancelled.
fn follow(
    child: &mut Child,
    limit_seconds: Option<u64>,
    on_event: &mut OnEvent<'_>,
) -> std::io::Result<Option<Waited>> {
    // Without a limit, wait for a year.
    let deadline = Instant::now() + Duration::from_secs(limit_seconds.unwrap_or(31_536_000));
    let (sender, receiver) = mpsc::channel();
    let pass_on = |stdout| {
        thread::Builder::new().spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A line that is no event is one that a library printed.
                let event = serde_json::from_str(&line);
                if event.is_ok_and(|event: TrialEvent| sender.send(event).is_err()) {
                    break;
                }
            }
        })
    };
    let reader = child.stdout.take().map(pass_on).transpose()?;
    let end = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(event) if on_event(&event).is_break() => {
                kill_group(child);
                child.kill()?;
                break None;
            }
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => {
                ask_to_end(child);
                kill_group(child);
                child.kill()?;
                break Some(Waited::TimedOut(limit_seconds.unwrap_or_default()));
            }
            Err(RecvTimeoutError::Disconnected) => {
                wait_for_end(child);
                break Some(Waited::Exited(child.wait()?));
            }
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
fn keep_tail(mut pipe: impl Read + Send + 'static) -> std::io::Result<thread::JoinHandle<String>> {
    const KEPT: usize = 4096;
    thread::Builder::new().spawn(move || {
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
