//! Writes reports of hand-built runs, to look at: `cargo run --release -p bakeoff-report
//! --example sample_report -- FOLDER`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::{fs, path::PathBuf, time::Instant};

use bakeoff_core::{ImageShape, record::Stage};
use bakeoff_report::{Options, render};
use common::{Builder, Fate, data, digits, everything, four_families};

fn main() {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "target/sample-reports".to_owned()),
    );
    let runs = [
        ("default", four_families(10_000)),
        ("hostile", hostile()),
        ("twelve", twelve()),
        ("letters", letters()),
        ("seeds", seeds()),
        ("everything", everything(2000)),
    ];
    for (name, run) in runs {
        let clock = Instant::now();
        let rendered = render(&run, &Options::default()).unwrap();
        let elapsed = clock.elapsed();
        let folder = folder.join(name);
        fs::create_dir_all(folder.join("charts")).unwrap();
        fs::write(folder.join("report.html"), &rendered.html).unwrap();
        fs::write(folder.join("leaderboard.json"), &rendered.leaderboard_json).unwrap();
        fs::write(folder.join("leaderboard.csv"), &rendered.leaderboard_csv).unwrap();
        for (stem, svg) in &rendered.charts {
            fs::write(folder.join("charts").join(format!("{stem}.svg")), svg).unwrap();
        }
        println!(
            "{}: {} kB, {} charts, {elapsed:.0?}",
            folder.display(),
            rendered.html.len() / 1000,
            rendered.charts.len()
        );
    }
}

/// Names that would break a careless page, two classes, ten samples, trials that failed.
fn hostile() -> bakeoff_core::record::Run {
    let names = vec![
        "<script>alert(1)</script>".to_owned(),
        "🐈 & \"dogs\"".to_owned(),
    ];
    let labels = vec![0, 1, 0, 1, 1, 0, 0, 1, 0, 1];
    let data = data("cats <b>& 狗", names, ImageShape::new(3, 32, 32), labels);
    Builder::new("</title><script>alert(2)</script>", &[&data])
        .ok(&data, "<img src=x onerror=alert(3)>", "cnn", 1, 0.8)
        .ok(&data, "🚀 modèle", "knn", 1, 0.8)
        .trial(
            &data,
            "broken",
            "ann",
            1,
            Fate::Failed(
                Stage::Fit,
                "training diverged: the loss of epoch 3 is NaN </td>".into(),
            ),
        )
        .trial(&data, "never-run", "logistic", 1, Fate::Missing)
        .build()
}

fn twelve() -> bakeoff_core::record::Run {
    let digits = digits("mnist", 2_000);
    let families = ["cnn", "ann", "knn", "logistic"];
    (0..12)
        .fold(Builder::new("twelve", &[&digits]), |builder, i| {
            let name = format!(
                "{}-{}",
                families[i % 4],
                ["small", "medium", "large"][i / 4]
            );
            builder.ok(&digits, &name, families[i % 4], 1, 0.92 + 0.006 * i as f64)
        })
        .build()
}

fn letters() -> bakeoff_core::record::Run {
    let names: Vec<String> = ('0'..='9')
        .chain('A'..='Z')
        .chain("abdefghnqrt".chars())
        .map(String::from)
        .collect();
    let labels = (0..4_700).map(|i| (i % 46) as u16).collect();
    let data = data("emnist-balanced", names, ImageShape::new(1, 28, 28), labels);
    Builder::new("letters", &[&data])
        .ok(&data, "cnn", "cnn", 1, 0.88)
        .ok(&data, "knn", "knn", 1, 0.78)
        .build()
}

fn seeds() -> bakeoff_core::record::Run {
    let digits = digits("mnist", 1_000);
    let names = [
        "T-shirt",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ];
    let labels = (0..1_000).map(|i| (i * 3 % 10) as u16).collect();
    let fashion = data(
        "fashion-mnist",
        names.map(String::from).to_vec(),
        ImageShape::new(1, 28, 28),
        labels,
    );
    let mut builder = Builder::new("seeds", &[&digits, &fashion]);
    for seed in 1..=3 {
        let drift = 0.002 * seed as f64;
        builder = builder
            .ok(&digits, "cnn", "cnn", seed, 0.985 + drift)
            .ok(&digits, "ann", "ann", seed, 0.975 + drift)
            .ok(&fashion, "cnn", "cnn", seed, 0.91 + drift)
            .ok(&fashion, "ann", "ann", seed, 0.88 + drift);
    }
    builder
        .ok(&digits, "knn", "knn", 1, 0.97)
        .trial(
            &fashion,
            "knn",
            "knn",
            1,
            Fate::Failed(Stage::Process, "killed by signal 9 (out of memory?)".into()),
        )
        .build()
}
