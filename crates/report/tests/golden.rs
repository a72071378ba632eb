//! Golden files: everything that is rendered of a small hand-built run.
//!
//! `BLESS=1 cargo test --release -p bakeoff-report --test golden` writes them anew; look
//! at what changed before committing it.

mod common;

use std::{fs, path::PathBuf};

use bakeoff_core::{
    ImageShape,
    record::{Run, Stage},
};
use bakeoff_report::{Options, render};
use common::{Builder, Fate, data};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Three classes, one of them without test samples; one trial failed, one is missing.
fn run() -> Run {
    let names = ["round", "square", "absent"].map(String::from).to_vec();
    let labels = (0..24).map(|i| i % 2).collect();
    let shapes = data("shapes", names, ImageShape::new(1, 8, 8), labels);
    Builder::new("golden", &[&shapes])
        .ok(&shapes, "knn", "knn", 1, 0.8)
        .ok(&shapes, "cnn", "cnn", 1, 0.9)
        .ok(&shapes, "logistic", "logistic", 1, 0.7)
        .trial(
            &shapes,
            "ann",
            "ann",
            1,
            Fate::Failed(Stage::Fit, "training diverged: the loss is NaN".into()),
        )
        .trial(&shapes, "later", "ann", 1, Fate::Missing)
        .build()
}

/// The page with one model inside: a network of made-up weights.
fn options(run: &Run) -> Options {
    let mut options = Options::default();
    for planned in &run.plan {
        let layers = match planned.trial.model.as_str() {
            "cnn" => Ok(common::network(ImageShape::new(1, 8, 8), 3)),
            _ => Err("it is not made of layers of weights".to_owned()),
        };
        options.layers.insert(planned.id.clone(), layers);
    }
    options
}

#[test]
fn what_is_rendered_is_what_was_looked_at() {
    let run = run();
    let rendered = render(&run, &options(&run)).unwrap();
    let mut files = vec![
        ("report.html".to_owned(), rendered.html),
        ("leaderboard.json".to_owned(), rendered.leaderboard_json),
        ("leaderboard.csv".to_owned(), rendered.leaderboard_csv),
    ];
    for (stem, svg) in rendered.charts {
        files.push((format!("{stem}.svg"), svg));
    }
    if std::env::var_os("BLESS").is_some() {
        for old in fs::read_dir(folder()).unwrap() {
            fs::remove_file(old.unwrap().path()).unwrap();
        }
        for (name, content) in &files {
            fs::write(folder().join(name), content).unwrap();
        }
    }
    let mut there: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    let mut expected: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    expected.sort();
    assert_eq!(there, expected, "other files than the golden ones");
    for (name, content) in files {
        let golden = fs::read_to_string(folder().join(&name)).unwrap();
        if let Some((line, (old, new))) = golden
            .lines()
            .zip(content.lines())
            .enumerate()
            .find(|(_, (old, new))| old != new)
        {
            panic!(
                "{name}, line {}:\n  golden: {old}\n  now:    {new}\nBLESS=1 accepts it",
                line + 1
            );
        }
        assert_eq!(golden.len(), content.len(), "{name} has another length");
    }
}
