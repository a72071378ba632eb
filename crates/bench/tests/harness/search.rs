//! A search for recipes: on held-out images alone, the same again, and on after it was killed.

use std::{collections::BTreeSet, fs, path::Path};

use bakeoff_bench::{
    BenchError, Experiment, InProcess, Launcher, Observer, Overrides, Round, RunFolder,
    SearchObserver, Searched, TrialEnd, TrialEvent, search,
};
use bakeoff_core::record::{PlannedTrial, SplitSpec};

use crate::house::{House, Recorder, TWO_MODELS};

/// Runs so many trials, and then is cancelled, as by a person.
struct Mortal {
    inner: InProcess,
    left: usize,
}

impl Launcher for Mortal {
    fn launch(
        &mut self,
        run: &RunFolder,
        trial: &PlannedTrial,
        on_event: &mut (dyn FnMut(&TrialEvent) -> std::ops::ControlFlow<()> + Send + '_),
    ) -> Result<TrialEnd, BenchError> {
        if self.left == 0 {
            return Ok(TrialEnd::Cancelled);
        }
        self.left -= 1;
        self.inner.launch(run, trial, on_event)
    }
}

#[derive(Default)]
struct Rounds(Vec<(usize, usize)>);

impl SearchObserver for Rounds {
    fn round(&mut self, round: &Round<'_>) {
        self.0.push((round.recipes, round.images));
    }

    fn trials(&mut self, _: &[PlannedTrial]) -> Box<dyn Observer> {
        Box::new(Recorder::default())
    }
}

/// Searches until `left` trials are run; what was found, if it came to its end.
fn searched(house: &House, experiment: &Experiment, left: usize) -> Option<Experiment> {
    let mut launcher = Mortal {
        inner: InProcess {
            models: house.path("models"),
            threads: 1,
        },
        left,
    };
    let mut rounds = Rounds::default();
    let command = ("bakeoff run auto", true);
    let out = house.path("runs");
    match search(experiment, &out, command, &mut launcher, &mut rounds).unwrap() {
        Searched::Found(found) => {
            assert!(rounds.0.len() > 2, "{:?}", rounds.0);
            Some(*found)
        }
        Searched::Ended(outcome) => {
            assert!(outcome.cancelled);
            None
        }
    }
}

fn experiment(house: &House) -> Experiment {
    house.experiment("[search]\ntrials = 14\nfamilies = [\"logistic\", \"knn\", \"lda\"]\n")
}

/// What was found, without times.
fn told(found: &Experiment) -> Vec<(String, Option<u64>, Option<u64>)> {
    let search = found.found.as_ref().unwrap();
    let tried = search.tried.iter().map(|tried| {
        let recipe = format!("{} {:?}", tried.model, tried.spec);
        (
            recipe,
            tried.accuracy.map(f64::to_bits),
            tried.log_loss.map(f64::to_bits),
        )
    });
    let models = found
        .models
        .iter()
        .map(|model| (format!("{model:?}"), None, None));
    tried.chain(models).collect()
}

#[test]
fn recipes_are_scored_on_held_out_images_alone() {
    let house = House::new();
    let found = searched(&house, &experiment(&house), usize::MAX).unwrap();
    let search = found.found.as_ref().unwrap();
    let mut recipes: Vec<&str> = search.tried.iter().map(|t| t.model.as_str()).collect();
    recipes.sort_unstable();
    recipes.dedup();
    assert_eq!(recipes.len(), 14);
    let mut rounds = 0;
    let mut searched_within = BTreeSet::new();
    let folder = fs::read_dir(house.path("runs/search"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    for round in fs::read_dir(folder.path()).unwrap() {
        let round = round.unwrap().path();
        if !round.is_dir() {
            continue;
        }
        rounds += 1;
        for planned in RunFolder::open(&round).unwrap().plan().unwrap() {
            assert!(matches!(planned.trial.split, SplitSpec::Holdout { .. }));
            assert_eq!(planned.save_as, None);
            searched_within.insert(planned.memory_limit_mb);
        }
    }
    assert!(rounds > 2);
    // The defaults of each family, and the best recipe where it is another.
    for family in ["logistic", "knn", "lda"] {
        let chosen = search
            .chosen
            .iter()
            .find(|chosen| chosen.family == family)
            .unwrap();
        assert_eq!(chosen.default.as_deref(), Some(family));
        let tuned = format!("{family}-tuned");
        let names = || found.models.iter().map(|model| &model.name);
        assert!(names().any(|name| name == family));
        assert_eq!(names().any(|name| *name == tuned), chosen.tuned.is_some());
    }
    let run = house.plan(&found, false);
    assert_eq!(run.info().unwrap().search, found.found);
    // The limit of memory holds for the chosen models as for the search.
    let limits = |run: &RunFolder| -> BTreeSet<Option<u64>> {
        let plan = run.plan().unwrap();
        plan.iter().map(|planned| planned.memory_limit_mb).collect()
    };
    assert_eq!(limits(&run), searched_within);
    assert_eq!(searched_within.contains(&None), !cfg!(target_os = "linux"));
    // An ensemble is of models of the run.
    if let Some(ensemble) = &search.ensemble {
        assert_eq!(found.models.last().unwrap().name, ensemble.model);
        let is_there = |name: &String| found.models.iter().any(|model| model.name == *name);
        assert!(ensemble.members.len() > 1);
        assert!(
            ensemble
                .members
                .iter()
                .all(|(name, weight)| is_there(name) && *weight > 0)
        );
    }
    let outcome = house.run(&run, &mut Recorder::default());
    assert_eq!((outcome.ran, outcome.failed), (found.models.len(), 0));
}

#[test]
fn a_search_that_was_stopped_twice_finds_the_same() {
    let (house, other) = (House::new(), House::new());
    let whole = searched(&house, &experiment(&house), usize::MAX).unwrap();
    let again = experiment(&other);
    assert_eq!(searched(&other, &again, 4), None);
    assert_eq!(searched(&other, &again, 9), None);
    let resumed = searched(&other, &again, usize::MAX).unwrap();
    assert_eq!(told(&whole), told(&resumed));
    // Nothing is left to run.
    assert_eq!(told(&searched(&other, &again, 0).unwrap()), told(&whole));
}

#[test]
fn a_budget_that_is_used_ends_the_search_with_what_there_is() {
    let house = House::new();
    let experiment = house.experiment("[search]\nbudget = \"20s\"\nfamilies = [\"knn\"]\n");
    let found = searched(&house, &experiment, usize::MAX).unwrap();
    let search = found.found.as_ref().unwrap();
    assert_eq!(search.budget_seconds, Some(20));
    assert!(!found.models.is_empty() && search.seconds < 20.0);
}

#[test]
fn a_search_and_models_exclude_each_other() {
    let house = House::new();
    let text = format!("[search]\ntrials = 3\n{TWO_MODELS}");
    let text = format!("datasets = [{:?}]\n{text}", house.path("toy"));
    let error = Experiment::parse(&text, Path::new("x.toml")).unwrap_err();
    assert!(error.to_string().contains("bakeoff run auto"), "{error}");
    let mut overrides = Overrides::default();
    overrides.set("budget", &["10m"]).unwrap();
    assert!(overrides.set("budget", &["10 minutes"]).is_err());
    let error = house.experiment(TWO_MODELS).with(&overrides).unwrap_err();
    assert!(error.to_string().contains("names its models"), "{error}");
    let error = bakeoff_bench::plan(&experiment(&house), &house.path("runs"), "", false);
    assert!(error.unwrap_err().to_string().contains("is a search"));
}
