//! Drawing in the report: the page and `bakeoff predict` give the same answers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bakeoff_core::ImageShape;
use bakeoff_picture::encode_png;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{chromium::Chromium, report};
use crate::support::{comparison, run, scratch};

/// How far a probability of the page may lie from the program's: what 16-bit weights cost.
const TOLERANCE: f64 = 1e-3;
/// The pad's side in pixels.
const PAD: usize = 280;
/// Test digits that are tried.
const DIGITS: usize = 40;

/// What `bakeoff predict --all` says of images, by model, then class by class.
fn predicted(pictures: &[PathBuf]) -> Vec<BTreeMap<String, Vec<f64>>> {
    let mut arguments = vec!["predict", "--all", "--json", "--top", "10"];
    arguments.extend(pictures.iter().map(|path| path.to_str().unwrap()));
    let output = run(&comparison().folder, &arguments).expect(0);
    let of_picture = |line: &Value| {
        let answers = line["predictions"].as_array().unwrap().iter();
        answers
            .map(|answer| {
                let name = answer["model"]
                    .as_str()
                    .unwrap()
                    .rsplit('/')
                    .next()
                    .unwrap();
                let mut row = vec![0.0; 10];
                for candidate in answer["top"].as_array().unwrap() {
                    let class: usize = candidate["class"].as_str().unwrap().parse().unwrap();
                    row[class] = candidate["probability"].as_f64().unwrap();
                }
                (name.to_owned(), row)
            })
            .collect()
    };
    output.json_lines().iter().map(of_picture).collect()
}

/// A test image as the page has it, and what the page says of it.
#[derive(Deserialize)]
struct Digit {
    index: usize,
    pixels: Vec<u8>,
    said: BTreeMap<String, Vec<f64>>,
}

/// What the page says of what lies on its pad, by model.
fn answered(browser: &mut Chromium) -> BTreeMap<String, Vec<f64>> {
    let said = browser.evaluate(
        "(() => {
            const group = trial.groups[0];
            const said = predictAll(preparedPad());
            return Object.fromEntries(group.models.map((model, at) => [model.name, said[at]]));
        })()",
    );
    serde_json::from_value(said).unwrap()
}

#[track_caller]
fn check_agreement(
    page: &BTreeMap<String, Vec<f64>>,
    program: &BTreeMap<String, Vec<f64>>,
    what: &str,
) {
    let names: Vec<&String> = page.keys().collect();
    assert_eq!(names, ["ann", "cnn", "logistic"], "knn keeps its images");
    for (name, row) in page {
        for (class, (found, expected)) in row.iter().zip(&program[name]).enumerate() {
            assert!(
                (found - expected).abs() <= TOLERANCE,
                "{what}, {name}, class {class}: the page says {found}, the program {expected}"
            );
        }
    }
}

/// Writes what lies on the pad as a PNG.
fn save_pad(browser: &mut Chromium, path: &Path) {
    let pixels = browser.evaluate("[...readPad().values]");
    let pixels: Vec<u8> = serde_json::from_value(pixels).unwrap();
    let png = encode_png(ImageShape::new(1, PAD, PAD), &pixels).unwrap();
    fs::write(path, png).unwrap();
}

#[test]
fn test_digits_are_answered_as_the_program_answers_them() {
    let Some(mut browser) = report("browser-digits") else {
        return;
    };
    // The test images that the page holds, as the dataset has them.
    let digits = browser.evaluate(
        "(async () => {
            const found = [];
            const random = Math.random;
            for (let at = 0; at < 40; at++) {
                trial.marks = [];
                Math.random = () => at / 40;
                await loadTestImage();
                const group = trial.groups[0];
                const said = predictAll(preparedPad());
                found.push({
                    index: explorerSamples()[Math.floor((at / 40) * explorerSamples().length)].index,
                    pixels: [...preparedPad()],
                    said: Object.fromEntries(group.models.map((model, m) => [model.name, said[m]])),
                });
            }
            Math.random = random;
            return found;
        })()",
    );
    let digits: Vec<Digit> = serde_json::from_value(digits).unwrap();
    assert_eq!(digits.len(), DIGITS);
    let folder = scratch("pad-digits");
    let paths: Vec<PathBuf> = digits
        .iter()
        .map(|digit| {
            let path = folder.join(format!("digit-{}.png", digit.index));
            let png = encode_png(ImageShape::new(1, 28, 28), &digit.pixels).unwrap();
            fs::write(&path, png).unwrap();
            path
        })
        .collect();
    let program = predicted(&paths);
    for (digit, program) in digits.iter().zip(&program) {
        check_agreement(&digit.said, program, &format!("test digit {}", digit.index));
    }
}

#[test]
fn drawing_is_answered_and_can_be_taken_back() {
    let Some(mut browser) = report("browser-drawing") else {
        return;
    };
    let answers = "byId('try-answers').textContent";
    let nothing = browser.evaluate(answers);
    assert_eq!(nothing, "Nothing drawn yet.");
    let folder = scratch("pad-strokes");
    // A seven, then the bar through it that some people write, a stray tap (a speck), a dot
    // that belongs to it, and a second digit.
    let strokes: [(&str, &[(f64, f64)]); 5] = [
        (
            "seven",
            &[
                (0.3, 0.25),
                (0.5, 0.22),
                (0.7, 0.25),
                (0.6, 0.5),
                (0.45, 0.85),
            ],
        ),
        ("bar", &[(0.35, 0.55), (0.7, 0.5)]),
        ("speck", &[(0.06, 0.93)]),
        ("dot", &[(0.78, 0.6), (0.78, 0.66)]),
        ("one", &[(0.9, 0.2), (0.9, 0.8)]),
    ];
    // A tap alone is a dot, not nothing.
    browser.draw("#try-pad", &[(0.5, 0.5)]);
    assert_ne!(browser.evaluate(answers), nothing);
    browser.click("#try-clear");
    let (mut pages, mut paths, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for (name, stroke) in strokes {
        browser.draw("#try-pad", stroke);
        let path = folder.join(format!("{name}.png"));
        save_pad(&mut browser, &path);
        said.push(browser.evaluate(answers));
        if name == "one" {
            // Two drawings: neither the page nor the program answers.
            let words = said[said.len() - 1].as_str().unwrap().to_owned();
            assert!(words.starts_with("There are 2 drawings"), "{words}");
            let refused = run(
                &comparison().folder,
                &["predict", "--all", path.to_str().unwrap()],
            );
            let refused = refused.expect(4).stderr;
            assert!(refused.contains("there are 2 drawings"), "{refused}");
            continue;
        }
        paths.push(path);
        pages.push(answered(&mut browser));
    }
    let program = predicted(&paths);
    for ((page, program), path) in pages.iter().zip(&program).zip(&paths) {
        check_agreement(page, program, &path.display().to_string());
    }
    assert_ne!(said[0], said[1], "the second stroke was seen");
    for model in ["cnn", "ann", "logistic"] {
        assert!(said[0].as_str().unwrap().contains(model), "{}", said[0]);
    }
    // What models see is shown.
    let ink = browser.evaluate(
        "byId('try-seen').getContext('2d').getImageData(0, 0, 28, 28).data.filter((v, i) => i % 4 === 0 && v > 0).length",
    );
    assert!(ink.as_u64().unwrap() > 20, "{ink}");

    assert_eq!(said[1], said[2], "the speck was dropped");
    for _ in 1..strokes.len() {
        browser.click("#try-undo");
    }
    assert_eq!(browser.evaluate(answers), said[0]);
    browser.click("#try-clear");
    assert_eq!(browser.evaluate(answers), nothing);
    assert_eq!(
        browser.evaluate("[byId('try-undo').disabled, byId('try-clear').disabled]"),
        json!([true, true])
    );
    // With the keyboard alone: a test image.
    browser.evaluate("byId('try-sample').focus()");
    browser.press("Enter");
    browser.evaluate(
        "(async () => { while (trial.marks.length === 0) await new Promise(done => setTimeout(done, 20)); })()",
    );
    let said = browser.evaluate(answers);
    assert!(said.as_str().unwrap().contains("cnn"), "{said}");
    let (complaints, _) = browser.complaints_and_requests();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn two_fingers_draw_two_strokes() {
    let Some(mut browser) = report("browser-fingers") else {
        return;
    };
    let corner = browser.evaluate(
        "(() => {
            byId('try-pad').scrollIntoView({ block: 'center', behavior: 'instant' });
            const box = byId('try-pad').getBoundingClientRect();
            return [box.x, box.y];
        })()",
    );
    let (left, top) = (corner[0].as_f64().unwrap(), corner[1].as_f64().unwrap());
    // One goes down on the left, the other one on the right.
    for step in 0..5 {
        let y = top + 60.0 + 30.0 * f64::from(step);
        let fingers =
            [(0, 60.0), (1, 220.0)].map(|(id, x)| json!({ "x": left + x, "y": y, "id": id }));
        let kind = if step == 0 { "touchStart" } else { "touchMove" };
        browser.call(
            "Input.dispatchTouchEvent",
            json!({ "type": kind, "touchPoints": fingers }),
        );
    }
    browser.call(
        "Input.dispatchTouchEvent",
        json!({ "type": "touchEnd", "touchPoints": [] }),
    );
    let widths = browser.evaluate(
        "trial.marks.map(stroke => {
            const across = stroke.map(it => it.x);
            return Math.round(Math.max(...across) - Math.min(...across));
        })",
    );
    assert_eq!(widths, json!([0, 0]), "no line leads from finger to finger");
}

#[test]
fn a_report_without_models_has_nothing_to_try() {
    let comparison = comparison();
    let folder = scratch("no-try-it");
    let copy = folder.join("run");
    copy_folder(&comparison.run, &copy);
    let models = comparison.folder.join("models");
    let models = models.to_str().unwrap();
    let size = |path: &Path| fs::metadata(path.join("report.html")).unwrap().len();
    let with = size(&comparison.run);
    let arguments = ["report", "run", "--no-try-it", "--models-dir", models];
    run(&folder, &arguments).expect(0);
    let html = fs::read_to_string(copy.join("report.html")).unwrap();
    assert!(!html.contains("id=\"try\""));
    assert!(with > size(&copy) + 200_000, "{with}, {}", size(&copy));
    // The same bytes again, when the models are back.
    run(&folder, &["report", "run", "--models-dir", models]).expect(0);
    assert_eq!(size(&copy), with);
    let again = fs::read(copy.join("report.html")).unwrap();
    assert!(again == fs::read(comparison.run.join("report.html")).unwrap());
    // Where the models are gone, the page says so.
    let nowhere = folder.join("nowhere");
    let arguments = ["report", "run", "--models-dir", nowhere.to_str().unwrap()];
    run(&folder, &arguments).expect(0);
    assert!(
        !fs::read_to_string(copy.join("report.html"))
            .unwrap()
            .contains("id=\"try\"")
    );
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
