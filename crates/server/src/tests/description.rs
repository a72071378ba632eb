//! The description of the API against the API itself.

use std::collections::{BTreeMap, BTreeSet};

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use serde_json::{Value, json};

use super::support::*;
use crate::{
    Limits, api,
    problem::{Code, Problem},
    reports::ReportEntry,
    training::{TrainingProgress, TrainingState},
};

fn description() -> Value {
    serde_json::from_str(api::DESCRIPTION).expect("JSON")
}

/// The methods that are documented for each path.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let description = description();
    let paths = description["paths"].as_object().expect("paths").clone();
    paths
        .into_iter()
        .map(|(path, item)| {
            let methods = item.as_object().expect("methods").keys();
            (path, methods.map(|it| it.to_uppercase()).collect())
        })
        .collect()
}

#[tokio::test]
async fn every_route_is_documented_and_every_documented_one_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let documented = documented();
    let routes: BTreeSet<String> = api::routes()
        .into_iter()
        .map(|(path, _)| path.to_owned())
        .collect();
    let paths: BTreeSet<String> = documented.keys().cloned().collect();
    assert_eq!(routes, paths);
    for (path, methods) in &documented {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let answer = server.ask(request(method, path, Body::empty())).await;
            assert_eq!(
                answer.status != StatusCode::METHOD_NOT_ALLOWED,
                methods.contains(method),
                "{method} {path}: {}",
                answer.status
            );
            if !methods.contains(method) {
                answer.is_problem(405, "method-not-allowed");
            }
        }
    }
}

/// Asserts that a value is as the schema says, with no property that it does not name.
#[track_caller]
fn is_described(schema: &Value, value: &Value, what: &str) {
    let mut components = description()["components"].clone();
    for described in components["schemas"]
        .as_object_mut()
        .expect("schemas")
        .values_mut()
    {
        if described.get("properties").is_some() {
            described["additionalProperties"] = json!(false);
        }
    }
    let mut whole = schema.clone();
    whole["components"] = components;
    let validator = jsonschema::draft202012::new(&whole).expect("a schema");
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{what}: {problems:#?}");
}

/// Asserts that an answer is one that the description promises, body and all.
#[track_caller]
fn is_as_documented(method: &str, path: &str, answer: &Answer) {
    let description = description();
    let status = answer.status.as_u16().to_string();
    let promised = &description["paths"][path][method.to_lowercase()]["responses"][&status];
    assert!(
        promised.is_object(),
        "{method} {path} may not answer {status}"
    );
    let content = promised["content"].as_object().expect("content");
    let kind = answer.headers[header::CONTENT_TYPE].to_str().expect("text");
    let kind = kind.split(';').next().unwrap_or_default();
    let schema = &content
        .get(kind)
        .unwrap_or_else(|| panic!("{method} {path} {status} may not be {kind}"))["schema"];
    if kind.ends_with("json") {
        let what = format!("{method} {path} {status}");
        is_described(schema, &answer.json(), &what);
    }
}

/// The names of a schema's properties, or its words.
fn names(schema: &str) -> BTreeSet<String> {
    let schema = &description()["components"]["schemas"][schema];
    match schema["properties"].as_object() {
        Some(properties) => properties.keys().cloned().collect(),
        None => serde_json::from_value(schema["enum"].clone()).expect("words"),
    }
}

/// The names in a text that begin after `start`, each in backticks or between commas.
fn listed(problem: &Value, start: &str) -> BTreeSet<String> {
    let detail = problem["detail"].as_str().expect("text");
    let (_, list) = detail.split_once(start).expect("a list");
    let list = list.split(" at line").next().unwrap_or_default();
    list.split([',', ' ', '`'])
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn requests_take_what_is_described() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    for (path, schema) in [
        ("/api/v1/predict", "PixelsRequest"),
        ("/api/v1/corrections", "CorrectionRequest"),
    ] {
        let problem = server.post_json(path, r#"{"x":1}"#).await.json();
        assert_eq!(listed(&problem, "expected one of "), names(schema));
    }
    let kinds = server.post_json("/api/v1/predict", r#"{"pixels":[],"explain":["x"]}"#);
    let problem = kinds.await.json();
    assert_eq!(listed(&problem, "expected one of "), names("ExplainKind"));
    let answer = server.ask(form(&[("x", None, b"")])).await;
    let parts = listed(&answer.json(), "there are: ");
    assert_eq!(parts, names("PictureRequest"));
}

#[test]
fn what_the_other_tests_do_not_answer_is_described_too() {
    let schema = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    for &code in Code::ALL {
        let problem = serde_json::to_value(Problem::new(code, "x")).expect("JSON");
        is_described(&schema("Problem"), &problem, "a problem");
    }
    assert_eq!(names("Code").len(), Code::ALL.len());
    let report = serde_json::to_value(ReportEntry::default()).expect("JSON");
    is_described(&schema("ReportEntry"), &report, "a report");
    assert_eq!(
        names("ReportEntry").len(),
        report.as_object().map_or(0, serde_json::Map::len)
    );
    for state in [
        TrainingState::None,
        TrainingState::Running,
        TrainingState::Finished,
        TrainingState::Failed,
    ] {
        let progress = TrainingProgress {
            state,
            model: Some("cnn".into()),
            stage: Some("training".into()),
            problems: vec!["x".into()],
            ..TrainingProgress::default()
        };
        let progress = serde_json::to_value(progress).expect("JSON");
        is_described(&schema("TrainingProgress"), &progress, "the training");
    }
    assert_eq!(
        description()["info"]["version"],
        env!("CARGO_PKG_VERSION"),
        "assets/openapi.json"
    );
}

#[tokio::test]
async fn every_address_answers_as_it_is_documented() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    for path in documented().keys() {
        let mut foreign = request("GET", path, Body::empty());
        let host = header::HeaderValue::from_static("evil.example");
        foreign.headers_mut().insert(header::HOST, host);
        if documented()[path].contains("GET") {
            is_as_documented("GET", path, &server.get(path).await);
            is_as_documented("GET", path, &server.ask(foreign).await);
        }
    }
    let predict = "/api/v1/predict";
    let explained =
        json!({ "pixels": bar_pixels(), "explain": ["neighbours", "saliency", "features"] });
    for body in [
        explained.to_string(),
        json!({ "pixels": bar_pixels(), "models": ["nobody"] }).to_string(),
        json!({ "pixels": [1] }).to_string(),
        json!({ "pixels": vec![9; 784] }).to_string(),
    ] {
        let answer = server.post_json(predict, body).await;
        is_as_documented("POST", predict, &answer);
    }
    for bytes in [&bar()[..], b"", b"text", &bar()[..50]] {
        let answer = server.post_picture("x", bytes).await;
        is_as_documented("POST", predict, &answer);
    }
    let numbers = "/api/v1/numbers";
    for bytes in [&bar()[..], b"", b"text", &bar()[..50]] {
        let mut asked = form(&[("picture", Some("x"), bytes)]);
        *asked.uri_mut() = numbers.parse().expect("an address");
        is_as_documented("POST", numbers, &server.ask(asked).await);
    }
    let pixels = server.post_json(numbers, explained.to_string()).await;
    is_as_documented("POST", numbers, &pixels);
    let corrections = "/api/v1/corrections";
    for label in ["7", "x"] {
        let body = json!({ "pixels": bar_pixels(), "label": label, "model": "better" });
        let answer = server.post_json(corrections, body.to_string()).await;
        is_as_documented("POST", corrections, &answer);
    }
    is_as_documented("GET", corrections, &server.get(corrections).await);
}

#[tokio::test]
async fn what_is_served_is_the_description() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let served = server.get("/api/v1/openapi.json").await.is_ok();
    assert_eq!(served, description());
    assert!(served["openapi"].as_str().expect("text").starts_with("3.1"));
}
