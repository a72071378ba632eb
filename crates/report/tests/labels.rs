//! Labels that are probably wrong: which predictions they come from, and where they are shown.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;

use bakeoff_core::{
    ImageShape, Probabilities,
    record::{Cut, Run, SplitSpec},
};
use bakeoff_report::{
    Options,
    export::{Format, export},
    render,
};
use common::{Builder, Data, Fate, data, measured};

const CLASSES: usize = 3;

fn label(sample: usize) -> usize {
    sample % CLASSES
}

/// What a model says that is sure of the true class, except where `doubts` gives another class and
/// its probability.
fn sure(samples: &[usize], doubts: impl Fn(usize) -> Option<(usize, f32)>) -> Probabilities {
    let rows = samples.iter().flat_map(|&sample| {
        let (class, p) = doubts(sample).unwrap_or((label(sample), 0.96));
        (0..CLASSES).map(move |k| if k == class { p } else { (1.0 - p) / 2.0 })
    });
    Probabilities::new(CLASSES, rows.collect()).unwrap()
}

fn ok(data: &Data, accuracy: f64, probabilities: Probabilities) -> Fate {
    let mut measured = measured(data, "cnn", accuracy, 1);
    measured.samples.test = probabilities.len();
    Fate::Ok(Box::new(measured), probabilities)
}

/// A good model with two seeds, a worse one, and two folds of each.
fn run() -> Run {
    let names = ["ant", "bee", "cat"].map(String::from).to_vec();
    let labels = (0..30).map(|sample| label(sample) as u16).collect();
    let data = data("insects", names, ImageShape::new(1, 8, 8), labels);
    let test: Vec<usize> = (0..30).collect();
    let good = |other: usize, p: f32| {
        // Each seed doubts a label of its own a little, and both image 7.
        let doubts = move |sample| match sample {
            7 => Some((2, 0.98)),
            s if s == other => Some((0, p)),
            _ => None,
        };
        ok(&data, 0.96, sure(&test, doubts))
    };
    let bad = sure(&test, |sample| (sample < 10).then_some((0, 0.99)));
    let mut builder = Builder::new("labels", &[&data])
        .trial(&data, "cnn", "cnn", 1, good(4, 0.9))
        .trial(&data, "cnn", "cnn", 2, good(5, 0.6))
        .trial(&data, "ann", "ann", 1, ok(&data, 0.7, bad));
    for fold in 1..=2 {
        // Odd and even places of the training part.
        let places: Vec<usize> = (0..40).filter(|place| place % 2 == fold - 1).collect();
        let fingerprint = format!("fold {fold}");
        let cut = Cut {
            labels: places.iter().map(|&place| label(place) as u16).collect(),
            indices: places.iter().map(|&place| place as u32).collect(),
            files: Some(
                places
                    .iter()
                    .map(|place| format!("train/{place}.png"))
                    .collect(),
            ),
        };
        let doubts = |place| (place == 13).then_some((0, 0.97));
        let Fate::Ok(mut measured, probabilities) = ok(&data, 0.9, sure(&places, doubts)) else {
            unreachable!()
        };
        measured.test_fingerprint = fingerprint.clone();
        let fate = Fate::Ok(measured, probabilities);
        let mut run = builder.build();
        run.cuts.insert(fingerprint, cut);
        builder = Builder::from(run).variant(&data, ("cnn", "cnn", 1), fate, |trial| {
            trial.split = SplitSpec::Fold {
                fold,
                folds: 2,
                repeat: 1,
                seed: 1,
            };
        });
    }
    builder.build()
}

#[test]
fn the_best_model_contradicts_labels_of_both_parts() {
    let files = export(&run(), &[Format::Csv]).unwrap();
    let file = files.iter().find(|file| file.path == "label-issues.csv");
    let text = String::from_utf8(file.unwrap().bytes.clone()).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let names = "dataset,part,sample,file,given,suggested,confidence,confident";
    assert_eq!(lines[0].join(","), names);
    let found: Vec<[&str; 6]> = lines[1..]
        .iter()
        .map(|line| [line[1], line[2], line[3], line[4], line[5], line[7]])
        .collect();
    // Image 4: (0.9 + 0.02) / 2 for "ant" and (0.05 + 0.96) / 2 for its own label, so no issue;
    // image 5 even less. Those that only ann misses are not there.
    let expected = [
        ["test", "7", "", "bee", "cat", "yes"],
        ["training", "13", "train/13.png", "bee", "ant", "yes"],
    ];
    assert_eq!(found, expected);
    let confidence: f64 = lines[1][6].parse().unwrap();
    assert!((confidence - 0.99).abs() < 1e-6, "{confidence}");
}

#[test]
fn the_page_shows_them() {
    let html = render(&run(), &Options::default()).unwrap().html;
    let start = html.find("<section id=\"labels\"").unwrap();
    let section = &html[start..start + html[start..].find("</section>").unwrap()];
    for words in [
        "1 of 30 labels of the test part is contradicted",
        "1 of 40 labels of the training part is contradicted",
        "by cnn. Confident learning counts 1 of them as wrong, and estimates 1 wrong label in all",
        "bee → cat?",
        "image 7",
        "training image",
        ">13<",
    ] {
        assert!(section.contains(words), "{words}: {section}");
    }
    assert!(html.contains("\"label_issues\":[7]"));
}

#[test]
fn a_run_of_models_that_do_not_look_checks_no_labels() {
    let mut run = run();
    for record in run.records.values_mut() {
        if let bakeoff_core::record::Outcome::Ok(measured) = &mut record.outcome {
            measured.is_baseline = true;
        }
    }
    let html = render(&run, &Options::default()).unwrap().html;
    assert!(!html.contains("<section id=\"labels\""));
}

#[test]
fn nothing_is_estimated_of_classes_with_few_images() {
    let mut run = run();
    run.info.datasets[0].test_counts[1] = 9;
    let html = render(&run, &Options::default()).unwrap().html;
    let said =
        "How many are wrong is not estimated: 1 class has fewer than 10 images in that part.";
    assert!(html.contains(said));
}
