//! A program that runs: its start, its end, and what it is asked in between.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::{
    fault::Fault,
    group::Group,
    left::lack_of_space,
    live,
    model_files::too_large,
    said::{STACK, Said, listen},
    settings::CommandSettings,
    tree::stop_and_kill_descendants,
    work::{Task, Work},
};

/// How often a program that fits is looked at. A fit is measured as this much too long at most.
const GLANCE: Duration = Duration::from_millis(2);
/// What a fit that takes long is asked whether to go on after, and how large its model is.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How often the size of answers is looked at.
const SIZE_GLANCE: Duration = Duration::from_millis(100);
/// How long a program may take to end after its standard input was closed.
const GOODBYE: Duration = Duration::from_millis(500);

/// A program that was started, and is ended with this.
pub(crate) struct Running {
    child: Child,
    /// Of it and all that it starts.
    group: Group,
    /// How messages call it.
    name: String,
    /// FOLDER.
    folder: PathBuf,
    stdin: Option<ChildStdin>,
    /// A message for each line `done`; closed at the end of its output.
    done: Receiver<()>,
    errors_end: Receiver<()>,
    said: Said,
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
        live::wait_if_ending();
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
        let no_process = |error: io::Error| Fault::Interrupted(format!("{name}: {error}"));
        let group = Group::new().map_err(no_process)?;
        group.add(&mut command);
        let child = spawn(&mut command);
        let mut child = child.map_err(|error| not_started(&name, work, &error))?;
        let said = Said::default();
        live::begins(group.id(), &name, &said);
        let (sender, done) = mpsc::channel();
        let (end, errors_end) = mpsc::channel::<()>();
        let stdin = child.stdin.take();
        let pipes = (child.stdout.take(), child.stderr.take());
        let running = Self {
            child,
            group,
            name: name.clone(),
            folder: work.data(),
            stdin,
            done,
            errors_end,
            said: said.clone(),
        };
        if let (Some(stdout), Some(stderr)) = pipes {
            listen(stdout, said.output, Some(sender)).map_err(no_process)?;
            let errors = listen(stderr, said.errors, None).map_err(no_process)?;
            // It ends with the program's errors.
            let wait = move || drop((errors.join(), end));
            let waits = thread::Builder::new().stack_size(STACK).spawn(wait);
            waits.map_err(no_process)?;
        }
        Ok(running)
    }

    /// Waits until the program has ended well. `go_on` is asked from time to time.
    pub(crate) fn finish(&mut self, go_on: &mut dyn FnMut() -> bool) -> Result<(), Fault> {
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
                if let Some(why) = too_large(&self.folder) {
                    return Err(self.failed(&format!("writes too much: {why}")));
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
                return Err(self.failed(&(why + self.half_an_answer())));
            }
        }
    }

    /// The program does not read or has closed its output: why.
    fn gone(&mut self) -> Fault {
        let half = self.half_an_answer();
        match self.wait(GOODBYE) {
            Some(status) => self.ended(status, &format!("instead of answering{half}")),
            None => self.failed(&format!(
                "closed its standard output or input instead of answering{half}"
            )),
        }
    }

    /// What to say of an answer that a program believes to have given.
    fn half_an_answer(&self) -> &'static str {
        match self.said.ends_in_half_an_answer() {
            true => " (its last line must be `done` in small letters, with the end of the line)",
            false => "",
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

    /// What is wrong with a program, with its last lines; or with the disk, where that is full and
    /// not of the program's model.
    pub(crate) fn failed(&self, why: &str) -> Fault {
        live::wait_if_ending();
        let text = format!("{} {why}{}", self.name, self.said.last_lines());
        match lack_of_space(&self.folder) {
            None => Fault::Failed(text),
            Some(lack) => match too_large(&self.folder) {
                Some(large) => Fault::Failed(format!("{text}; {large}")),
                None => Fault::Interrupted(format!("{text}; {lack}")),
            },
        }
    }

    /// [`Self::failed`] of a program that has ended.
    pub(crate) fn failed_at_last(&self, why: &str) -> Fault {
        self.hear_the_end();
        self.failed(why)
    }

    /// Its last words may be on their way.
    fn hear_the_end(&self) {
        let _ = self.errors_end.recv_timeout(GOODBYE);
    }

    fn ended(&self, status: ExitStatus, when: &str) -> Fault {
        live::wait_if_ending();
        self.hear_the_end();
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            let how = format!("was ended by signal {signal} {when}");
            return match signal {
                // HUP, INT, QUIT, KILL and TERM may come from elsewhere.
                1 | 2 | 3 | 9 | 15 => {
                    Fault::Signalled(format!("{} {how}{}", self.name, self.said.last_lines()))
                }
                _ => self.failed(&how),
            };
        }
        let code = status.code().unwrap_or_default();
        self.failed(&format!("ended with exit code {code} {when}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A program that answers ends at the end of its requests.
        let waits_for_requests = self.stdin.take().is_some();
        if !waits_for_requests || self.wait(GOODBYE).is_none() {
            // Not where it has ended: its number may be another's by now.
            if !matches!(self.child.try_wait(), Ok(Some(_))) {
                stop_and_kill_descendants(self.child.id());
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // What it left running ends with the group, which is dropped next.
        live::has_ended(self.group.id());
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

fn not_started(name: &str, work: &Work, error: &io::Error) -> Fault {
    let text = format!("{name} cannot be started: {error}");
    let hint = match error.kind() {
        // No process can be started now.
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => return Fault::Interrupted(text),
        _ if !work.program().is_dir() => {
            "it removed the folder that its files lie in, which it is started in"
        }
        io::ErrorKind::NotFound => {
            "is it installed, and a script's first line right? A path is relative to the \
             experiment's file"
        }
        io::ErrorKind::PermissionDenied => "may its file be run (chmod +x)?",
        _ if is_no_program(error) => {
            "its file is no program of this system: a script needs a first line such as \
             #!/bin/sh, or the name of its interpreter before it, as in [\"python3\", \"model.py\"]"
        }
        _ => return Fault::Failed(text),
    };
    Fault::Failed(format!("{text}; {hint}"))
}

#[cfg(unix)]
fn is_no_program(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error())
}

#[cfg(not(unix))]
fn is_no_program(_: &io::Error) -> bool {
    false
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
