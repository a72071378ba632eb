//! What can go wrong between a client and the server, over real sockets.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{PATIENCE, Serving, drawn, http::form, server_says, shell_says};
use crate::support::{comparison, scratch};

#[test]
fn slow_and_endless_uploads_end() {
    let folder = scratch("serve-uploads");
    let serving = Serving::of_comparison(&folder, &["--upload-seconds", "1"]);
    let kind = "Content-Type: multipart/form-data; boundary=b";

    // It promises an image and sends little of it.
    let mut client = serving.client();
    client.send_head("POST", "/api/v1/predict", &[kind, "Content-Length: 100000"]);
    client.send_raw(b"--b\r\n").unwrap();
    let start = Instant::now();
    client.read().unwrap().is_problem(408, "too-slow");
    assert!(start.elapsed() < PATIENCE / 2);

    // It promises too much.
    let mut client = serving.client();
    client.send_head(
        "POST",
        "/api/v1/predict",
        &[kind, "Content-Length: 999999999999"],
    );
    client.read().unwrap().is_problem(413, "body-too-large");

    // It promises nothing and sends without end.
    let mut client = serving.client();
    client.send_head(
        "POST",
        "/api/v1/predict",
        &[kind, "Transfer-Encoding: chunked"],
    );
    let chunk = [b"10000\r\n", &vec![b'x'; 0x10000][..], b"\r\n"].concat();
    // The answer reaches it though it reads nothing before it has sent it all.
    for _ in 0..400 {
        client.send_raw(&chunk).unwrap();
    }
    client.read().unwrap().is_problem(413, "body-too-large");

    // A body that would have to be unpacked first.
    let mut client = serving.client();
    let gzip = "Content-Encoding: gzip";
    let answer = client.request("POST", "/api/v1/predict", &[kind, gzip], b"\x1f\x8b");
    answer.is_problem(415, "unsupported-encoding");
    assert_eq!(answer.header("accept-encoding"), Some("identity"));
    let plain = "Content-Encoding: Identity";
    let answer = client.request("POST", "/api/v1/predict", &[kind, plain], b"");
    answer.is_problem(400, "malformed-multipart");

    // Chunks that are no chunks.
    let mut client = serving.client();
    client.send_head(
        "POST",
        "/api/v1/predict",
        &[kind, "Transfer-Encoding: chunked"],
    );
    client.send_raw(b"zz\r\nnonsense\r\n").unwrap();
    if let Ok(answer) = client.read() {
        answer.is_problem(400, "broken-body");
    }

    // And whoever behaves is answered.
    let mut client = serving.client();
    client.predict(&drawn(0), None).ok();
}

#[test]
fn a_chunked_picture_is_as_good_as_any() {
    let folder = scratch("serve-chunked");
    let serving = Serving::of_comparison(&folder, &[]);
    let mut client = serving.client();
    let (kind, body) = form(&[("picture", "x.png", &drawn(5))]);
    let kind = format!("Content-Type: {kind}");
    client.send_head(
        "POST",
        "/api/v1/predict",
        &[&kind, "Transfer-Encoding: chunked"],
    );
    for part in body.chunks(100) {
        let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
        client.send_raw(&chunk).unwrap();
    }
    client.send_raw(b"0\r\n\r\n").unwrap();
    let chunked = client.read().unwrap().ok();
    let whole = client.predict(&drawn(5), None).ok();
    assert_eq!(server_says(&chunked), server_says(&whole));
}

#[test]
fn strangers_get_nothing() {
    let folder = scratch("serve-strangers");
    let serving = Serving::of_comparison(&folder, &[]);
    let mut client = serving.client();
    for host in [
        "Host: evil.example",
        "Host:",
        "Host: localhost.evil.example",
    ] {
        let answer = client.request("GET", "/api/v1/models", &[host], b"");
        answer.is_problem(403, "foreign-host");
    }
    // Without any.
    let mut bare = serving.client();
    bare.send_raw(b"GET /api/v1/models HTTP/1.0\r\n\r\n")
        .unwrap();
    bare.read().unwrap().is_problem(403, "foreign-host");
    for header in [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: ftp://localhost",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        for path in ["/api/v1/predict", "/api/v1/corrections"] {
            let answer = client.request("POST", path, &[header], b"");
            answer.is_problem(403, "cross-site");
        }
    }
    for path in [
        "/reports/../../../../etc/passwd",
        "/reports/%2e%2e%2f%2e%2e%2fCargo.toml",
        "/../../etc/passwd",
        "/js/..%2f..%2fsecret",
    ] {
        client.get(path).is_problem(404, "not-found");
    }
    assert!(!folder.join("corrections").exists());
}

#[test]
fn a_hundred_at_once_are_answered_rightly_in_bounded_memory() {
    let folder = scratch("serve-hundred");
    let serving = Serving::of_comparison(&folder, &[]);
    let shell = shell_says(
        &folder,
        &comparison().folder.join("models"),
        100,
        &["--all"],
    );
    // What grows once, such as the buffers of each thread, has grown.
    for index in 0..20 {
        serving.client().predict(&drawn(index), None).ok();
    }
    let before = serving.memory();
    for _ in 0..3 {
        thread::scope(|scope| {
            for (index, expected) in shell.iter().enumerate() {
                let serving = &serving;
                scope.spawn(move || {
                    let answer = serving.client().predict(&drawn(index), None).ok();
                    assert_eq!(server_says(&answer), *expected, "digit {index}");
                });
            }
        });
    }
    if let (Some(before), Some(after)) = (before, serving.memory()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 64 << 20, "{before} bytes became {after}");
    }
}

#[test]
fn work_for_clients_that_have_gone_is_dropped() {
    let folder = scratch("serve-gone");
    let serving = Serving::of_comparison(&folder, &[]);
    let (kind, body) = form(&[("picture", "x.png", &drawn(5))]);
    let kind = format!("Content-Type: {kind}");
    let length = format!("Content-Length: {}", body.len());
    let before = serving.open_files();
    for _ in 0..200 {
        let mut client = serving.client();
        client.send_head("POST", "/api/v1/predict", &[&kind, &length]);
        client.send_raw(&body).unwrap();
        // Gone without a word.
    }
    let end = Instant::now() + PATIENCE;
    while serving.open_files() > before {
        assert!(Instant::now() < end, "{:?}", serving.open_files());
        thread::sleep(Duration::from_millis(50));
    }
    serving.client().predict(&drawn(5), None).ok();
}

#[test]
fn clients_that_dawdle_do_not_stop_a_prediction() {
    let folder = scratch("serve-dawdlers");
    let serving = Serving::of_comparison(&folder, &[]);
    // More than there are places: heads that do not end, then answers that nobody takes in.
    let report = serving.client().get("/api/v1/reports").ok()["reports"][0]["href"].clone();
    let report = format!("GET {} HTTP/1.1\r\n", report.as_str().unwrap());
    for head in ["GET / HTTP/1.1\r\n", &report] {
        let whole = format!("{head}Host: {}\r\n\r\n", serving.address);
        let sent = if head == report { &whole } else { head };
        let mut dawdling = Vec::new();
        for _ in 0..300 {
            let mut client = serving.client();
            client.send_raw(sent.as_bytes()).unwrap();
            dawdling.push(client);
        }
        let start = Instant::now();
        serving.client().predict(&drawn(5), None).ok();
        assert!(start.elapsed() < PATIENCE / 6, "{:?}", start.elapsed());
    }
}
