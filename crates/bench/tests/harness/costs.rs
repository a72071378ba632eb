//! What a record says about costs, and that it cannot be changed without being noticed.

use std::{fs, path::PathBuf};

use bakeoff_bench::{RunFolder, TrialStage};
use bakeoff_core::record::Record;
use serde_json::Value;

use crate::house::{House, Recorder};

const KNN: &str = "[[models]]\nfamily = \"knn\"\nk = 1\n";

/// A run of one model, with the path of its record.
fn run_of(house: &House, text: &str) -> (RunFolder, PathBuf) {
    let run = house.plan(&house.experiment(text), false);
    house.run(&run, &mut Recorder::default());
    let id = run.plan().unwrap()[0].id.clone();
    let path = run.path().join(format!("records/{id}.json"));
    (run, path)
}

fn only_record(run: &RunFolder) -> Record {
    let id = run.plan().unwrap()[0].id.clone();
    run.record(&id).unwrap().unwrap()
}

#[test]
fn a_short_fit_is_timed_five_times_and_the_median_counts() {
    let house = House::new();
    let (run, _) = run_of(&house, KNN);
    let record = only_record(&run);
    let costs = &record.measured().unwrap().costs;
    assert_eq!(costs.fits.len(), 5);
    let mut walls: Vec<u64> = costs.fits.iter().map(|fit| fit.wall_ns).collect();
    walls.sort_unstable();
    assert_eq!(costs.fit_ns, walls[2]);
    assert_eq!(costs.predictions.len(), costs.predict_repeats);
    let (low, high) = costs.latency.p50_interval_ns.unwrap();
    assert!((low..=high).contains(&costs.latency.p50_ns));
    assert!(costs.latency.least_ns.unwrap() <= low);
    // Memory is only that of a process that does nothing else.
    assert_eq!(costs.memory_bytes(), None);
    if cfg!(target_os = "linux") {
        assert!(costs.load.is_some());
        assert!(costs.fits.iter().all(|fit| fit.waited_ns.is_some()));
    }
}

#[test]
fn trials_that_models_are_not_ranked_by_are_fitted_once() {
    let house = House::new();
    let (run, _) = run_of(&house, &format!("folds = 2\n{KNN}"));
    let fits: Vec<usize> = run
        .read()
        .unwrap()
        .records
        .values()
        .map(|record| record.measured().unwrap().costs.fits.len())
        .collect();
    assert_eq!(
        fits.iter().filter(|fits| **fits == 1).count(),
        2,
        "{fits:?}"
    );
    assert_eq!(
        fits.iter().filter(|fits| **fits == 5).count(),
        1,
        "{fits:?}"
    );
}

#[test]
fn the_repeats_can_be_cancelled() {
    let house = House::new();
    let run = house.plan(&house.experiment(KNN), false);
    let mut recorder = Recorder {
        cancel_at: Some(TrialStage::Repeat),
        ..Recorder::default()
    };
    assert!(house.run(&run, &mut recorder).cancelled);
    assert!(run.read().unwrap().records.is_empty());
}

#[test]
fn an_edited_record_is_named_and_measured_again() {
    let house = House::new();
    let (run, path) = run_of(&house, KNN);
    let good = fs::read_to_string(&path).unwrap();
    let fit_ns = only_record(&run).measured().unwrap().costs.fit_ns;
    let edited = good.replace(
        &format!("\"fit_ns\": {fit_ns}"),
        &format!("\"fit_ns\": {}", fit_ns / 34),
    );
    assert_ne!(edited, good);
    let seal = good.rfind("\"seal\"").unwrap();
    let unsealed = format!("{}\n}}\n", good[..seal].trim_end().trim_end_matches(','));
    for damaged in [edited.as_str(), &unsealed, &good.replace("  ", " ")] {
        fs::write(&path, damaged).unwrap();
        let error = run.read().unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert!(
            error.contains("checksum") && error.contains("--resume"),
            "{error}"
        );
    }
    // A torn one is no JSON.
    fs::write(&path, &good[..good.len() / 2]).unwrap();
    let error = run.read().unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");

    let mut recorder = Recorder::default();
    let outcome = house.run(&run, &mut recorder);
    assert_eq!((outcome.ran, outcome.already_done), (1, 0));
    assert_eq!(recorder.set_aside.len(), 1);
    assert!(run.read().is_ok());
}

/// A record as versions before the seal wrote it.
fn earlier(record: &str) -> Value {
    let mut record: Value = serde_json::from_str(record).unwrap();
    record.as_object_mut().unwrap().remove("seal");
    let costs = record["costs"].as_object_mut().unwrap();
    for key in ["fits", "predictions", "load"] {
        costs.remove(key);
    }
    let latency = costs["latency"].as_object_mut().unwrap();
    for key in ["p50_interval_ns", "least_ns", "all"] {
        latency.remove(key);
    }
    record
}

#[test]
fn records_of_earlier_versions_are_read_and_their_scores_are_checked() {
    let house = House::new();
    let (run, path) = run_of(&house, KNN);
    let mut record = earlier(&fs::read_to_string(&path).unwrap());
    fs::write(&path, record.to_string()).unwrap();
    assert_eq!(run.read().unwrap().records.len(), 1);

    for score in ["accuracy", "log_loss"] {
        let own = record["scores"][score].as_f64().unwrap();
        record["scores"][score] = (own + 0.01).into();
        fs::write(&path, record.to_string()).unwrap();
        let error = run.read().unwrap_err().to_string();
        assert!(error.contains(&score.replace('_', " ")), "{error}");
        assert!(error.contains("its probabilities give"), "{error}");
        record["scores"][score] = own.into();
    }
}
