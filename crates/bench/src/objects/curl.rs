//! Requests by the program `curl`, as downloads of datasets (docs/decisions/downloads.md).
//!
//! Its options and headers are passed on standard input, because every user of a machine can read the command
//! lines of all.

use std::{
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

/// One request.
pub(super) struct Call {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    /// The file that is sent (`PUT`); without one it is a `GET`.
    pub(super) upload: Option<PathBuf>,
    /// Where the answer goes.
    pub(super) output: PathBuf,
}

/// How a request ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status of HTTP; 0 where there was none.
    pub(super) status: u16,
    /// What went wrong on the way, if something did.
    pub(super) problem: Option<String>,
}

/// Requests in parallel: a small one spends most of its time waiting for the network.
const AT_ONCE: usize = 8;

/// Makes the requests, and says how each ended.
///
/// # Errors
/// When `curl` cannot be started.
pub(super) fn curl(calls: &[Call]) -> Result<Vec<Answer>, String> {
    let mut child = Command::new("curl")
        .args(["--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            format!("an object store needs the program curl, which cannot be started ({error}): install it")
        })?;
    let stdin = child.stdin.take();
    let config = config(calls);
    // On a thread of its own: `curl` may write answers before it has read its whole configuration.
    let no_threads = |error| format!("cannot start threads: {error}");
    let writer = thread::Builder::new()
        .spawn(move || stdin.map(|mut pipe| pipe.write_all(config.as_bytes())))
        .map_err(no_threads)?;
    let stderr = child.stderr.take();
    let said = thread::Builder::new()
        .spawn(move || {
            let mut text = Vec::new();
            if let Some(mut pipe) = stderr {
                let _ = pipe.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        })
        .map_err(no_threads)?;
    let mut lines = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        let _ = pipe.read_to_string(&mut lines);
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    // Where `curl` ended early it says why, and there are no lines.
    drop(writer.join());
    let said = said.join().unwrap_or_default();
    let mut answers = vec![None; calls.len()];
    for line in lines.lines() {
        if let Some((place, answer)) = answer(line)
            && let Some(slot) = answers.get_mut(place)
        {
            *slot = Some(answer);
        }
    }
    let last = said.trim().lines().next_back().unwrap_or_default();
    Ok(answers
        .into_iter()
        .map(|answer| {
            answer.unwrap_or_else(|| Answer {
                status: 0,
                problem: Some(format!("curl ended ({status}): {last}")),
            })
        })
        .collect())
}

/// The line of an answer: place, status, exit code and what is said of it.
fn answer(line: &str) -> Option<(usize, Answer)> {
    let mut words = line.splitn(4, ' ');
    let place = words.next()?.parse().ok()?;
    let status = words.next()?.parse().ok()?;
    let code: i32 = words.next()?.parse().ok()?;
    let problem = (code != 0).then(|| words.next().unwrap_or_default().trim().to_owned());
    Some((place, Answer { status, problem }))
}

/// The calls as a configuration of `curl`.
fn config(calls: &[Call]) -> String {
    let mut text = String::new();
    if calls.len() > 1 {
        let _ = writeln!(text, "parallel\nparallel-max = {AT_ONCE}");
    }
    for (place, call) in calls.iter().enumerate() {
        if place > 0 {
            text += "next\n";
        }
        // A server that sends less than a kilobyte a second for a minute has stopped.
        text += "silent\nshow-error\ngloboff\npath-as-is\nproto = \"=https,http\"\nconnect-timeout = 30\n\
                 speed-limit = 1000\nspeed-time = 60\n";
        let mut set = |name: &str, value: &str| {
            let _ = writeln!(text, "{name} = {}", quoted(value));
        };
        set("url", &call.url);
        set("output", &path(&call.output));
        if let Some(file) = &call.upload {
            set("upload-file", &path(file));
        }
        for (name, value) in &call.headers {
            set("header", &format!("{name}: {value}"));
        }
        // Servers need not be asked before they are sent a record.
        set("header", "Expect:");
        set(
            "write-out",
            &format!("{place} %{{http_code}} %{{exitcode}} %{{errormsg}}\\n"),
        );
    }
    text
}

fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A value as `curl` reads it.
fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// What a server says of an error: the code and the message in its XML, else its first words.
pub(super) fn said(body: &Path) -> String {
    let bytes = fs::read(body).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 14)]).into_owned();
    let within = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once("</")?.0.to_owned())
    };
    match (within("Code"), within("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => {
            let words: String = text.chars().take(200).collect();
            words.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_by_their_place() {
        let ok = Answer {
            status: 200,
            problem: None,
        };
        assert_eq!(answer("3 200 0 "), Some((3, ok)));
        let failed = Answer {
            status: 0,
            problem: Some("Could not resolve host: x".into()),
        };
        assert_eq!(
            answer("0 000 6 Could not resolve host: x"),
            Some((0, failed))
        );
        assert_eq!(answer("noise"), None);
    }

    #[test]
    fn a_value_cannot_end_its_line() {
        assert_eq!(quoted("a\"b\\c\nurl = x"), "\"a\\\"b\\\\c\\nurl = x\"");
    }

    #[test]
    fn nobody_at_the_other_end_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let call = |name: &str| Call {
            // Nothing listens on port 1.
            url: format!("http://127.0.0.1:1/{name}"),
            headers: Vec::new(),
            upload: None,
            output: folder.path().join(name),
        };
        let answers = curl(&[call("a"), call("b")]).expect("curl");
        assert_eq!(answers.len(), 2);
        for answer in answers {
            assert_eq!(answer.status, 0);
            let problem = answer.problem.expect("a problem");
            assert!(problem.contains("127.0.0.1"), "{problem}");
        }
    }
}
