//! Recipes and data that do not fit each other, and those that adapt.

use bakeoff_core::record::{Outcome, Stage};

use crate::house::{House, Recorder};

#[test]
fn where_no_recipe_fits_the_data_the_run_is_refused_before_training() {
    let house = House::new();
    let too_many = house.experiment("[[models]]\nfamily = \"knn\"\nk = 61\n");
    let error = bakeoff_bench::plan(&too_many, &house.path("runs"), "", false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("knn"), "{error}");
    let too_large =
        house.experiment("[[models]]\nfamily = \"cnn\"\nlayers = [\"conv 4 9\", \"dense 4\"]\n");
    let error = bakeoff_bench::plan(&too_large, &house.path("runs"), "", false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("cnn"), "{error}");
    assert!(!house.path("runs").exists(), "nothing may be left behind");
}

#[test]
fn a_recipe_that_does_not_fit_is_a_failed_row_and_the_others_run() {
    let house = House::new();
    let experiment = house.experiment(
        "[[models]]\nfamily = \"cnn\"\nlayers = [\"conv 4 9\", \"dense 4\"]\n\
         [[models]]\nfamily = \"knn\"\n",
    );
    let run = house.plan(&experiment, false);
    let notes = run.info().unwrap().datasets[0].notes.join("\n");
    assert!(notes.contains("model `cnn` does not fit"), "{notes}");
    let mut recorder = Recorder::default();
    let outcome = house.run(&run, &mut recorder);
    assert_eq!((outcome.ran, outcome.failed), (1, 1));
    let record = recorder.ended[0].record().unwrap();
    let Outcome::Failed { stage, reason, .. } = &record.outcome else {
        panic!("cnn succeeded");
    };
    assert_eq!(*stage, Stage::Fit);
    assert!(reason.contains("layer 1 (conv 4 9x9)"), "{reason}");
    // The same again would end in the same way.
    let again = house.run(&run, &mut Recorder::default());
    assert_eq!((again.already_done, again.failed), (2, 1));
}

#[test]
fn the_layers_of_a_trial_are_those_for_its_images() {
    let house = House::new();
    let experiment = house.experiment("[[models]]\nfamily = \"cnn\"\nepochs = 1\n");
    let run = house.plan(&experiment, false);
    let settings = &run.plan().unwrap()[0].trial.spec.settings;
    let layers = ["conv 32 3", "conv 64 3", "max-pool 2", "dense 128"];
    assert_eq!(settings["layers"], serde_json::json!(layers));
    assert_eq!(house.run(&run, &mut Recorder::default()).ran, 1);
}
