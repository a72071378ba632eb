//! One file from its address, by `curl`, continued where it stopped and checked at its end.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use bakeoff_core::to_hex;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::{
    error::DownloadError,
    remote::{Checksum, DownloadProgress, Remote},
};

/// How often progress is reported.
const EVERY: Duration = Duration::from_millis(200);

/// `curl`'s exit codes for a server that was not reached: proxy, host, connection, time, TLS.
const NOT_REACHED: [i32; 6] = [5, 6, 7, 28, 35, 60];

/// `curl`'s exit code for a server that cannot send the rest of a file.
const NO_RANGES: i32 = 33;

/// `curl`'s exit code for a file that it cannot write.
const WRITE: i32 = 23;

impl Checksum {
    fn kind(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "SHA-256",
            Self::Md5(_) => "MD5",
        }
    }

    fn expected(&self) -> &'static str {
        match self {
            Self::Sha256(sum) | Self::Md5(sum) => sum,
        }
    }

    fn of(&self, path: &Path) -> io::Result<String> {
        match self {
            Self::Sha256(_) => digest::<Sha256>(path),
            Self::Md5(_) => digest::<Md5>(path),
        }
    }
}

/// The digest of a file, hexadecimal, without holding the file.
fn digest<D: Digest>(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut digest, mut buffer) = (D::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(to_hex(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

impl Remote {
    /// Whether the file is there and is what it is known to be.
    pub(super) fn is_whole(&self, path: &Path) -> Result<bool, DownloadError> {
        if !path.is_file() {
            return Ok(false);
        }
        let found = self.checksum.of(path).map_err(DownloadError::io(path))?;
        Ok(found == self.checksum.expected())
    }
}

/// Downloads a file to `path`, which appears when it is whole; a part of it is `path.part`.
pub(super) fn fetch(
    curl: &Path,
    url: &str,
    file: &Remote,
    path: &Path,
    on_progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<(), DownloadError> {
    let part = part_of(path);
    let here = || fs::metadata(&part).map_or(0, |found| found.len());
    if file.bytes.is_none_or(|bytes| here() < bytes) {
        let mut end = run(curl, url, file, &part, on_progress)?;
        if end.code == Some(NO_RANGES) {
            fs::remove_file(&part).map_err(DownloadError::io(&part))?;
            end = run(curl, url, file, &part, on_progress)?;
        }
        // A file of unknown size may have been whole before: nothing is left to send.
        if end.code != Some(0) && end.status != "416" {
            return Err(end.error(url, &part));
        }
    }
    let found = file.checksum.of(&part).map_err(DownloadError::io(&part))?;
    if found != file.checksum.expected() {
        let bytes = here();
        fs::remove_file(&part).map_err(DownloadError::io(&part))?;
        return Err(DownloadError::Checksum {
            url: url.into(),
            kind: file.checksum.kind(),
            expected: file.checksum.expected(),
            found,
            bytes,
        });
    }
    fs::rename(&part, path).map_err(DownloadError::io(path))
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// How `curl` ended.
struct End {
    code: Option<i32>,
    /// The status of HTTP, `000` where there was none.
    status: String,
    said: String,
}

impl End {
    fn error(self, url: &str, part: &Path) -> DownloadError {
        let url = url.to_owned();
        // A line for each attempt, such as `curl: (6) Could not resolve host: …`.
        let said = self.said.trim().lines().next_back().unwrap_or_default();
        let said = said
            .split_once(") ")
            .map_or(said, |(_, text)| text)
            .to_owned();
        let code = self.code.unwrap_or(-1);
        if code == WRITE {
            let problem = io::Error::other(said);
            return DownloadError::io(part)(problem);
        }
        if NOT_REACHED.contains(&code) {
            return DownloadError::Unreachable {
                url,
                reason: said,
                by_hand: None,
            };
        }
        let reason = match self.status.as_str() {
            status if status.starts_with(['4', '5']) => format!("the server answers {status}"),
            _ if said.is_empty() => "the download was stopped".to_owned(),
            _ => format!("the download broke off ({said})"),
        };
        DownloadError::Server {
            url,
            reason,
            by_hand: None,
        }
    }
}

fn run(
    curl: &Path,
    url: &str,
    file: &Remote,
    part: &Path,
    on_progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<End, DownloadError> {
    let mut command = Command::new(curl);
    command
        .args(["--silent", "--show-error", "--fail", "--location"])
        .args(["--proto", "=https,http", "--continue-at", "-"])
        // A server that sends less than a kilobyte a second for a minute has stopped.
        .args(["--connect-timeout", "30", "--speed-limit", "1000"])
        .args(["--speed-time", "60", "--retry", "2"])
        .args(["--write-out", "%{http_code}"])
        .arg("--output")
        .arg(part)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(bytes) = file.bytes {
        // No more than is expected is written to the disk.
        command.arg("--max-filesize").arg(bytes.to_string());
    }
    let mut child = command.spawn().map_err(|problem| DownloadError::NoCurl {
        problem,
        by_hand: None,
    })?;
    let io = DownloadError::io(part);
    let code = wait(&mut child, file, part, on_progress).map_err(io)?;
    // Both are a line at most: they fit their pipes, so that waiting first is safe.
    let text = |pipe: Option<&mut dyn Read>| {
        let mut text = Vec::new();
        if let Some(pipe) = pipe {
            let _ = pipe.take(4096).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    };
    Ok(End {
        code,
        status: text(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read)),
        said: text(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read)),
    })
}

fn wait(
    child: &mut Child,
    file: &Remote,
    part: &Path,
    on_progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> io::Result<Option<i32>> {
    loop {
        let ended = child.try_wait()?;
        on_progress(DownloadProgress {
            file: file.name,
            done: fs::metadata(part).map_or(0, |found| found.len()),
            all: file.bytes,
        });
        if let Some(status) = ended {
            return Ok(status.code());
        }
        thread::sleep(EVERY);
    }
}
