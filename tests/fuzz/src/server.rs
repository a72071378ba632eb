//! Requests to the page's server, over a connection, and the table of corrections that it keeps.

use std::{fs, ops::ControlFlow, path::PathBuf, sync::LazyLock, thread, time::Duration};

use bakeoff_core::{FitContext, ImageShape, Settings};
use bakeoff_server::{Config, Limits, Server};
use bakeoff_store::ModelFacts;
use bakeoff_tests::toy::{self, ToySpec};
use ureq::{
    Agent, Body,
    http::{Request, Response},
};

use crate::{files, panics};

/// A server with one model of 1×8×8 and four classes, named `toy/logistic`.
struct Served {
    url: String,
    agent: Agent,
    corrections: PathBuf,
}

static SERVED: LazyLock<Served> = LazyLock::new(|| start().expect("a server"));

fn start() -> Result<Served, Box<dyn std::error::Error>> {
    let root = files::folder("server");
    let data = toy::prototypes(ToySpec {
        shape: ImageShape::new(1, 8, 8),
        ..ToySpec::default()
    })?;
    let spec = bakeoff_zoo::family("logistic")?.resolve(None, &Settings::new())?;
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    let model = bakeoff_zoo::build(&spec)?.fit(data.train(), &mut context)?;
    let facts = ModelFacts {
        data_fingerprint: data.fingerprint().into(),
        train_samples: data.train().len(),
        seed: 1,
        trial: "t".into(),
        ..ModelFacts::new("logistic", "toy", spec, data.train().class_names().to_vec())
    };
    bakeoff_store::save(&root.join("models"), &*model, facts)?;
    let corrections = root.join("corrections");
    let server = Server::bind(Config {
        host: "127.0.0.1".into(),
        port: 0,
        allow_remote: false,
        models: root.join("models"),
        reports: root.join("reports"),
        corrections: corrections.clone(),
        colours: String::new(),
        first_training: None,
        limits: Limits::default(),
    })?;
    let url = server.url();
    thread::spawn(move || server.run());
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build();
    Ok(Served {
        url: url.trim_end_matches('/').to_owned(),
        agent: Agent::new_with_config(agent),
        corrections,
    })
}

impl Served {
    /// Sends a request: method, path and headers as they are.
    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<(u16, String), String> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let before = panics::count();
        let answer = match method {
            "POST" => request.body(body).map(|request| self.agent.run(request)),
            _ => request.body(()).map(|request| self.agent.run(request)),
        };
        let answer = answer.map_err(|problem| format!("no request: {problem}"))?;
        let answer = answer.map_err(|problem| format!("no answer: {problem}"));
        let answer = answer.and_then(|answer: Response<Body>| {
            let status = answer.status().as_u16();
            let text = answer.into_body().read_to_string();
            text.map(|text| (status, text))
                .map_err(|problem| problem.to_string())
        });
        // The server catches panics and answers 500; so does a disk that refuses.
        assert_eq!(panics::count(), before, "in the server: {}", panics::last());
        answer
    }
}

/// A request: a line of method and path, lines of headers, an empty line, and the body.
pub(crate) fn request(input: &[u8]) -> Result<(), String> {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match end {
        Some(at) => (&input[..at], &input[at + 2..]),
        None => (input, &[][..]),
    };
    let head = std::str::from_utf8(head).map_err(|_| "a head that is not text")?;
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let (method, path) = first.split_once(' ').ok_or("no method and path")?;
    if !matches!(method, "GET" | "POST" | "DELETE") || !path.starts_with('/') {
        return Err("no method and path that the server knows".into());
    }
    // The client sets these itself, and would wait for what does not come.
    let own = |name: &str| {
        [
            "content-length",
            "transfer-encoding",
            "expect",
            "connection",
            "host",
            "upgrade",
        ]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own))
    };
    let headers: Vec<(&str, &str)> = lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| !own(name))
        .collect();
    let (status, text) = SERVED.ask(method, path, &headers, body)?;
    match status {
        200..=299 => Ok(()),
        _ => Err(format!("{status}: {text}")),
    }
}

/// A table of corrections that a person edited; then a correction, the list, and the undoing. What the
/// server acknowledges is in the table.
pub(crate) fn corrections(input: &[u8]) -> Result<(), String> {
    let folder = SERVED.corrections.join("toy");
    let table = folder.join("labels.csv");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // Another file each time: a table whose length and time are the same is not read again.
    let new = folder.join("new");
    fs::write(&new, input).map_err(|error| error.to_string())?;
    let _ = fs::remove_file(&table);
    SERVED.ask("GET", "/api/v1/corrections", &[], &[])?;
    fs::rename(&new, &table).map_err(|error| error.to_string())?;
    let pixels: Vec<String> = (0..64).map(|at| (at * 4).to_string()).collect();
    let pixels = pixels.join(",");
    let body = format!(r#"{{"pixels":[{pixels}],"label":"2","model":"toy/logistic"}}"#);
    let json = [("content-type", "application/json")];
    let (status, text) = SERVED.ask("POST", "/api/v1/corrections", &json, body.as_bytes())?;
    if status != 201 {
        return Err(format!("{status}: {text}"));
    }
    let kept: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let file = kept["file"].as_str().ok_or("no file")?.to_owned();
    assert!(folder.join(&file).is_file(), "{file} was acknowledged");
    let rows = rows(&table)?;
    let has = |row: &csv::StringRecord| row.iter().any(|field| field == file);
    assert!(
        rows.last().is_some_and(has),
        "{file} was acknowledged, and {rows:?}"
    );
    let undo = format!("/api/v1/corrections/toy/{file}");
    let (status, text) = SERVED.ask("DELETE", &undo, &[], &[])?;
    assert_eq!(status, 204, "{text}");
    assert!(!folder.join(&file).exists(), "{file} is undone");
    Ok(())
}

fn rows(table: &std::path::Path) -> Result<Vec<csv::StringRecord>, String> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(table)
        .and_then(|mut reader| reader.records().collect())
        .map_err(|error| error.to_string())
}
