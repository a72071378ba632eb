//! Everything that can be wrong with a request, and what is answered.

use std::{
    pin::Pin,
    sync::{Mutex, mpsc},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{StatusCode, header},
};
use bakeoff_ask::{Models, Unreadable};
use bakeoff_core::ImageShape;
use bakeoff_picture::encode_png;
use serde_json::{Value, json};

use super::support::*;
use crate::Limits;

fn fixture() -> (tempfile::TempDir, Fixture) {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::new(folder.path(), two_models(), Limits::default());
    (folder, fixture)
}

/// A PNG whose header claims this size, with nothing behind it.
fn claims(width: u32, height: u32) -> Vec<u8> {
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
            })
        })
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in [
        (
            b"IHDR",
            [
                &width.to_be_bytes()[..],
                &height.to_be_bytes(),
                &[8, 0, 0, 0, 0],
            ]
            .concat(),
        ),
        (b"IDAT", vec![0x78, 0x9c, 3, 0, 0, 0, 0, 1]),
        (b"IEND", vec![]),
    ] {
        png.extend((data.len() as u32).to_be_bytes());
        let chunk = [&kind[..], &data].concat();
        png.extend(&chunk);
        png.extend(crc(&chunk).to_be_bytes());
    }
    png
}

#[tokio::test]
async fn a_picture_is_answered_by_every_model_best_first() {
    let (_folder, server) = fixture();
    // Known by its content, not by its name.
    for name in ["bar.png", "bar.jpg", "bar"] {
        let answer = server.post_picture(name, &bar()).await.is_ok();
        let models: Vec<&Value> = answer["predictions"]
            .as_array()
            .expect("predictions")
            .iter()
            .map(|prediction| &prediction["model"])
            .collect();
        assert_eq!(models, ["mnist/better", "mnist/worse"]);
        for prediction in answer["predictions"].as_array().expect("predictions") {
            let probabilities = prediction["probabilities"].as_array().expect("a list");
            let sum: f64 = probabilities
                .iter()
                .map(|it| it["probability"].as_f64().expect("a number"))
                .sum();
            assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            assert_eq!(probabilities.len(), 10);
            assert!(prediction["latency_us"].as_f64() > Some(0.0));
            assert!(prediction.get("explanation").is_none());
        }
        assert_eq!(answer["verdict"]["unanimous"], true);
        // What they saw can be sent again, and gives the same.
        let pixels = &answer["inputs"][0]["pixels"];
        assert_eq!(pixels.as_array().map(Vec::len), Some(784));
        let again = server
            .post_json("/api/v1/predict", json!({ "pixels": pixels }).to_string())
            .await
            .is_ok();
        for (a, b) in [(0, 0), (1, 1)] {
            assert_eq!(
                answer["predictions"][a]["probabilities"],
                again["predictions"][b]["probabilities"]
            );
        }
    }
}

#[tokio::test]
async fn models_are_chosen_by_name_and_explain_themselves() {
    let (_folder, server) = fixture();
    let parts: [(&str, Option<&str>, &[u8]); 3] = [
        ("picture", Some("x"), &bar()),
        ("model", None, b"worse"),
        ("explain", None, b"neighbours"),
    ];
    let answer = server.ask(form(&parts)).await.is_ok();
    assert_eq!(answer["predictions"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["predictions"][0]["model"], "mnist/worse");
    let near = &answer["predictions"][0]["explanation"]["neighbours"];
    assert_eq!(near.as_array().map(Vec::len), Some(5));
    assert_eq!(near[3]["class"], "3");
    let unknown = json!({ "pixels": bar_pixels(), "models": ["bettr"] });
    let problem = server
        .post_json("/api/v1/predict", unknown.to_string())
        .await
        .is_problem(404, "unknown-model");
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("did you mean `better`?"), "{detail}");
    // A name that would take gigabytes to compare with others is not.
    let endless = "x".repeat(1_000_000);
    let unknown = json!({ "pixels": bar_pixels(), "models": [endless] });
    let problem = server
        .post_json("/api/v1/predict", unknown.to_string())
        .await
        .is_problem(404, "unknown-model");
    assert!(problem["detail"].as_str().is_some_and(|it| it.len() < 200));
    // Nor is what was sent repeated in full.
    let name = "n".repeat(1_000_000);
    let answer = server.ask(form(&[(&name, None, b"x")])).await;
    let problem = answer.is_problem(422, "invalid-request");
    assert!(problem["detail"].as_str().is_some_and(|it| it.len() < 3000));
}

#[tokio::test]
async fn pictures_that_cannot_be_read_are_told_apart() {
    let (_folder, server) = fixture();
    let cut = &bar()[..bar().len() / 2];
    let mut flipped = bar();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let white = encode_png(ImageShape::new(1, 40, 40), &[255; 1600]).expect("a PNG");
    let black = encode_png(ImageShape::new(1, 40, 40), &[0; 1600]).expect("a PNG");
    let clear = encode_png(ImageShape::new(4, 9, 9), &[0; 324]).expect("a PNG");
    let dot = encode_png(ImageShape::new(1, 1, 1), &[0]).expect("a PNG");
    for (what, bytes, status, code) in [
        ("no bytes", &b""[..], 400, "empty-picture"),
        ("text", b"hello, I am text", 415, "unsupported-picture"),
        ("a PNG cut short", cut, 400, "damaged-picture"),
        ("a PNG with a wrong byte", &flipped, 400, "damaged-picture"),
        (
            "a claim of 60000×60000",
            &claims(60_000, 60_000),
            413,
            "picture-too-large",
        ),
        (
            "a claim of 1×100000",
            &claims(1, 100_000),
            413,
            "picture-too-large",
        ),
        ("all white", &white, 422, "nothing-drawn"),
        ("all black", &black, 422, "nothing-drawn"),
        ("all transparent", &clear, 422, "nothing-drawn"),
        ("one pixel", &dot, 422, "nothing-drawn"),
        (
            "SVG",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            415,
            "unsupported-picture",
        ),
        (
            "HEIC",
            b"\0\0\0\x18ftypheic\0\0\0\0",
            415,
            "unsupported-picture",
        ),
        (
            "AVIF",
            b"\0\0\0\x18ftypavif\0\0\0\0",
            415,
            "unsupported-picture",
        ),
        (
            "a GIF cut short",
            b"GIF89a\x01\0\x01\0\0\0\0",
            400,
            "damaged-picture",
        ),
    ] {
        let answer = server.post_picture("x.png", bytes).await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
        let problem = answer.is_problem(status, code);
        if code == "unsupported-picture" {
            let detail = problem["detail"].as_str().expect("text");
            assert!(detail.contains("PNG or JPEG"), "{what}: {detail}");
        }
    }
}

#[tokio::test]
async fn pixels_that_are_none_are_named() {
    let (_folder, server) = fixture();
    let with = |index: usize, value: Value| {
        let mut pixels: Vec<Value> = bar_pixels().into_iter().map(Value::from).collect();
        pixels[index] = value;
        json!({ "pixels": pixels }).to_string()
    };
    let few: Vec<u8> = bar_pixels()[1..].to_vec();
    for (what, body, words) in [
        ("NaN", "{\"pixels\":[NaN]}".to_owned(), "line 1"),
        ("1e39", with(5, json!(1e39)), "pixels[5]"),
        ("-1", with(5, json!(-1)), "pixels[5] is -1"),
        ("256", with(7, json!(256)), "pixels[7] is 256"),
        ("0.5", with(0, json!(0.5)), "whole numbers"),
        ("783 values", json!({ "pixels": few }).to_string(), "783"),
        (
            "nested",
            json!({ "pixels": [[0, 1], [2, 3]] }).to_string(),
            "sequence",
        ),
        ("text", with(1, json!("x")), "string"),
        ("null", with(1, json!(null)), "null"),
        ("no pixels", "{}".to_owned(), "pixels"),
        (
            "an unknown key",
            json!({ "pixels": bar_pixels(), "modle": "cnn" }).to_string(),
            "modle",
        ),
        (
            "an unknown explanation",
            json!({ "pixels": bar_pixels(), "explain": ["why"] }).to_string(),
            "why",
        ),
        ("no JSON", "hello".to_owned(), "expected"),
        ("deep nesting", "[".repeat(10_000), "line 1"),
    ] {
        let answer = server.post_json("/api/v1/predict", body).await;
        assert_eq!(answer.status.as_u16(), 422, "{what}");
        let problem = answer.is_problem(422, "invalid-request");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(words), "{what}: {detail}");
    }
    let blank = json!({ "pixels": vec![0; 784] }).to_string();
    let answer = server.post_json("/api/v1/predict", blank).await;
    answer.is_problem(422, "nothing-drawn");
}

#[tokio::test]
async fn forms_that_cannot_be_taken_apart_are_refused() {
    let (_folder, server) = fixture();
    let send = async |kind: &'static str, body: &'static [u8]| {
        let mut request = request("POST", "/api/v1/predict", body);
        let kind = header::HeaderValue::from_static(kind);
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        server.ask(request).await
    };
    for body in [
        &b""[..],
        b"no boundary anywhere",
        b"--limit\r\n",
        b"--limit\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\nno end",
    ] {
        let answer = send("multipart/form-data; boundary=limit", body).await;
        answer.is_problem(400, "malformed-multipart");
    }
    send("multipart/form-data", b"--limit--")
        .await
        .is_problem(400, "malformed-multipart");
    send("text/plain", b"7")
        .await
        .is_problem(415, "unsupported-media-type");
    let picture = bar();
    for parts in [
        &[("model", None, &b"worse"[..])][..],
        &[("pictures", Some("x.png"), &picture[..])],
        &[
            ("picture", Some("a"), &picture),
            ("picture", Some("b"), &picture),
        ],
        &[("picture", Some("a"), &picture), ("model", None, b"\xff")],
        &[("picture", Some("a"), &picture), ("explain", None, b"why")],
    ] {
        let answer = server.ask(form(parts)).await;
        answer.is_problem(422, "invalid-request");
    }
}

/// A body that never ends: bytes without end, or nothing at all.
struct Endless {
    chunk: Option<Bytes>,
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        match &self.chunk {
            Some(chunk) => Poll::Ready(Some(Ok(hyper::body::Frame::data(chunk.clone())))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test]
async fn bodies_are_limited_in_bytes_and_in_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits {
        body_bytes: 100_000,
        upload_time: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Fixture::new(folder.path(), two_models(), limits);
    // Where the length is stated, nothing is read.
    let mut told = form(&[("picture", Some("x"), &[0; 10])]);
    let length = header::HeaderValue::from_static("100001");
    told.headers_mut().insert(header::CONTENT_LENGTH, length);
    server.ask(told).await.is_problem(413, "body-too-large");
    // Without, no more than the limit.
    let chunk = Some(Bytes::from_static(&[0; 1000]));
    let (head, _) = form(&[]).into_parts();
    let endless = axum::http::Request::from_parts(head, Body::new(Endless { chunk }));
    server.ask(endless).await.is_problem(413, "body-too-large");
    let (head, _) = form(&[]).into_parts();
    let silent = axum::http::Request::from_parts(head, Body::new(Endless { chunk: None }));
    server.ask(silent).await.is_problem(408, "too-slow");
    // And there is room again for what fits.
    server.post_picture("x", &bar()).await.is_ok();
}

#[tokio::test]
async fn a_picture_of_many_megabytes_is_read_as_far_as_the_limit_allows() {
    let (_folder, server) = fixture();
    // As phones write them; what follows the end of a PNG is no part of it.
    let mut photo = bar();
    photo.resize(10 << 20, 0);
    server.post_picture("photo.png", &photo).await.is_ok();
}

#[tokio::test]
async fn drawings_are_answered_while_large_pictures_arrive_slowly() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits {
        body_bytes: 100_000,
        all_bodies_bytes: 100_000,
        upload_time: Duration::from_secs(3600),
        ..Limits::default()
    };
    let server = Fixture::new(folder.path(), two_models(), limits);
    let (head, _) = form(&[]).into_parts();
    let endless = Body::new(Endless { chunk: None });
    let silent = axum::http::Request::from_parts(head, endless);
    let other = server.clone();
    // It is given all the room there is.
    let waits = tokio::spawn(async move { other.ask(silent).await });
    tokio::task::yield_now().await;
    let drawing = form(&[("picture", Some("x"), &bar())]);
    let (mut head, body) = drawing.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("bytes");
    head.headers
        .insert(header::CONTENT_LENGTH, body.len().into());
    let drawing = axum::http::Request::from_parts(head, Body::from(body));
    let answer = tokio::time::timeout(Duration::from_secs(60), server.ask(drawing)).await;
    answer.expect("it does not wait").is_ok();
    waits.abort();
}

#[tokio::test]
async fn a_full_queue_is_told_with_when_to_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (leave, gate) = mpsc::channel();
    let slow = Tenths {
        gate: Some(Mutex::new(gate)),
        ..tenths()
    };
    let limits = Limits {
        threads: 1,
        queue: 2,
        ..Limits::default()
    };
    let models = only(vec![served("mnist", "slow", 0.9, slow)]);
    let server = Fixture::new(folder.path(), models, limits);
    let body = json!({ "pixels": bar_pixels() }).to_string();
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (server, body) = (server.clone(), body.clone());
        set.spawn(async move { server.post_json("/api/v1/predict", body).await });
    }
    // Two wait, and one runs if the thread took it before the others came; the rest are
    // turned away at once.
    let mut results = Vec::new();
    while let Some(answer) = set.join_next().await {
        let answer = answer.expect("joined");
        results.push(answer.status);
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(answer.headers[header::RETRY_AFTER], "1");
            answer.is_problem(503, "busy");
        }
        if results.len() == 3 {
            assert!(!results.contains(&StatusCode::OK), "answered without leave");
            for _ in 0..3 {
                leave.send(()).expect("the model waits");
            }
        }
    }
    let fine = results.iter().filter(|it| **it == StatusCode::OK).count();
    assert!((2..=3).contains(&fine) && results.len() == 6, "{results:?}");
}

#[tokio::test]
async fn a_hundred_at_once_all_get_their_own_answer() {
    let (_folder, server) = fixture();
    let mut set = tokio::task::JoinSet::new();
    for number in 0..100_u32 {
        let fixture = server.clone();
        set.spawn(async move {
            // Ink in one row, so that the answer tells which request it is for.
            let row = number as usize % 28;
            let mut pixels = vec![0; 784];
            pixels[row * 28 + 3] = 200;
            let body = json!({ "pixels": pixels, "models": ["better"] }).to_string();
            let answer = fixture.post_json("/api/v1/predict", body).await.is_ok();
            assert_eq!(answer["predictions"][0]["label"], row * 10 / 28);
        });
    }
    while let Some(done) = set.join_next().await {
        done.expect("the right answer");
    }
}

#[tokio::test]
async fn without_models_nothing_is_answered_but_the_page_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), Models::default(), Limits::default());
    let answer = server.post_picture("x", &bar()).await;
    answer.is_problem(503, "no-models");
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    assert_eq!(server.get("/").await.status, StatusCode::OK);
    let health = server.get("/api/v1/health").await.is_ok();
    assert_eq!(health["status"], "no-models");
    let examples = server.get("/api/v1/examples").await.is_ok();
    assert_eq!(examples["examples"], json!([]));
}

#[tokio::test]
async fn a_model_that_cannot_be_read_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut models = two_models();
    models.unreadable.push(Unreadable {
        name: "mnist/damaged".into(),
        reason: "its weights end too early".into(),
    });
    let server = Fixture::new(folder.path(), models, Limits::default());
    let ask = async |name: &str| {
        let body = json!({ "pixels": bar_pixels(), "label": "7", "model": name }).to_string();
        server.post_json("/api/v1/corrections", body).await
    };
    let problem = ask("damaged").await.is_problem(503, "unreadable-model");
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.ends_with("its weights end too early"), "{detail}");
    ask("none").await.is_problem(404, "unknown-model");
}
