//! Images of several digits.

use axum::{
    body::Body,
    http::{Request, header},
};
use bakeoff_core::ImageShape;
use bakeoff_picture::encode_png;
use serde_json::{Value, json};

use super::support::*;
use crate::Limits;

const PATH: &str = "/api/v1/numbers";

fn fixture() -> (tempfile::TempDir, Fixture) {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::new(folder.path(), two_models(), Limits::default());
    (folder, fixture)
}

/// A question with these parts: name, file name, content.
fn question(parts: &[(&str, Option<&str>, &[u8])]) -> Request<Body> {
    let mut request = form(parts);
    *request.uri_mut() = PATH.parse().expect("an address");
    request
}

fn about(bytes: &[u8]) -> Request<Body> {
    question(&[("picture", Some("x"), bytes)])
}

/// Dark rectangles (left, top, width, height) on white paper, as PNG.
fn paper(width: usize, height: usize, marks: &[(usize, usize, usize, usize)]) -> Vec<u8> {
    let mut pixels = vec![250; width * height];
    for &(left, top, across, down) in marks {
        for row in top..top + down {
            pixels[row * width + left..][..across].fill(20);
        }
    }
    encode_png(ImageShape::new(1, height, width), &pixels).expect("a PNG")
}

/// Two bars in one row and one below the first, as three ones.
const BARS: [(usize, usize, usize, usize); 3] =
    [(30, 20, 8, 50), (80, 22, 8, 50), (31, 120, 8, 50)];

/// A form of three cells, the second of them empty.
fn table() -> Vec<u8> {
    let lines = [0, 1].map(|at| (30, 30 + at * 100, 302, 2));
    let ends = [0, 1, 2, 3].map(|at| (30 + at * 100, 30, 2, 102));
    let bars = [(76, 55, 9, 50), (276, 55, 9, 50)];
    let marks: Vec<_> = lines.into_iter().chain(ends).chain(bars).collect();
    paper(362, 162, &marks)
}

fn boxes(answer: &Value) -> Vec<Vec<Value>> {
    let rows = answer["rows"].as_array().expect("rows");
    let row = |row: &Value| row.as_array().expect("a row").clone();
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn numbers_are_read_row_by_row_with_where_each_digit_is() {
    let (_folder, server) = fixture();
    let picture = paper(140, 200, &BARS);
    let problem = server.post_picture("x", &picture).await;
    problem.is_problem(422, "several-drawings");
    let answer = server.ask(about(&picture)).await.is_ok();
    assert_eq!(answer["model"], "mnist/better");
    assert_eq!(answer["table"], false);
    let rows = boxes(&answer);
    assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    for (digit, (left, top, width, height)) in rows.iter().flatten().zip(BARS) {
        let near = |name: &str, expected: usize| {
            let found = digit["box"][name].as_u64().expect("a number") as usize;
            assert!(found.abs_diff(expected) <= 2, "{name}: {digit}");
        };
        near("left", left);
        near("top", top);
        near("width", width);
        near("height", height);
        assert_eq!(digit["pixels"].as_array().map(Vec::len), Some(784));
        let top = digit["top"].as_array().expect("a list");
        assert_eq!(top.len(), 3);
        assert_eq!(top[0]["class"], digit["class"]);
        assert_eq!(top[0]["probability"], digit["probability"]);
        // A bar lies in more than one tenth of the rows.
        assert_eq!(digit["unsure"], true);
    }
    let class = |digit: &Value| digit["class"].as_str().expect("text").to_owned();
    let lines: Vec<String> = rows
        .iter()
        .map(|row| row.iter().map(class).collect())
        .collect();
    assert_eq!(answer["text"], lines.join("\n"));
    // What the model saw can be sent again, and gives the same.
    let again = json!({ "pixels": rows[0][0]["pixels"], "models": ["better"] });
    let again = server
        .post_json("/api/v1/predict", again.to_string())
        .await
        .is_ok();
    assert_eq!(again["predictions"][0]["class"], rows[0][0]["class"]);
    assert_eq!(
        again["predictions"][0]["confidence"],
        rows[0][0]["probability"]
    );
}

#[tokio::test]
async fn the_cells_of_a_form_are_a_table() {
    let (_folder, server) = fixture();
    let answer = server.ask(about(&table())).await.is_ok();
    assert_eq!(answer["table"], true, "{answer}");
    let rows = boxes(&answer);
    assert_eq!(rows.len(), 1);
    let empty: Vec<bool> = rows[0].iter().map(Value::is_null).collect();
    assert_eq!(empty, [false, true, false]);
    let text = answer["text"].as_str().expect("text");
    assert_eq!(text.split(' ').nth(1), Some("."), "{text}");
}

#[tokio::test]
async fn the_model_that_is_named_reads_else_the_best_one_of_ink() {
    let folder = tempfile::tempdir().expect("a folder");
    let colour = Tenths {
        shape: ImageShape::new(3, 32, 32),
        gate: None,
    };
    let models = vec![
        served("cifar-10", "colour", 0.99, colour),
        served("mnist", "worse", 0.8, tenths()),
        served("mnist", "better", 0.9, tenths()),
    ];
    let server = Fixture::new(folder.path(), only(models), Limits::default());
    let picture = paper(140, 200, &BARS);
    let named = async |names: &[&str]| {
        let mut parts: Vec<(&str, Option<&str>, &[u8])> = vec![("picture", Some("x"), &picture)];
        parts.extend(names.iter().map(|name| ("model", None, name.as_bytes())));
        server.ask(question(&parts)).await
    };
    assert_eq!(named(&[]).await.is_ok()["model"], "mnist/better");
    assert_eq!(named(&["worse"]).await.is_ok()["model"], "mnist/worse");
    let refused = named(&["colour"]).await.is_problem(422, "invalid-request");
    let detail = refused["detail"].as_str().expect("text");
    assert!(
        detail.starts_with("cifar-10/colour was trained"),
        "{detail}"
    );
    let refused = named(&["worse", "better"]).await;
    refused.is_problem(422, "invalid-request");
    named(&["nobody"]).await.is_problem(404, "unknown-model");
}

#[tokio::test]
async fn problems_are_those_of_predict() {
    let (_folder, server) = fixture();
    let white = paper(60, 60, &[]);
    for (bytes, status, code) in [
        (&b""[..], 400, "empty-picture"),
        (b"hello, I am text", 415, "unsupported-picture"),
        (&bar()[..50], 400, "damaged-picture"),
        (&white, 422, "nothing-drawn"),
    ] {
        server.ask(about(bytes)).await.is_problem(status, code);
    }
    let pixels = json!({ "pixels": bar_pixels() }).to_string();
    let refused = server.post_json(PATH, pixels).await;
    refused.is_problem(415, "unsupported-media-type");
    let explained = [
        ("picture", Some("x"), &bar()[..]),
        ("explain", None, b"saliency"),
    ];
    let refused = server.ask(question(&explained)).await;
    refused.is_problem(422, "invalid-request");
}

#[tokio::test]
async fn a_large_body_is_refused_and_a_large_file_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits {
        body_bytes: 100_000,
        ..Limits::default()
    };
    let server = Fixture::new(folder.path(), two_models(), limits);
    let mut photo = paper(140, 200, &BARS);
    photo.resize(90_000, 0);
    server.ask(about(&photo)).await.is_ok();
    photo.resize(100_001, 0);
    let refused = server.ask(about(&photo)).await;
    refused.is_problem(413, "body-too-large");
    let mut stated = about(&bar());
    let length = header::HeaderValue::from_static("100001");
    stated.headers_mut().insert(header::CONTENT_LENGTH, length);
    server.ask(stated).await.is_problem(413, "body-too-large");
}
