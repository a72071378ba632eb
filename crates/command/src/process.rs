//! A program that runs: its start, what it says, its end.
//!
//! It stays in the process group of who started it: Ctrl-C reaches both, and the harness ends
//! the whole group of a trial.

use std::{
    io::{self, Read, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    fault::Fault,
    settings::CommandSettings,
    tree::stop_and_kill_descendants,
    work::{Task, Work},
};

/// How often a program that fits is looked at. A fit is measured as this much too long at most.
const GLANCE: Duration = Duration::from_millis(2);
/// What a fit that takes long is asked whether to go on after.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often the size of answers is looked at.
const SIZE_GLANCE: Duration = Duration::from_millis(100);
/// How long a program may take to end after its standard input was closed.
const GOODBYE: Duration = Duration::from_millis(500);
/// Of what a program says, the end is kept.
const KEPT_BYTES: usize = 4096;
/// Of that, lines for a message.
const KEPT_LINES: usize = 5;

/// The end of what a program said on one stream.
type Tail = Arc<Mutex<Vec<u8>>>;

/// A program that was started, and is ended with this.
pub(crate) struct Running {
    child: Child,
    /// How messages call it.
    name: String,
    stdin: Option<ChildStdin>,
    /// A message for each line `done`; closed at the end of its output.
    done: Receiver<()>,
    errors_end: Receiver<()>,
    output: Tail,
    errors: Tail,
}

impl Running {
    /// Starts `PROGRAM verb FOLDER`, with requests on standard input if `asked`.
    pub(crate) fn start(
        settings: &CommandSettings,
        task: &Task,
        work: &Work,
        verb: &str,
        asked: bool,
    ) -> Result<Self, Fault> {
        let name = shown(&settings.command);
        let (program, arguments) = settings
            .command
            .split_first()
            .ok_or_else(|| Fault::Failed("no command".into()))?;
        let mut command = match settings.files.contains_key(program) {
            true => Command::new(work.program().join(program)),
            false => Command::new(program),
        };
        let threads = rayon::current_num_threads().to_string();
        let shape = [task.channels, task.height, task.width].map(|side| side.to_string());
        command
            .args(arguments)
            .args([verb.as_ref(), work.data().as_os_str()])
            .current_dir(work.program())
            .env("BAKEOFF_SEED", task.seed.to_string())
            .env("BAKEOFF_CLASSES", task.classes.to_string())
            .env("BAKEOFF_SHAPE", shape.join(" "))
            .env("BAKEOFF_THREADS", &threads)
            .stdin(if asked { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for library in ["OMP", "OPENBLAS", "MKL"] {
            command.env(format!("{library}_NUM_THREADS"), &threads);
        }
        let mut child = spawn(&mut command).map_err(|error| not_started(&name, &error))?;
        let no_thread = |error: io::Error| Fault::Interrupted(format!("{name}: {error}"));
        let (output, errors) = (Tail::default(), Tail::default());
        let (sender, done) = mpsc::channel();
        let (end, errors_end) = mpsc::channel();
        let stdin = child.stdin.take();
        let pipes = (child.stdout.take(), child.stderr.take());
        let running = Self {
            child,
            name: name.clone(),
            stdin,
            done,
            errors_end,
            output: Arc::clone(&output),
            errors: Arc::clone(&errors),
        };
        if let (Some(stdout), Some(stderr)) = pipes {
            listen(stdout, output, Some(sender)).map_err(no_thread)?;
            listen(stderr, errors, None)
                .map_err(no_thread)?
                // It ends with the program's errors.
                .and_then(|reader| {
                    let wait = move || drop((reader.join(), end));
                    thread::Builder::new().stack_size(STACK).spawn(wait).ok()
                });
        }
        Ok(running)
    }

    /// Waits until the program has ended well. `go_on` is asked from time to time.
    pub(crate) fn finish(mut self, go_on: &mut dyn FnMut() -> bool) -> Result<(), Fault> {
        let mut asked = Instant::now();
        loop {
            let ended = self.child.try_wait();
            match ended.map_err(|error| Fault::Interrupted(format!("{}: {error}", self.name)))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.ended(status, "while it fitted")),
                None => thread::sleep(GLANCE),
            }
            if asked.elapsed() > HEARTBEAT {
                asked = Instant::now();
                if !go_on() {
                    return Err(Fault::Cancelled);
                }
            }
        }
    }

    /// Says that a request of so many images is there, and waits for `done`. `is_endless` says
    /// whether the answers grow beyond all bounds.
    pub(crate) fn ask(
        &mut self,
        images: usize,
        seconds: u64,
        is_endless: &dyn Fn() -> bool,
    ) -> Result<(), Fault> {
        // What it said before it was asked is no answer.
        while self.done.try_recv().is_ok() {}
        let asked = self.stdin.as_mut().map_or(Ok(()), |stdin| {
            stdin.write_all(format!("{images}\n").as_bytes())?;
            stdin.flush()
        });
        if asked.is_err() {
            return Err(self.gone());
        }
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            match self.done.recv_timeout(SIZE_GLANCE) {
                Ok(()) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(self.gone()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if is_endless() {
                let why = "writes more than the answers to its images can have";
                return Err(self.failed(why));
            }
            if Instant::now() > deadline {
                let why = format!("gave no answer within {seconds} s (answer_seconds)");
                return Err(self.failed(&why));
            }
        }
    }

    /// The program does not read or has closed its output: why.
    fn gone(&mut self) -> Fault {
        match self.wait(GOODBYE) {
            Some(status) => self.ended(status, "instead of answering"),
            None => self.failed("closed its standard output or input instead of answering"),
        }
    }

    /// Waits for its end, not longer than this.
    fn wait(&mut self, longest: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if start.elapsed() < longest => thread::sleep(GLANCE),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }

    /// What is wrong with a program, with its last lines.
    pub(crate) fn failed(&self, why: &str) -> Fault {
        Fault::Failed(format!("{} {why}{}", self.name, self.last_lines()))
    }

    fn ended(&self, status: ExitStatus, when: &str) -> Fault {
        // Its last words may be on their way.
        let _ = self.errors_end.recv_timeout(GOODBYE);
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            let text = format!("{} was ended by signal {signal} {when}", self.name);
            return match signal {
                // HUP, INT, QUIT, KILL and TERM come from elsewhere.
                1 | 2 | 3 | 9 | 15 => Fault::Interrupted(text),
                _ => Fault::Failed(text + &self.last_lines()),
            };
        }
        let code = status.code().unwrap_or_default();
        self.failed(&format!("ended with exit code {code} {when}"))
    }

    /// The last lines of its errors, or of its output where it has no errors.
    fn last_lines(&self) -> String {
        let text = |tail: &Tail| {
            let bytes = tail.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8_lossy(&bytes).trim().to_owned()
        };
        let mut said = text(&self.errors);
        if said.is_empty() {
            said = text(&self.output);
        }
        let lines: Vec<&str> = said
            .lines()
            .map(str::trim_end)
            .filter(|it| !it.is_empty())
            .collect();
        let last = &lines[lines.len().saturating_sub(KEPT_LINES)..];
        match last.is_empty() {
            true => String::new(),
            false => format!("; it said: {}", last.join(" | ")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A program that answers ends at the end of its requests.
        let waits_for_requests = self.stdin.take().is_some();
        if waits_for_requests && self.wait(GOODBYE).is_some() {
            return;
        }
        // Not where it has ended: its number may be another's by now.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            stop_and_kill_descendants(self.child.id());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a command. A script that was written a moment ago may still be open in a process that
/// another thread is starting.
fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 50 => {
                tries += 1;
                thread::sleep(GLANCE);
            }
            other => return other,
        }
    }
}

fn not_started(name: &str, error: &io::Error) -> Fault {
    let text = format!("{name} cannot be started: {error}");
    match error.kind() {
        // No process can be started now.
        io::ErrorKind::WouldBlock => Fault::Interrupted(text),
        io::ErrorKind::NotFound => Fault::Failed(format!(
            "{text}; is it installed, and a script's first line right? A path is relative to the \
             experiment's file"
        )),
        _ => Fault::Failed(text),
    }
}

/// A command as messages show it.
fn shown(command: &[String]) -> String {
    const MOST: usize = 80;
    let words: Vec<String> = command
        .iter()
        .map(|word| bakeoff_core::quoted(word))
        .collect();
    let text = words.join(" ");
    match text.char_indices().nth(MOST) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}…`", &text[..end]),
    }
}

/// The stack of a thread that listens. A limit of memory counts it.
const STACK: usize = 256 << 10;

/// Reads all that a program says and keeps the end, so that it never waits for a full pipe.
fn listen(
    mut pipe: impl Read + Send + 'static,
    tail: Tail,
    done: Option<Sender<()>>,
) -> io::Result<Option<thread::JoinHandle<()>>> {
    let work = move || {
        let mut buffer = [0; 8192];
        // The line that has begun, as far as it can be `done`.
        let mut line = Vec::new();
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            let new = &buffer[..count];
            {
                let mut kept = tail.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(new);
                let surplus = kept.len().saturating_sub(KEPT_BYTES);
                kept.drain(..surplus);
            }
            for &byte in new {
                if byte != b'\n' {
                    if line.len() < KEPT_BYTES {
                        line.push(byte);
                    }
                    continue;
                }
                if line.trim_ascii() == b"done"
                    && done.as_ref().is_some_and(|it| it.send(()).is_err())
                {
                    return;
                }
                line.clear();
            }
        }
    };
    thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .map(Some)
}

/// What a path on the disk could not be written for: says nothing about the program.
pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let path = path.display().to_string();
    move |error| Fault::Interrupted(format!("{path}: {error}"))
}
