//! Plans, records, failures, damage.

use std::{fs, ops::ControlFlow, path::Path};

use bakeoff_bench::{
    Experiment, Overrides, RunFolder, TrialEnd, TrialOptions, TrialStage, run_trial,
};
use bakeoff_core::{
    Dataset, ImageShape,
    record::{Cause, Outcome, Record, SCHEMA, Stage},
};

use crate::house::{House, Recorder, TWO_MODELS, write_part};

#[test]
fn a_run_leaves_records_that_read_back() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    let run = house.plan(&experiment, false);
    let mut recorder = Recorder::default();
    let outcome = house.run(&run, &mut recorder);
    assert_eq!(
        (outcome.ran, outcome.already_done, outcome.failed),
        (2, 0, 0)
    );
    assert_eq!(recorder.started, ["logistic", "knn"]);

    let read = run.read().unwrap();
    assert_eq!(read.records.len(), 2);
    assert_eq!(read.probabilities.len(), 2);
    assert_eq!(read.info.datasets[0].name, "toy");
    assert_eq!(read.info.datasets[0].train_counts.iter().sum::<usize>(), 60);
    for record in read.records.values() {
        let measured = record.measured().unwrap();
        assert_eq!(measured.samples.train, 60);
        assert_eq!(measured.samples.validation, 0);
        assert_eq!(measured.samples.test, 30);
        assert!(measured.scores.accuracy > 0.8);
        assert!(measured.costs.fit_ns > 0 && measured.costs.model_bytes > 0);
        // Several trials share this process, so its largest size says nothing of one.
        assert_eq!(measured.costs.peak_rss_bytes, None);
        let test = &read.tests[&measured.test_fingerprint];
        assert_eq!(test.images().shape(), ImageShape::new(1, 7, 6));
    }
    assert!(bakeoff_store::read_manifest(&house.path("models/toy/knn")).is_ok());
}

#[test]
fn what_is_done_is_not_done_again() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    let run = house.plan(&experiment, false);
    house.run(&run, &mut Recorder::default());
    let before = fs::read(run.path().join("plan.jsonl")).unwrap();

    let again = house.plan(&experiment, true);
    assert_eq!(again.path(), run.path());
    let mut recorder = Recorder::default();
    let outcome = house.run(&again, &mut recorder);
    assert_eq!((outcome.ran, outcome.already_done), (0, 2));
    assert!(recorder.started.is_empty());
    assert_eq!(fs::read(run.path().join("plan.jsonl")).unwrap(), before);
}

#[test]
fn without_resume_a_second_run_gets_its_own_folder() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    let first = house.plan(&experiment, false);
    let second = house.plan(&experiment, false);
    let name = |run: &RunFolder| run.path().file_name().unwrap().to_owned();
    assert_eq!(
        name(&second).to_str().unwrap(),
        format!("{}-2", name(&first).to_str().unwrap())
    );
    assert_eq!(house.plan(&experiment, true).path(), second.path());
    // Another experiment has another hash, whatever its name.
    let other = house.experiment("[[models]]\nfamily = \"knn\"\nk = 2\n");
    assert!(
        !name(&house.plan(&other, false))
            .to_str()
            .unwrap()
            .starts_with(name(&first).to_str().unwrap())
    );
}

#[test]
fn ids_depend_on_settings_and_data_but_not_on_the_path() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    let plan = house.plan(&experiment, false).plan().unwrap();
    let mut moved = plan[0].trial.clone();
    moved.data.source = "/elsewhere/toy".into();
    assert_eq!(moved.id(), plan[0].id);
    let mut other = plan[0].trial.clone();
    other.seed += 1;
    assert_ne!(other.id(), plan[0].id);
    let mut other = plan[0].trial.clone();
    other.data.fingerprint.push('0');
    assert_ne!(other.id(), plan[0].id);
}

#[test]
fn data_that_changed_end_the_run_without_a_record() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    let run = house.plan(&experiment, false);
    house.write_data(2);
    let error = house.try_run(&run, false, &mut Recorder::default());
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("changed since the run was planned"),
        "{error}"
    );
    assert!(run.read().unwrap().records.is_empty());
    house.write_data(1);
    let outcome = house.run(&run, &mut Recorder::default());
    assert_eq!((outcome.ran, outcome.failed), (2, 0));
}

/// A failed record of this trial, as an earlier attempt or version left it.
fn write_failed(run: &RunFolder, trial: usize, stage: Stage, reason: &str, cause: Option<Cause>) {
    let planned = run.plan().unwrap().swap_remove(trial);
    let record = Record {
        schema: SCHEMA,
        id: planned.id.clone(),
        trial: planned.trial,
        outcome: Outcome::Failed {
            stage,
            reason: reason.into(),
            cause,
        },
        host: bakeoff_bench::describe_host(1),
        attempt: None,
        seal: None,
    };
    let path = run.path().join(format!("records/{}.json", planned.id));
    fs::write(path, serde_json::to_vec(&record).unwrap()).unwrap();
}

#[test]
fn what_another_try_may_mend_runs_again_and_the_rest_is_named() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    let diverged = (Stage::Fit, "it diverged", None);
    let seconds = 4;
    for (stage, reason, cause) in [
        (
            Stage::Process,
            "its process ended (signal: 15 (SIGTERM))",
            None,
        ),
        (
            Stage::Process,
            "its process ended (exit status: 1): error: x: No space left on device (os error 28)",
            None,
        ),
        (
            Stage::Store,
            "models: Input/output error (os error 5)",
            None,
        ),
        (Stage::Data, "data: cannot be read", None),
        // No limit now.
        (
            Stage::Process,
            "stopped",
            Some(Cause::TimeLimit { seconds }),
        ),
    ] {
        let run = house.plan(&experiment, false);
        write_failed(&run, 0, stage, reason, cause);
        write_failed(&run, 1, diverged.0, diverged.1, diverged.2);
        let mut recorder = Recorder::default();
        let outcome = house.run(&run, &mut recorder);
        assert_eq!((outcome.ran, outcome.failed), (1, 1), "{reason}");
        assert!(
            recorder.set_aside[0].contains("may succeed now"),
            "{reason}"
        );
        let (left, why) = &outcome.left_failed[0];
        assert_eq!((left.index, why.as_str()), (1, "it diverged"));
    }
    let run = house.plan(&experiment, false);
    for cause in [Cause::OutOfMemory, Cause::Crash] {
        write_failed(&run, 0, Stage::Process, "as ever", Some(cause));
        let outcome = house.run(&run, &mut Recorder::default());
        assert_eq!(outcome.failed, 1, "{cause:?}");
    }
    let outcome = house.try_run(&run, true, &mut Recorder::default()).unwrap();
    assert_eq!((outcome.ran, outcome.failed), (1, 0));
}

#[test]
fn a_run_has_one_writer_and_the_second_is_told_who() {
    let house = House::new();
    let run = house.plan(&house.experiment(TWO_MODELS), false);
    let lock = run.lock().unwrap();
    for refused in [run.lock(), run.lock_for_a_trial()] {
        let error = refused.unwrap_err().to_string();
        let process = format!("process {}", std::process::id());
        assert!(
            error.contains("in use") && error.contains(&process),
            "{error}"
        );
    }
    drop(lock);
    // Trials share it, and a run waits for all of them.
    let trials = [
        run.lock_for_a_trial().unwrap(),
        run.lock_for_a_trial().unwrap(),
    ];
    let error = run.lock().unwrap_err().to_string();
    assert!(error.contains("bakeoff trial"), "{error}");
    drop(trials);
    // What a killed owner left there locks nothing.
    fs::write(
        run.path().join(".lock"),
        r#"{"process":1,"machine":"m","since":"then"}"#,
    )
    .unwrap();
    drop(run.lock_for_a_trial().unwrap());
    drop(run.lock().unwrap());
}

#[test]
fn names_that_cannot_be_saved_are_refused_before_training() {
    let house = House::new();
    fs::rename(house.path("toy"), house.path("a:b")).unwrap();
    let text = format!("datasets = [{:?}]\n{TWO_MODELS}", house.path("a:b"));
    let experiment = Experiment::parse(&text, Path::new("small.toml")).unwrap();
    let refused = bakeoff_bench::plan(&experiment, &house.path("runs"), "", false);
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("`a:b`") && error.contains("rename"),
        "{error}"
    );
    assert!(!house.path("runs").exists());
}

#[test]
fn folders_that_cannot_be_written_are_named_before_training() {
    let house = House::new();
    let run = house.plan(&house.experiment(TWO_MODELS), false);
    let plan = run.plan().unwrap();
    run.check_folders(&house.path("models"), &plan).unwrap();
    fs::write(house.path("file"), "x").unwrap();
    let error = run
        .check_folders(&house.path("file"), &plan)
        .unwrap_err()
        .to_string();
    assert!(error.contains("file"), "{error}");
}

/// Only in a build that lacks an engine.
#[test]
fn a_trial_whose_engine_this_program_lacks_is_refused_without_a_record() {
    let engines = bakeoff_zoo::family("ann").unwrap().engines;
    let Some(missing) = engines.iter().find(|engine| engine.code.is_none()) else {
        return;
    };
    let house = House::new();
    let text = format!(
        "[[models]]\nfamily = \"ann\"\nengine = \"{}\"\n",
        missing.name
    );
    let experiment = house.experiment(&text);
    let refused = bakeoff_bench::plan(&experiment, &house.path("runs"), "bakeoff run", false);
    let error = refused.unwrap_err().to_string();
    assert!(
        error.starts_with("small.toml:5:1: this program was"),
        "{error}"
    );

    // The same trial as a program with the engine plans it.
    let run = house.plan(&house.experiment("[[models]]\nfamily = \"ann\"\n"), false);
    let mut trial = run.plan().unwrap().remove(0);
    trial.trial.spec.engine = missing.name.into();
    trial.id = trial.trial.id();
    let options = TrialOptions {
        models: &house.path("models"),
        threads: 1,
        packs: None,
        own_process: false,
        memory_limit_mb: None,
    };
    let refused = run_trial(&run, &trial, options, &mut |_| ControlFlow::Continue(()));
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("without engine"), "{error}");
    assert_eq!(run.record(&trial.id).unwrap(), None);
}

#[test]
fn a_damaged_record_is_named_and_put_aside() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    let run = house.plan(&experiment, false);
    house.run(&run, &mut Recorder::default());
    let id = run.plan().unwrap()[1].id.clone();
    let record = run.record(&id).unwrap().unwrap();
    let first_bytes = fs::read(run.path().join(format!("records/{id}.json"))).unwrap();
    let sidecar = run
        .path()
        .join("records")
        .join(&record.measured().unwrap().probabilities.file);
    let mut bytes = fs::read(&sidecar).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&sidecar, bytes).unwrap();
    let error = run.read().unwrap_err().to_string();
    assert!(error.contains(sidecar.to_str().unwrap()), "{error}");
    assert!(error.contains("checksum"), "{error}");

    let mut recorder = Recorder::default();
    let outcome = house.run(&run, &mut recorder);
    assert_eq!((outcome.ran, outcome.already_done), (1, 1));
    assert_eq!(recorder.set_aside.len(), 1);
    assert!(recorder.set_aside[0].starts_with("knn: "));
    // Nothing was deleted, and the new record has the same probabilities.
    let aside = run.path().join(format!("records/{id}.json.damaged"));
    assert_eq!(fs::read(&aside).unwrap(), first_bytes);
    assert_eq!(
        run.record(&id)
            .unwrap()
            .unwrap()
            .measured()
            .unwrap()
            .probabilities,
        record.measured().unwrap().probabilities
    );

    // A second one does not take the place of the first.
    fs::write(run.path().join(format!("records/{id}.json")), "torn").unwrap();
    house.run(&run, &mut Recorder::default());
    let second = run.path().join(format!("records/{id}.json.2.damaged"));
    assert_eq!(fs::read(aside).unwrap(), first_bytes);
    assert_eq!(fs::read(second).unwrap(), b"torn");
}

#[test]
fn a_trial_runs_again_when_any_file_beside_its_record_is_damaged() {
    let house = House::new();
    let experiment = house.experiment(
        "validation_fraction = 0.2\ncalibrate = \"temperature\"\nrobustness = [\"shift\"]\n\
         [[models]]\nfamily = \"knn\"\n",
    );
    let run = house.plan(&experiment, false);
    house.run(&run, &mut Recorder::default());
    let id = run.plan().unwrap()[0].id.clone();
    let record = run.record(&id).unwrap().unwrap();
    let files: Vec<_> = record.measured().unwrap().sidecars().cloned().collect();
    assert_eq!(files.len(), 3);
    for sidecar in files {
        fs::write(run.path().join("records").join(&sidecar.file), b"damaged").unwrap();
        assert!(run.read().is_err());
        let outcome = house.run(&run, &mut Recorder::default());
        assert_eq!((outcome.ran, outcome.already_done), (1, 0));
        assert!(run.read().is_ok());
    }
}

#[test]
fn a_resumed_run_takes_the_time_limit_of_the_experiment() {
    let house = House::new();
    let limit = |seconds: &str| house.experiment(&format!("{seconds}{TWO_MODELS}"));
    let of = |run: &RunFolder| run.plan().unwrap()[0].time_limit_seconds;
    let run = house.plan(&limit("time_limit_seconds = 5\n"), false);
    assert_eq!(of(&run), Some(5));
    let again = house.plan(&limit("time_limit_seconds = 60\n"), true);
    assert_eq!((again.path(), of(&again)), (run.path(), Some(60)));
    assert_eq!(of(&house.plan(&limit(""), true)), None);
    // What was planned stays written.
    assert_eq!(of(&run), Some(5));
}

#[test]
fn no_saved_model_replaces_another() {
    let house = House::new();
    let experiment = house.experiment(
        "seeds = [1, 2]\n[[models]]\nfamily = \"knn\"\n\
         [[models]]\nname = \"KNN-seed2\"\nfamily = \"knn\"\nk = 1\n",
    );
    let refused = bakeoff_bench::plan(&experiment, &house.path("runs"), "", false);
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("toy/KNN-seed2") && error.contains("rename"),
        "{error}"
    );
}

#[test]
fn cancelling_leaves_no_record_of_the_trial_in_progress() {
    let house = House::new();
    let experiment = house.experiment(TWO_MODELS);
    for stage in [
        TrialStage::Data,
        TrialStage::Fit,
        TrialStage::Predict,
        TrialStage::Latency,
        TrialStage::Save,
    ] {
        let run = house.plan(&experiment, false);
        let mut recorder = Recorder {
            cancel_at: Some(stage),
            ..Recorder::default()
        };
        let outcome = house.run(&run, &mut recorder);
        assert!(outcome.cancelled, "{stage:?}");
        assert_eq!(recorder.ended, [TrialEnd::Cancelled], "{stage:?}");
        assert!(run.read().unwrap().records.is_empty(), "{stage:?}");
    }
}

#[test]
fn plans_of_another_schema_or_altered_are_refused() {
    let house = House::new();
    let run = house.plan(&house.experiment(TWO_MODELS), false);
    let path = run.path().join("plan.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("\"k\":1", "\"k\":2")).unwrap();
    let error = run.plan().unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
    fs::write(&path, good.replace("\"schema\":2", "\"schema\":99")).unwrap();
    let error = run.plan().unwrap_err().to_string();
    assert!(error.contains("schema 99"), "{error}");
    fs::write(&path, "not json\n").unwrap();
    assert!(run.plan().unwrap_err().to_string().contains("line 1"));
}

/// What a command line with these flags changes.
fn overrides(flags: &[(&str, &str)]) -> Overrides {
    let mut overrides = Overrides::default();
    for (flag, word) in flags {
        overrides.set(flag, &[word]).unwrap();
    }
    overrides
}

#[test]
fn overrides_change_what_they_name_and_nothing_else() {
    let house = House::new();
    let text = "[[models]]\nfamily = \"knn\"\n[[models]]\nfamily = \"ann\"\n";
    let changed = house
        .experiment(text)
        .with(&overrides(&[
            ("models", "ann"),
            ("epochs", "3"),
            ("seed", "9"),
            ("limit-train", "30"),
        ]))
        .unwrap();
    assert_eq!(changed.models.len(), 1);
    assert_eq!(changed.models[0].spec.settings["epochs"], 3);
    assert_eq!(changed.seeds, [9]);
    assert_eq!(changed.limit_train, Some(30));
    assert_eq!(changed.limit_test, None);
    let run = house.plan(&changed, false);
    let plan = run.plan().unwrap();
    assert_eq!(plan[0].save_as.as_ref().unwrap().dataset, "toy-30");

    let error = house
        .experiment(text)
        .with(&overrides(&[("models", "anm")]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("did you mean `ann`?"), "{error}");
}

#[test]
fn a_dataset_of_one_part_only_is_refused() {
    let house = House::new();
    let data = bakeoff_data::open(house.path("toy").to_str().unwrap()).unwrap();
    let empty = Dataset::new("e", data.train().clone(), data.test().select(&[])).unwrap();
    write_part(&house.path("toy"), "t10k", empty.test());
    let experiment = house.experiment(TWO_MODELS);
    assert!(bakeoff_bench::plan(&experiment, &house.path("runs"), "", false).is_err());
}
