//! Folds, holdouts, shares of the data, calibration and robustness.

use std::{fs, path::PathBuf};

use bakeoff_bench::{InProcess, RunFolder, Runner};
use bakeoff_core::{
    Corruption, ImageShape, Images, Samples,
    record::{PlannedTrial, Purpose, SplitSpec},
};

use crate::house::{House, Recorder, TWO_MODELS, write_part};

/// The trials of a plan in words: model, seed and what sets them apart.
fn words(run: &RunFolder) -> Vec<String> {
    let plan = run.plan().unwrap();
    plan.iter()
        .map(|planned| {
            let trial = &planned.trial;
            let variant = trial.variant().unwrap_or_else(|| "headline".into());
            format!("{} {} {variant}", trial.model, trial.seed)
        })
        .collect()
}

#[test]
fn headline_trials_come_first_and_folds_take_one_seed() {
    let house = House::new();
    let experiment = house.experiment(
        "seeds = [4, 5]\nfolds = 2\nholdout = { repeats = 1 }\ntrain_fractions = [0.5, 1.0]\n\
         robustness = [\"shift\"]\n[[models]]\nfamily = \"knn\"\n",
    );
    let run = house.plan(&experiment, false);
    assert_eq!(
        words(&run),
        [
            "knn 4 headline",
            "knn 5 headline",
            "knn 4 fold 1 of 2",
            "knn 4 fold 2 of 2",
            "knn 4 holdout 1",
            "knn 4 50 % of the training data",
            "knn 5 50 % of the training data",
        ]
    );
    for planned in run.plan().unwrap() {
        let headline = planned.trial.purpose() == Purpose::Headline;
        assert_eq!(planned.save_as.is_some(), headline);
        assert_eq!(planned.trial.robustness.is_some(), headline);
    }
    assert_eq!(
        run.info().unwrap().robustness_baseline.as_deref(),
        Some("knn")
    );
}

#[test]
fn folds_and_holdouts_report_on_parts_of_the_training_data() {
    let house = House::new();
    let experiment = house.experiment(
        "folds = 3\nfold_repeats = 2\nholdout = { repeats = 2, fraction = 0.25 }\n\
         [[models]]\nfamily = \"knn\"\nk = 1\n",
    );
    let run = house.plan(&experiment, false);
    let outcome = house.run(&run, &mut Recorder::default());
    assert_eq!((outcome.ran, outcome.failed), (1 + 6 + 2, 0));
    let read = run.read().unwrap();
    let data = bakeoff_data::open(house.path("toy").to_str().unwrap()).unwrap();
    assert_eq!(read.tests.len(), 1);
    assert_eq!(read.cuts.len(), 8);
    let mut seen = vec![0; 60];
    for planned in &read.plan {
        let measured = read.records[&planned.id].measured().unwrap();
        let labels = read.labels(&measured.test_fingerprint).unwrap();
        assert_eq!(labels.len(), read.probabilities[&planned.id].len());
        let expected = match planned.trial.split {
            SplitSpec::Given => (60, 30),
            SplitSpec::Fold { .. } => (40, 20),
            SplitSpec::Holdout { .. } => (45, 15),
        };
        let samples = measured.samples;
        assert_eq!((samples.train, samples.test), expected);
        if planned.trial.split == SplitSpec::Given {
            continue;
        }
        // The labels kept are those of the places kept, and the record's score is that
        // of the probabilities on them.
        let cut = &read.cuts[&measured.test_fingerprint];
        let right = read.probabilities[&planned.id]
            .predicted()
            .iter()
            .zip(&cut.labels)
            .filter(|(a, b)| a == b)
            .count();
        assert_eq!(right as f64 / labels.len() as f64, measured.scores.accuracy);
        for (&label, &index) in cut.labels.iter().zip(&cut.indices) {
            assert_eq!(label, data.train().labels()[index as usize]);
            if let SplitSpec::Fold { repeat: 1, .. } = planned.trial.split {
                seen[index as usize] += 1;
            }
        }
    }
    assert!(seen.iter().all(|&times| times == 1), "{seen:?}");
    // Only the headline's model is kept, and nothing else lies about.
    assert_eq!(bakeoff_store::list(&house.path("models")).unwrap().len(), 1);
    let left = fs::read_dir(run.path()).unwrap().flatten();
    let mut hidden: Vec<_> = left.map(|entry| entry.file_name()).collect();
    hidden.retain(|name| name.to_string_lossy().starts_with('.'));
    assert_eq!(hidden, [".lock"]);
}

#[test]
fn folds_of_copies_of_one_picture_can_be_read() {
    // Every fold holds the same images, from other places.
    let house = House::new();
    let copies = |count: u16| {
        let labels: Vec<u16> = (0..count).map(|i| 2 * i / count).collect();
        let pixels: Vec<u8> = labels.iter().flat_map(|&l| [200 * l as u8; 4]).collect();
        let images = Images::new(ImageShape::new(1, 2, 2), pixels).unwrap();
        Samples::new(images, labels, vec!["0".into(), "1".into()]).unwrap()
    };
    write_part(&house.path("toy"), "train", &copies(12));
    write_part(&house.path("toy"), "t10k", &copies(4));
    let experiment = house.experiment("folds = 3\n[[models]]\nfamily = \"knn\"\nk = 1\n");
    let run = house.plan(&experiment, false);
    let outcome = house.run(&run, &mut Recorder::default());
    assert_eq!((outcome.ran, outcome.failed), (4, 0));
    let read = run.read().unwrap();
    assert_eq!((read.info.datasets[0].cuts.len(), read.cuts.len()), (3, 1));
    let kept = fs::read_dir(run.path().join("cuts")).unwrap();
    assert_eq!(kept.count(), 3, "their places differ");
}

#[test]
fn a_damaged_cut_is_named() {
    let house = House::new();
    let experiment = house.experiment("folds = 2\n[[models]]\nfamily = \"knn\"\n");
    let run = house.plan(&experiment, false);
    let cuts: Vec<PathBuf> = fs::read_dir(run.path().join("cuts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(cuts.len(), 2);
    fs::copy(&cuts[0], &cuts[1]).unwrap();
    let error = run.read().unwrap_err().to_string();
    assert!(error.contains(cuts[1].to_str().unwrap()), "{error}");
    assert!(error.contains("checksum"), "{error}");
}

#[test]
fn a_smaller_share_lies_within_a_larger_one_and_is_stratified() {
    let house = House::new();
    let experiment =
        house.experiment("train_fractions = [0.1, 0.5]\n[[models]]\nfamily = \"knn\"\nk = 1\n");
    let run = house.plan(&experiment, false);
    house.run(&run, &mut Recorder::default());
    let read = run.read().unwrap();
    let counts: Vec<usize> = read
        .plan
        .iter()
        .map(|planned| read.records[&planned.id].measured().unwrap().samples.train)
        .collect();
    assert_eq!(counts, [60, 6, 30]);
    // All of them on the test part.
    for record in read.records.values() {
        let measured = record.measured().unwrap();
        assert_eq!(
            measured.test_fingerprint,
            read.info.datasets[0].test_fingerprint
        );
    }
}

#[test]
fn calibration_holds_a_part_out_and_keeps_both_answers() {
    let house = House::new();
    let models = "validation_fraction = 0.2\ncalibrate = \"temperature\"\n\
        [[models]]\nfamily = \"logistic\"\n[[models]]\nfamily = \"knn\"\n\
        [[models]]\nname = \"bare\"\nfamily = \"knn\"\ncalibrate = \"none\"\n";
    let run = house.plan(&house.experiment(models), false);
    let outcome = house.run(&run, &mut Recorder::default());
    assert_eq!((outcome.ran, outcome.failed), (3, 0));
    let read = run.read().unwrap();
    for planned in &read.plan {
        let measured = read.records[&planned.id].measured().unwrap();
        let samples = (measured.samples.train, measured.samples.validation);
        if planned.trial.model == "bare" {
            assert_eq!(samples, (60, 0));
            assert!(measured.calibration.is_none());
            assert!(!read.uncalibrated.contains_key(&planned.id));
            continue;
        }
        assert_eq!(samples, (48, 12));
        let calibration = measured.calibration.as_ref().unwrap();
        assert!(
            calibration.validation_log_loss_after <= calibration.validation_log_loss_before + 1e-12
        );
        let (before, after) = (
            &read.uncalibrated[&planned.id],
            &read.probabilities[&planned.id],
        );
        assert_eq!(before.predicted(), after.predicted());
        let scaled = bakeoff_metrics::scale_temperature(before, calibration.temperature).unwrap();
        assert!(
            &scaled == after,
            "the saved model answers by its temperature"
        );
        let folder = house.path(&format!("models/toy/{}", planned.trial.model));
        let manifest = bakeoff_store::read_manifest(&folder).unwrap();
        assert_eq!(manifest.temperature, Some(calibration.temperature));
    }
}

#[test]
fn robustness_is_measured_in_every_severity_and_at_any_number_of_threads() {
    let house = House::new();
    let models = "robustness = true\n[[models]]\nfamily = \"logistic\"\n\
        [[models]]\nfamily = \"ann\"\nepochs = 2\nbatch_size = 16\n";
    let experiment = house.experiment(models);
    let scores = |threads| {
        let run = house.plan(&experiment, false);
        let mut launcher = InProcess {
            models: house.path("models"),
            threads,
        };
        let runner = Runner {
            run: &run,
            retry_failed: false,
        };
        let outcome = runner
            .run(
                &run.lock().unwrap(),
                &mut launcher,
                &mut Recorder::default(),
            )
            .unwrap();
        assert_eq!(outcome.failed, 0);
        let read = run.read().unwrap();
        let of = |planned: &PlannedTrial| {
            let measured = read.records[&planned.id].measured().unwrap();
            assert!(measured.costs.robustness_ns.is_some());
            // The scores are those of the predictions that were kept.
            let labels = read.labels(&measured.test_fingerprint).unwrap();
            let predicted = read.corrupted[&planned.id].chunks(labels.len());
            assert_eq!(predicted.len(), measured.robustness.len());
            for (predicted, score) in predicted.zip(&measured.robustness) {
                let right = predicted.iter().zip(labels).filter(|(a, b)| a == b);
                assert_eq!(right.count() as u64, score.correct);
            }
            measured.robustness.clone()
        };
        read.plan.iter().map(of).collect::<Vec<_>>()
    };
    let one = scores(1);
    for model in &one {
        let places: Vec<_> = model.iter().map(|s| (s.corruption, s.severity)).collect();
        let expected: Vec<_> = Corruption::ALL
            .into_iter()
            .flat_map(|corruption| (1..=5).map(move |severity| (corruption, severity)))
            .collect();
        assert_eq!(places, expected);
        assert!(model.iter().all(|s| s.total == 30 && s.correct <= 30));
        assert!(
            model
                .iter()
                .all(|s| (1.0 / 3.0..=1.0).contains(&s.mean_confidence))
        );
    }
    assert_eq!(one, scores(3));
}

#[test]
fn what_the_data_cannot_give_is_refused_or_noted_before_training() {
    let house = House::new();
    let planned = |settings: &str| {
        let experiment = house.experiment(settings);
        bakeoff_bench::plan(&experiment, &house.path("runs"), "", false)
    };
    // The headline fits, so that the run goes on without that point.
    let notes = |settings: &str| {
        let info = planned(settings).unwrap().info().unwrap();
        info.datasets[0].notes.join("\n")
    };
    let knn = "[[models]]\nfamily = \"knn\"\nk = 7\n";
    let found = notes(&format!("train_fractions = [0.1]\n{knn}"));
    assert!(
        found.contains("`toy (10 % of the training data)`"),
        "{found}"
    );
    let message = planned(&format!("folds = 61\n{knn}"));
    let message = message.unwrap_err().to_string();
    assert!(message.contains("of 61 would have no samples"), "{message}");
    let found = notes(
        "train_fractions = [0.05]\ncalibrate = \"temperature\"\n[[models]]\nfamily = \"dummy\"\n",
    );
    assert!(found.contains("needs a validation part"), "{found}");
}

#[test]
fn records_of_the_first_schema_are_refused_by_their_number() {
    let house = House::new();
    let run = house.plan(&house.experiment(TWO_MODELS), false);
    let path = run.path().join("run.json");
    // As the first version wrote it: another number, and without what came later.
    let text = fs::read_to_string(&path).unwrap();
    let mut info: serde_json::Value = serde_json::from_str(&text).unwrap();
    info["schema"] = 1.into();
    info.as_object_mut().unwrap().remove("robustness_baseline");
    fs::write(&path, info.to_string()).unwrap();
    let error = run.info().unwrap_err().to_string();
    assert!(
        error.contains("schema 1, this bakeoff reads 2; run the experiment again"),
        "{error}"
    );
}
