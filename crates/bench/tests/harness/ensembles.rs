//! Ensembles of an experiment's models.

use std::fs;

use bakeoff_core::record::Measured;

use crate::house::{House, Recorder};

const MODELS: &str = "[[models]]\nname = \"both\"\nfamily = \"ensemble\"\nmembers = [\"ann\", \"knn\"]\n\
     weights = [2, 1]\n[[models]]\nfamily = \"knn\"\n[[models]]\nfamily = \"ann\"\nepochs = 3\n";

/// What was measured of the ensemble.
fn measured(house: &House, models: &str) -> (Vec<String>, Measured) {
    let run = house.plan(&house.experiment(models), false);
    let outcome = house.run(&run, &mut Recorder::default());
    assert_eq!(outcome.failed, 0);
    let plan = run.plan().unwrap();
    let names = plan.iter().map(|planned| planned.trial.model.clone());
    let planned = plan.iter().find(|planned| planned.trial.model == "both");
    let record = run.record(&planned.unwrap().id).unwrap().unwrap();
    (names.collect(), record.measured().unwrap().clone())
}

#[test]
fn members_that_are_trained_already_are_taken_and_others_give_the_same_bits() {
    for more in ["", "calibrate = \"temperature\"\n"] {
        let house = House::new();
        let (names, after) = measured(&house, &format!("{more}{MODELS}"));
        // It comes after its members, wherever it stands.
        assert_eq!(names, ["knn", "ann", "both"]);
        let run = fs::read_dir(house.path("runs"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let run = run
            .filter(|path| path.join("run.json").is_file())
            .last()
            .unwrap();
        let read = bakeoff_bench::RunFolder::open(&run)
            .unwrap()
            .read()
            .unwrap();
        let fit_ns = |model: &str| {
            let planned = read
                .plan
                .iter()
                .find(|planned| planned.trial.model == model)
                .unwrap();
            read.records[&planned.id].measured().unwrap().costs.fit_ns
        };
        // Its time is that of its members, too.
        assert!(after.costs.fit_ns >= fit_ns("knn") + fit_ns("ann"));
        assert_eq!(after.costs.fits.len(), 1);

        // Alone it trains them itself, as their own trials would.
        let other = House::new();
        let mut experiment = other.experiment(&format!("{more}{MODELS}"));
        experiment.models.retain(|model| model.name == "both");
        let run = other.plan(&experiment, false);
        other.run(&run, &mut Recorder::default());
        let plan = run.plan().unwrap();
        let record = run.record(&plan[0].id).unwrap().unwrap();
        let alone = record.measured().unwrap();
        assert_eq!(alone.probabilities, after.probabilities);
    }
}

#[test]
fn epochs_reach_the_members() {
    let house = House::new();
    let mut overrides = bakeoff_bench::Overrides::default();
    overrides.set("epochs", &["2"]).unwrap();
    let experiment = house.experiment(MODELS).with(&overrides).unwrap();
    let members = &experiment.models[0].spec.settings["members"];
    assert_eq!(members["ann"]["settings"]["epochs"], 2);
}

#[test]
fn a_name_that_is_none_is_refused_at_its_line() {
    let text = MODELS.replace("\"ann\", \"knn\"]", "\"an\"]");
    let text = format!("datasets = [\"toy\"]\n{text}");
    let error = bakeoff_bench::Experiment::parse(&text, "x.toml".as_ref()).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("x.toml:6:1"), "{error}");
    assert!(error.contains("as many numbers"), "{error}");
    let text = text.replace("weights = [2, 1]\n", "");
    let error = bakeoff_bench::Experiment::parse(&text, "x.toml".as_ref()).unwrap_err();
    assert!(
        error.to_string().contains("no `an` (did you mean `ann`?)"),
        "{error}"
    );
}
