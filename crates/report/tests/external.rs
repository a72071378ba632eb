//! Models of other programs: beside ours in every view, marked, without what nobody measured.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;

use bakeoff_core::{
    Probabilities,
    record::{Costs, External, GivenCosts, Measured, Run, SampleCounts},
};
use bakeoff_metrics::Metric;
use bakeoff_report::{
    DiffOptions, Options, diff,
    export::{Format, export},
    leaderboard, rank, render, terminal,
};
use common::{Builder, Data, Fate, answers, digits, measured};
use serde_json::Value;

fn external(data: &Data, external: External) -> Measured {
    Measured {
        samples: SampleCounts {
            test: data.test.len(),
            ..SampleCounts::default()
        },
        costs: Costs::default(),
        varies_with_seed: Some(true),
        epochs: Vec::new(),
        iterations: Vec::new(),
        external: Some(external),
        ..measured(data, "knn", 0.9, 1)
    }
}

fn with(builder: Builder, data: &Data, model: &str, p: Probabilities, of: External) -> Builder {
    let fate = Fate::Ok(Box::new(external(data, of)), p);
    builder.trial(data, model, "external", 1, fate)
}

/// Two of our models, and two of other programs: one with costs, one of labels alone.
fn run() -> Run {
    let data = digits("mnist", 600);
    let ours = Builder::new("mixed", &[&data])
        .ok(&data, "knn", "knn", 1, 0.9)
        .ok(&data, "cnn", "cnn", 1, 0.97);
    let given = GivenCosts {
        fit_seconds: Some(0.001),
        parameters: Some(4321),
        ..GivenCosts::default()
    };
    let keras = External {
        file: "keras.npy".into(),
        given,
        notes: Some("two layers".into()),
        warnings: vec!["the order may be wrong".into()],
        ..External::default()
    };
    let both = with(ours, &data, "keras", answers(&data.test, 0.95, 7), keras);
    let certain = answers(&data.test, 0.93, 8);
    let certain = certain
        .predicted()
        .into_iter()
        .flat_map(|answer| (0..10).map(move |class| f32::from(u8::from(class == answer))));
    let certain = Probabilities::new(10, certain.collect()).unwrap();
    let labels = External {
        labels_alone: true,
        ..External::default()
    };
    with(both, &data, "labels", certain, labels).build()
}

#[test]
fn the_leaderboard_has_what_is_known_and_no_more() {
    let run = run();
    let rendered = render(&run, &Options::default()).unwrap();
    let rows: Value = serde_json::from_str(&rendered.leaderboard_json).unwrap();
    let row = |model: &str| {
        let mut rows = rows.as_array().unwrap().iter();
        rows.find(|row| row["model"] == model).unwrap()
    };
    let (ours, keras, labels) = (row("cnn"), row("keras"), row("labels"));
    assert_eq!(
        (&ours["is_external"], &keras["is_external"]),
        (&false.into(), &true.into())
    );
    assert!(keras["log_loss"].is_f64() && keras["accuracy_low"].is_f64());
    assert_eq!(
        (&keras["fit_seconds"], &keras["parameters"]),
        (&0.001.into(), &4321.into())
    );
    for key in [
        "throughput_per_second",
        "latency_p50_us",
        "model_bytes",
        "memory_bytes",
        "fits_timed",
        "train_samples",
        "fit_seconds_low",
        "fit_disturbed",
    ] {
        assert!(
            keras[key].is_null() && !ours[key].is_null(),
            "{key}: {}",
            keras[key]
        );
    }
    assert!(labels["accuracy"].is_f64() && labels["macro_f1_low"].is_f64());
    for key in [
        "log_loss",
        "log_loss_low",
        "macro_auc",
        "micro_auc",
        "brier_score",
        "expected_calibration_error",
        "top_3_accuracy",
        "fit_seconds",
    ] {
        assert!(
            labels[key].is_null() && !ours[key].is_null(),
            "{key}: {}",
            labels[key]
        );
    }
    assert_eq!(labels["test_samples"], 600);
}

#[test]
fn the_page_marks_them_and_compares_no_given_cost() {
    let run = run();
    let html = render(&run, &Options::default()).unwrap().html;
    for words in [
        "keras\u{a0}†",
        "† external: the predictions of another program",
        "given\u{a0}†",
        "keras\u{a0}†: the order may be wrong",
        "Its author says: two layers",
        "1.00\u{a0}ms, given by its author",
        "Only its predicted classes are known",
        "Models of other programs are left out: their costs were not measured here.",
    ] {
        assert!(html.contains(words), "no `{words}`");
    }
    // The given time is the shortest by far, and wins nothing.
    assert!(!html.contains("Fastest to train: <b>keras"));
    assert!(!html.contains("compared with keras"));
    let ours = Builder::from(run);
    let mut ours = ours.build();
    ours.plan.truncate(2);
    let html = render(&ours, &Options::default()).unwrap().html;
    assert!(!html.contains('†') && !html.contains("other programs are"));
}

#[test]
fn the_terminal_and_short_tables_mark_them() {
    let run = run();
    let text = terminal::leaderboard(&leaderboard(&run))
        .as_str()
        .to_owned();
    assert!(
        text.contains("keras †") && text.contains("1.00 ms †"),
        "{text}"
    );
    assert!(text.contains("† external"), "{text}");
    let files = export(&run, &[Format::Markdown, Format::Latex]).unwrap();
    let text = |at: usize| String::from_utf8(files[at].bytes.clone()).unwrap();
    assert!(
        text(0).contains("keras\u{a0}†") && text(0).contains("† external"),
        "{}",
        text(0)
    );
    assert!(text(1).contains("keras~$\\dagger$"), "{}", text(1));
}

#[test]
fn exports_have_no_probabilities_of_labels_alone() {
    let run = run();
    let files = export(
        &run,
        &[Format::Csv, Format::Npy, Format::Safetensors, Format::Json],
    )
    .unwrap();
    let bytes = |path: &str| {
        let found = files.iter().find(|file| file.path == path);
        found.map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
    };
    assert!(bytes("predictions/mnist/keras.npy").is_some());
    assert!(bytes("predictions/mnist/labels-2.npy").is_none());
    assert!(
        !bytes("predictions/mnist.safetensors")
            .unwrap()
            .contains("labels-2")
    );
    let csv = bytes("predictions/mnist/labels-2.csv").unwrap();
    assert!(csv.lines().nth(1).unwrap().ends_with(",,,,,,,,,,"), "{csv}");
    let metrics: Value = serde_json::from_str(&bytes("metrics.json").unwrap()).unwrap();
    let models = metrics["datasets"][0]["models"].as_array().unwrap();
    let trial = |name: &str| {
        let model = models.iter().find(|model| model["model"] == name).unwrap();
        &model["trials"][0]
    };
    let keras = trial("keras");
    assert!(keras["costs"].is_null());
    assert_eq!(keras["external"]["given_fit_seconds"], 0.001);
    assert_eq!(keras["external"]["file"], "keras.npy");
    let labels = trial("labels");
    assert_eq!(labels["external"]["labels_alone"], true);
    assert!(labels["scores"]["log_loss"].is_null() && labels["scores"]["accuracy"].is_f64());
    assert!(labels["classes"][0]["auc"].is_null() && labels["classes"][0]["f1"].is_f64());
    assert!(trial("cnn").get("external").is_none());
    // Tests of what labels can give, and of nothing else.
    let pairs = metrics["datasets"][0]["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 6);
    for pair in pairs {
        let with_labels = pair["first"] == "labels" || pair["second"] == "labels";
        assert!(pair["differences"]["accuracy"].is_object());
        assert_eq!(
            pair["differences"]["log_loss"].is_null(),
            with_labels,
            "{pair}"
        );
    }
}

#[test]
fn runs_are_compared_and_ranked_with_them() {
    let run = run();
    let found = diff(&run, &run, &DiffOptions::default()).unwrap();
    let model = |name: &str| {
        found
            .models
            .iter()
            .find(|model| model.model == name)
            .unwrap()
    };
    assert!(model("keras").fit_seconds.is_none() && model("cnn").fit_seconds.is_some());
    let scores = |name: &str| -> Vec<Metric> {
        model(name)
            .scores
            .iter()
            .map(|score| score.metric)
            .collect()
    };
    assert_eq!(scores("labels"), [Metric::Accuracy, Metric::MacroF1]);
    assert_eq!(scores("keras").len(), 4);
    let ranking = rank(&[&run], Metric::Accuracy, 0.01).unwrap();
    assert_eq!(ranking.models.len(), 4);
    let ranking = rank(&[&run], Metric::LogLoss, 0.01).unwrap();
    assert_eq!(ranking.models.len(), 3);
    assert_eq!(ranking.left_out[0].0, "labels");
}
