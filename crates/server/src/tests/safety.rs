//! Who is let in, and what cannot be reached or loaded.

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use serde_json::json;

use super::support::*;
use crate::Limits;

fn fixture() -> (tempfile::TempDir, Fixture) {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::new(folder.path(), two_models(), Limits::default());
    (folder, fixture)
}

#[tokio::test]
async fn strangers_are_kept_out_and_told_why() {
    let (_folder, server) = fixture();
    let mut foreign = request("GET", "/api/v1/models", Body::empty());
    let host = header::HeaderValue::from_static("evil.example");
    foreign.headers_mut().insert(header::HOST, host);
    server.ask(foreign).await.is_problem(403, "foreign-host");
    let mut nobody = request("GET", "/", Body::empty());
    nobody.headers_mut().remove(header::HOST);
    server.ask(nobody).await.is_problem(403, "foreign-host");
    for path in ["/api/v1/predict", "/api/v1/corrections"] {
        let mut other = request("POST", path, Body::empty());
        let site = header::HeaderValue::from_static("cross-site");
        other.headers_mut().insert("sec-fetch-site", site);
        server.ask(other).await.is_problem(403, "cross-site");
        let mut other = request("POST", path, Body::empty());
        let origin = header::HeaderValue::from_static("http://evil.example");
        other.headers_mut().insert(header::ORIGIN, origin);
        server.ask(other).await.is_problem(403, "cross-site");
    }
}

#[tokio::test]
async fn no_path_leads_to_the_disk_but_those_of_reports() {
    let (folder, server) = fixture();
    let secret = folder.path().join("report.html");
    std::fs::write(&secret, "secret").expect("written");
    let run = folder.path().join("reports/<script> & co");
    std::fs::create_dir_all(&run).expect("a folder");
    std::fs::write(run.join("report.html"), "<h1>Report</h1>").expect("written");
    for path in [
        "/reports/..",
        "/reports/%2e%2e",
        "/reports/..%2f",
        "/reports/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/reports/..%5c",
        "/reports/.",
        "/reports/",
        "/reports//etc/passwd",
        "/reports/%00",
        "/reports/%ff",
        "/reports/nothing",
        "/../Cargo.toml",
        "/js/../../Cargo.toml",
        "/js/%2e%2e/style.css",
        "/report.html",
        "/models",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        answer.is_problem(404, "not-found");
    }
    let report = server.get("/reports/%3Cscript%3E%20%26%20co").await;
    assert_eq!(report.status, StatusCode::OK);
    assert_eq!(report.text(), "<h1>Report</h1>");
    let policy = report.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("text");
    assert!(policy.contains("sandbox allow-scripts"), "{policy}");
    assert!(!policy.contains("allow-same-origin"), "{policy}");
    // It is no run: nothing says what it is about, so that it is not listed.
    let listed = server.get("/api/v1/reports").await.is_ok();
    assert_eq!(listed["reports"], json!([]));
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_it() {
    let (_folder, server) = fixture();
    for path in [
        "/",
        "/js/main.js",
        "/api/v1/models",
        "/nothing",
        "/colours.css",
    ] {
        let headers = server.get(path).await.headers;
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .expect("text");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(headers.get("access-control-allow-origin").is_none());
        let camera = if path == "/" {
            "camera=(self),"
        } else {
            "camera=(),"
        };
        let permissions = headers["permissions-policy"].to_str().expect("text");
        assert!(permissions.starts_with(camera), "{path}: {permissions}");
    }
}

#[test]
fn the_page_has_nothing_inline_and_asks_nobody_else() {
    for asset in crate::assets::ASSETS {
        let text = asset.text;
        assert!(!text.is_empty(), "{}", asset.path);
        for forbidden in [
            "onclick=",
            "onload=",
            "style=\"",
            "javascript:",
            "innerHTML",
            "eval(",
        ] {
            assert!(!text.contains(forbidden), "{}: {forbidden}", asset.path);
        }
        for (at, _) in text.match_indices("://") {
            let around = &text[at.saturating_sub(5)..text.len().min(at + 30)];
            assert!(around.contains("www.w3.org"), "{}: {around}", asset.path);
        }
    }
}
