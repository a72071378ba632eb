//! Runs of every shape have a sound page: many models, many classes, one model, none.

mod common;
#[path = "common/html.rs"]
mod html;

use bakeoff_core::{
    ImageShape, Probabilities,
    record::{Outcome, SplitSpec, Stage},
};
use bakeoff_measures::{ACCURACY, LOG_LOSS, MACRO_AUC, MACRO_F1, MEAN_CORRUPTION_ERROR};
use bakeoff_metrics::{Interval, TooFew};
use bakeoff_report::{Status, leaderboard};
use common::{Builder, Data, Fate, answers, data, digits, everything, four_families, measured};
use html::check;

#[test]
fn four_models_on_ten_thousand_pictures_stay_small() {
    let rendered = check(&four_families(10_000));
    assert!(rendered.html.len() < 3_000_000, "{}", rendered.html.len());
    assert!(rendered.html.contains("cnn"));
    for section in [
        "answer",
        "leaderboard",
        "comparison",
        "models",
        "method",
        "data",
        "machine",
        "repeat",
    ] {
        assert!(
            rendered
                .html
                .contains(&format!("<section id=\"{section}\"")),
            "{section}"
        );
    }
}

#[test]
fn twelve_models_and_forty_seven_classes() {
    let digits = digits("mnist", 300);
    let twelve = (0..12).fold(Builder::new("twelve", &[&digits]), |builder, i| {
        builder.ok(
            &digits,
            &format!("model-{i}"),
            "ann",
            1,
            0.9 + 0.005 * i as f64,
        )
    });
    check(&twelve.build());

    let names = (0..47).map(|i| format!("class {i}")).collect();
    let labels = (0..470).map(|i| i % 46).collect();
    let many = data("letters", names, ImageShape::new(1, 28, 28), labels);
    let run = Builder::new("letters", &[&many])
        .ok(&many, "cnn", "cnn", 1, 0.88)
        .ok(&many, "ann", "ann", 1, 0.8)
        .build();
    let rendered = check(&run);
    assert!(rendered.html.contains("no images of class 46"));
}

#[test]
fn hundreds_of_classes_are_told_in_tables() {
    let names = (0..300).map(|i| format!("c{i}")).collect();
    let labels = (0..900).map(|i| i % 300).collect();
    let many = data("words", names, ImageShape::new(1, 4, 4), labels);
    let run = Builder::new("words", &[&many])
        .ok(&many, "cnn", "cnn", 1, 0.7)
        .build();
    let rendered = check(&run);
    assert!(rendered.html.contains("With 300 classes"));
    assert!(rendered.html.contains("Most common mistakes"));
    assert!(rendered.html.len() < 1_500_000, "{}", rendered.html.len());
    let stems: Vec<&str> = rendered
        .charts
        .iter()
        .map(|(stem, _)| stem.as_str())
        .collect();
    assert!(
        !stems.iter().any(|stem| stem.contains("confusion")),
        "{stems:?}"
    );
}

#[test]
fn several_datasets_and_seeds_are_told_apart() {
    let (a, b) = (digits("mnist", 100), digits("fashion", 80));
    let mut builder = Builder::new("several", &[&a, &b]);
    for seed in 1..=3 {
        builder = builder
            .ok(&a, "cnn", "cnn", seed, 0.95)
            .ok(&b, "cnn", "cnn", seed, 0.85);
    }
    let run = builder.build();
    let rendered = check(&run);
    assert!(rendered.html.contains("mean of 3 seeds"));
    let datasets: Vec<&str> = rendered
        .leaderboard
        .rows
        .iter()
        .map(|row| row.dataset.as_str())
        .collect();
    assert_eq!(
        datasets,
        ["mnist", "mnist", "mnist", "fashion", "fashion", "fashion"]
    );
}

#[test]
fn the_answer_says_whether_the_lead_may_be_chance() {
    let digits = digits("mnist", 1_000);
    let answer = |accuracies: [f64; 3]| {
        let names = ["first", "second", "third"];
        let run = names.iter().zip(accuracies).fold(
            Builder::new("sure", &[&digits]),
            |builder, (name, accuracy)| builder.ok(&digits, name, "cnn", 1, accuracy),
        );
        let html = check(&run.build()).html;
        let (_, answer) = html.split_once("<section id=\"answer\"").unwrap();
        answer.split_once("</section>").unwrap().0.to_owned()
    };
    let clear = answer([0.99, 0.8, 0.6]);
    assert!(
        clear.contains("from second and third is significant"),
        "{clear}"
    );
    let open = answer([0.95, 0.945, 0.6]);
    assert!(
        open.contains("<strong>from second is not significant</strong>; from third"),
        "{open}"
    );
}

#[test]
fn one_model_is_compared_with_nothing() {
    let digits = digits("mnist", 50);
    let run = Builder::new("one", &[&digits])
        .ok(&digits, "cnn", "cnn", 1, 0.9)
        .build();
    let rendered = check(&run);
    assert!(rendered.html.contains("is the only model with results"));
}

#[test]
fn every_question_that_a_run_can_answer_has_its_section() {
    let rendered = check(&everything(400));
    for id in [
        "significance",
        "agreement",
        "calibration",
        "robustness",
        "data-size",
        "resampling",
    ] {
        let section = format!("<section id=\"{id}\"");
        assert!(rendered.html.contains(&section), "no section {id}");
    }
    for stem in [
        "accuracy-intervals",
        "agreement",
        "calibration-before",
        "calibration-after",
        "robustness",
        "robustness-errors",
        "data-size-accuracy",
        "data-size-fit-time",
        "resampling",
        "resampling-ranks",
    ] {
        let found = rendered.charts.iter().any(|(name, _)| name == stem);
        assert!(found, "no chart {stem}");
    }
    // Folds and smaller training parts are no rows of the leaderboard.
    assert_eq!(rendered.leaderboard.rows.len(), 10);
    // The baseline is as robust as itself.
    let row = |model: &str| {
        let mut rows = rendered.leaderboard.rows.iter();
        rows.find(|row| row.model == model).unwrap().clone()
    };
    assert_eq!(
        row("logistic").values.get(&MEAN_CORRUPTION_ERROR),
        Some(1.0)
    );
    assert!(row("cnn").values.get(&MEAN_CORRUPTION_ERROR).unwrap() < 1.0);
    // Nothing of it is there where nothing was asked for.
    let plain = check(&four_families(100)).html;
    for id in ["calibration", "robustness", "data-size", "resampling"] {
        assert!(!plain.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
}

#[test]
fn folds_and_holdouts_of_one_run_are_told_apart() {
    let mut run = everything(200);
    for mut planned in run.plan.clone() {
        let SplitSpec::Fold { fold, seed, .. } = planned.trial.split else {
            continue;
        };
        planned.trial.split = SplitSpec::Holdout {
            repeat: fold,
            fraction: 0.2,
            seed,
        };
        let mut record = run.records[&planned.id].clone();
        let probabilities = run.probabilities[&planned.id].clone();
        let Outcome::Ok(measured) = &mut record.outcome else {
            continue;
        };
        let cut = run.cuts[&measured.test_fingerprint].clone();
        measured.test_fingerprint = format!("holdout {fold}");
        run.cuts.insert(measured.test_fingerprint.clone(), cut);
        planned.id = planned.trial.id();
        planned.index = run.plan.len();
        record.id.clone_from(&planned.id);
        record.trial = planned.trial.clone();
        run.records.insert(planned.id.clone(), record);
        run.probabilities.insert(planned.id.clone(), probabilities);
        run.plan.push(planned);
    }
    let html = check(&run).html;
    let (_, section) = html.split_once("<section id=\"resampling\"").unwrap();
    let (section, _) = section.split_once("</section>").unwrap();
    for cuts in ["5-fold cross-validation", "5 repeated holdouts"] {
        assert!(section.contains(&format!("In {cuts}, ")), "{cuts}");
        for title in ["Means over the parts", "Every two models over the parts"] {
            assert!(
                section.contains(&format!("{title}: {cuts}")),
                "{title}: {cuts}"
            );
        }
    }
}

#[test]
fn models_that_answer_alike_are_tied_and_a_clear_winner_stands_alone() {
    let digits = digits("mnist", 600);
    let run = Builder::new("tied", &[&digits])
        .ok(&digits, "one", "cnn", 1, 0.95)
        .ok(&digits, "two", "cnn", 1, 0.95)
        .ok(&digits, "bad", "knn", 1, 0.6)
        .build();
    let rendered = check(&run);
    let tied: Vec<(&str, Option<bool>)> = rendered
        .leaderboard
        .rows
        .iter()
        .map(|row| (row.model.as_str(), row.tied_with_best))
        .collect();
    assert_eq!(
        tied,
        [
            ("one", Some(true)),
            ("two", Some(true)),
            ("bad", Some(false))
        ]
    );
    assert!(
        rendered
            .html
            .contains("not significantly different</strong> from the fit of the best model")
    );
    for row in &rendered.leaderboard.rows {
        for measure in [&ACCURACY, &MACRO_F1, &MACRO_AUC, &LOG_LOSS] {
            let value = row.values.get(measure).unwrap();
            let metric = measure.metric.unwrap();
            match row.interval(metric) {
                Some(Interval { low, high }) => {
                    assert!(low <= value && value <= high && low < high, "{row:?}");
                    assert_eq!(row.no_interval(metric), None);
                }
                None => assert_eq!(row.no_interval(metric), Some(TooFew::Errors)),
            }
        }
    }
}

#[test]
fn accuracy_that_a_constant_answer_reaches_is_called_so() {
    let names = ["common", "rare"].map(String::from).to_vec();
    let labels = |rare: u16| (0..400).map(|i| u16::from(i < rare)).collect();
    let shape = ImageShape::new(1, 28, 28);
    let unbalanced = |rare| {
        let mut data = data("unbalanced", names.clone(), shape, labels(rare));
        data.info.train_counts = vec![9000, 90];
        data
    };
    let always = |data: &Data| {
        let rows = data.test.labels().iter().flat_map(|_| [0.75, 0.25]);
        Probabilities::new(2, rows.collect()).unwrap()
    };
    let fit = |builder: Builder, data: &Data, model: &str, answers| {
        let family = if model == "dummy" { "dummy" } else { "knn" };
        let measured = Box::new(measured(data, family, 0.9, 1));
        builder.trial(data, model, family, 1, Fate::Ok(measured, answers))
    };
    // Four rare ones of 400, and a model that finds none of them.
    let few = unbalanced(4);
    let run = fit(Builder::new("few", &[&few]), &few, "blind", always(&few)).build();
    let rendered = check(&run);
    let words = rendered
        .leaderboard
        .cautions
        .iter()
        .map(|(_, words)| words.as_str());
    let words: Vec<&str> = words.collect();
    assert_eq!(words.len(), 3, "{words:?}");
    assert!(words[2].starts_with("The class rare has fewer than 10 test images"));
    assert!(words[0].starts_with("No model is significantly better than always answering common"));
    assert!(words[0].contains("99.0\u{a0}%"), "{words:?}");
    assert!(words[1].contains("blind is best: 50.0\u{a0}%"), "{words:?}");
    assert!(rendered.html.contains(words[0]) && rendered.html.contains(words[1]));

    // A baseline is shown and wins nothing, unless it is alone.
    let with = |model| fit(Builder::new("two", &[&few]), &few, model, always(&few));
    let two = check(&fit(with("dummy"), &few, "blind", always(&few)).build());
    assert!(
        two.html
            .contains("<strong>blind</strong> is the only model with results")
    );
    let alone = check(&with("dummy").build());
    assert!(
        alone
            .html
            .contains("<strong>dummy</strong> is the only model with results")
    );

    // A model that finds them all is better, and one that does not is named.
    let many = unbalanced(30);
    let run = fit(
        Builder::new("many", &[&many]),
        &many,
        "blind",
        always(&many),
    );
    let run = fit(run, &many, "seeing", answers(&many.test, 1.0, 1)).build();
    let cautions = check(&run).leaderboard.cautions;
    assert!(
        cautions[0]
            .1
            .starts_with("blind is not significantly better"),
        "{cautions:?}"
    );
    assert!(
        cautions[1].1.contains("seeing is best: 100.0\u{a0}%"),
        "{cautions:?}"
    );
    // Balanced classes and models that beat a constant need no caution.
    assert!(check(&four_families(100)).leaderboard.cautions.is_empty());
}

#[test]
fn a_run_without_a_single_record_still_has_a_page() {
    let digits = digits("mnist", 10);
    let run = Builder::new("nothing", &[&digits])
        .trial(&digits, "cnn", "cnn", 1, Fate::Missing)
        .build();
    let rendered = check(&run);
    assert!(rendered.html.contains("no trial succeeded"));
    assert_eq!(rendered.leaderboard.rows[0].status, Status::Missing);
    check(&Builder::new("empty", &[]).build());
}

#[test]
fn a_perfect_model_has_no_mistakes_and_no_infinite_axis() {
    let digits = digits("mnist", 40);
    let certain = digits
        .test
        .labels()
        .iter()
        .flat_map(|&label| (0..10).map(move |class| f32::from(u8::from(class == label))))
        .collect();
    let run = Builder::new("perfect", &[&digits])
        .trial(
            &digits,
            "oracle",
            "knn",
            1,
            Fate::Ok(
                Box::new(measured(&digits, "knn", 1.0, 1)),
                Probabilities::new(10, certain).unwrap(),
            ),
        )
        .build();
    let rendered = check(&run);
    assert!(
        rendered
            .html
            .contains("classifies every test image correctly")
    );
    assert_eq!(
        rendered.leaderboard.rows[0].values.get(&ACCURACY),
        Some(1.0)
    );
}

#[test]
fn failed_trials_come_last_with_their_reason_and_without_numbers() {
    let digits = digits("mnist", 30);
    let run = Builder::new("failed", &[&digits])
        .trial(
            &digits,
            "broken",
            "ann",
            1,
            Fate::Failed(Stage::Process, "killed, \"perhaps\" out of memory".into()),
        )
        .ok(&digits, "knn", "knn", 1, 0.7)
        .ok(&digits, "cnn", "cnn", 1, 0.95)
        .build();
    let board = leaderboard(&run);
    let models: Vec<&str> = board.rows.iter().map(|row| row.model.as_str()).collect();
    assert_eq!(models, ["cnn", "knn", "broken"]);

    let json: serde_json::Value = serde_json::from_str(&board.to_json().unwrap()).unwrap();
    let failed = &json[2];
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["reason"], "killed, \"perhaps\" out of memory");
    for key in [
        "accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "macro_auc",
        "log_loss",
        "fit_seconds",
        "latency_p50_us",
        "latency_p99_us",
        "throughput_per_second",
        "peak_rss_bytes",
        "model_bytes",
        "parameters",
    ] {
        assert!(failed[key].is_null(), "{key}");
        assert!(json[0][key].is_number(), "{key}");
    }

    let csv = board.to_csv().unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let columns = reader.headers().unwrap().clone();
    assert_eq!(columns.len(), json[0].as_object().unwrap().len());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let accuracy = columns.iter().position(|name| name == "accuracy").unwrap();
    assert_eq!(rows[2].get(accuracy), Some(""));
    assert!(rows[0].get(accuracy).unwrap().parse::<f64>().is_ok());
}

#[test]
fn a_record_whose_answers_are_lost_is_a_failure_with_that_reason() {
    let digits = digits("mnist", 30);
    let mut run = Builder::new("lost", &[&digits])
        .ok(&digits, "cnn", "cnn", 1, 0.9)
        .ok(&digits, "ann", "ann", 1, 0.9)
        .ok(&digits, "knn", "knn", 1, 0.9)
        .build();
    let ids: Vec<String> = run.plan.iter().map(|planned| planned.id.clone()).collect();
    run.probabilities.remove(&ids[0]);
    let short = run.probabilities[&ids[1]].select(&[0, 1, 2]);
    run.probabilities.insert(ids[1].clone(), short);
    let rendered = check(&run);
    let reasons: Vec<&str> = rendered
        .leaderboard
        .rows
        .iter()
        .filter_map(|row| row.reason.as_deref())
        .collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[0].contains("not there"), "{reasons:?}");
    assert!(reasons[1].contains("3"), "{reasons:?}");
}
