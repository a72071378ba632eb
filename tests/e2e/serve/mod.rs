//! The page and its API, over real sockets and in a real browser.

mod faults;
mod http;
mod life;
mod load;
mod page;
mod page_numbers;

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use bakeoff_core::{ImageShape, Samples};

use crate::support::{bakeoff, comparison, text};
use http::Client;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a process of its own.
pub(crate) struct Serving {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said before it answered.
    pub(crate) said: String,
    /// Where a browser finds it.
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
}

impl Serving {
    /// Starts it in a folder, on a free port, and waits until it listens.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = bakeoff(folder)
            .args(["serve", "--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("Ctrl-C") {
            let read = stdout.read_line(&mut said).unwrap();
            if read == 0 {
                let output = process.wait_with_output().unwrap();
                panic!("it ended: {said}\n{}", text(&output.stderr));
            }
        }
        let url = said
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("no address in {said}"))
            .to_owned();
        let address = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .parse()
            .unwrap();
        Self {
            process,
            stdout,
            said,
            url,
            address,
        }
    }

    /// With the models and reports of the shared comparison.
    pub(crate) fn of_comparison(folder: &Path, arguments: &[&str]) -> Self {
        let shared = &comparison().folder;
        let (models, reports) = (shared.join("models"), shared.join("reports"));
        let both = ["--models-dir", models.to_str().unwrap(), "--reports-dir"];
        let mut all = both.to_vec();
        all.push(reports.to_str().unwrap());
        all.extend(arguments);
        Self::start(folder, &all)
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Its resident memory in bytes, where the system tells.
    pub(crate) fn memory(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// How many files and sockets it has open, where the system tells.
    pub(crate) fn open_files(&self) -> Option<usize> {
        let folder = format!("/proc/{}/fd", self.process.id());
        Some(std::fs::read_dir(folder).ok()?.count())
    }

    /// The processor time it has used so far, of all its threads, where the system tells.
    pub(crate) fn processor_time(&self) -> Option<Duration> {
        let path = format!("/proc/{}/stat", self.process.id());
        let stat = std::fs::read_to_string(path).ok()?;
        // The name, in brackets, may hold anything; the numbers come after it.
        let (_, numbers) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = numbers.split_whitespace().collect();
        // User and system time in hundredths of a second (USER_HZ is 100 on Linux).
        let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * 10))
    }

    /// Asks it to end, as a shell or a service manager does.
    pub(crate) fn ask_to_end(&self) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.unwrap().success());
    }

    /// Waits for its end: its exit code and what it said on standard error.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + PATIENCE;
        while self.process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
        let mut said = String::new();
        if let Some(stderr) = self.process.stderr.take() {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said += &line;
                said.push('\n');
            }
        }
        let mut rest = String::new();
        let _ = self.stdout.read_line(&mut rest);
        (self.process.wait().unwrap().code(), said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// MNIST's test part, unpacked once.
fn mnist() -> &'static Samples {
    static TEST: OnceLock<Samples> = OnceLock::new();
    TEST.get_or_init(|| bakeoff_data::open("mnist").unwrap().test().clone())
}

/// A test digit as somebody might draw it: large, dark on white, with a margin; as PNG.
fn drawn(index: usize) -> Vec<u8> {
    drawn_number(&[index])
}

/// Several test digits side by side.
fn drawn_number(indices: &[usize]) -> Vec<u8> {
    const TIMES: usize = 8;
    const MARGIN: usize = 28;
    let side = 28 * TIMES + 2 * MARGIN;
    let width = side * indices.len();
    let pixels: Vec<u8> = (0..side * width)
        .map(|at| {
            let (y, x) = (at / width, at % width);
            let digit = mnist().images().get(indices[x / side]).unwrap();
            let inside = |place: usize| {
                (MARGIN..side - MARGIN)
                    .contains(&place)
                    .then(|| (place - MARGIN) / TIMES)
            };
            match (inside(y), inside(x % side)) {
                (Some(row), Some(column)) => 255 - digit[row * 28 + column],
                _ => 255,
            }
        })
        .collect();
    bakeoff_picture::encode_png(ImageShape::new(1, side, width), &pixels).unwrap()
}

/// Writes drawn digits to a folder and returns what the shell says of each: for every
/// model its probabilities by class.
fn shell_says(folder: &Path, models: &Path, count: usize, which: &[&str]) -> Vec<ShellAnswer> {
    let paths: Vec<PathBuf> = (0..count)
        .map(|index| {
            let path = folder.join(format!("digit-{index}.png"));
            std::fs::write(&path, drawn(index)).unwrap();
            path
        })
        .collect();
    let output = crate::support::finish(
        bakeoff(folder)
            .arg("predict")
            .args(which)
            .args(["--json", "--top", "10", "--models-dir"])
            .arg(models)
            .args(&paths),
    )
    .expect(0);
    output
        .json_lines()
        .iter()
        .map(|line| {
            line["predictions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|prediction| {
                    let model = prediction["model"].as_str().unwrap().to_owned();
                    (model, by_class(&prediction["top"]))
                })
                .collect()
        })
        .collect()
}

/// Model to its probabilities, sorted by class.
type ShellAnswer = std::collections::BTreeMap<String, Vec<(String, f64)>>;

/// (class, probability) of a list of such objects, sorted by class.
fn by_class(list: &serde_json::Value) -> Vec<(String, f64)> {
    let mut pairs: Vec<(String, f64)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let class = it["class"].as_str().unwrap().to_owned();
            (class, it["probability"].as_f64().unwrap())
        })
        .collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs
}

/// What the server says, in the shape of [`shell_says`].
fn server_says(answer: &serde_json::Value) -> ShellAnswer {
    answer["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prediction| {
            let model = prediction["model"].as_str().unwrap().to_owned();
            (model, by_class(&prediction["probabilities"]))
        })
        .collect()
}
