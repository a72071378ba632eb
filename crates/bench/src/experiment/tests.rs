use super::*;

fn error(text: &str) -> String {
    Experiment::parse(text, Path::new("x.toml"))
        .map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn every_builtin_experiment_is_valid() {
    for name in builtin_experiments() {
        let experiment = builtin_experiment(name).expect(name).expect(name);
        assert_eq!(experiment.name, name);
        assert!(!experiment.models.is_empty());
    }
}

#[test]
fn defaults_are_what_the_documentation_says() {
    let experiment =
        Experiment::parse("[[models]]\nfamily = \"knn\"", Path::new("dir/my.toml")).unwrap();
    assert_eq!(experiment.name, "my");
    assert_eq!(experiment.datasets, ["mnist"]);
    assert_eq!(experiment.seeds, [1]);
    assert_eq!(experiment.models[0].name, "knn");
}

#[test]
fn errors_name_line_column_key_and_what_is_allowed() {
    let message = error("seeds = [1]\nlimt_train = 5\n");
    assert!(
        message.starts_with("x.toml:2:1: unknown key `limt_train`"),
        "{message}"
    );
    assert!(message.contains("did you mean `limit_train`?"), "{message}");
    assert!(
        message.contains("\n  2 | limt_train = 5\n    | ^"),
        "{message}"
    );

    let message = error("[[models]]\nfamily = \"knn\"\nk = 0\n");
    assert!(
        message.starts_with("x.toml:3:1: setting `k` of knn is 0"),
        "{message}"
    );

    let message = error("[[models]]\nfamily = \"kn\"\n");
    assert!(
        message.starts_with("x.toml:2:1: there is no model family `kn`"),
        "{message}"
    );
    assert!(message.contains("did you mean `knn`?"), "{message}");

    let message = error("[[models]]\nfamily = \"knn\"\nengine = \"burn\"\n");
    assert!(
        message.starts_with("x.toml:3:1: knn has no engine `burn`"),
        "{message}"
    );

    let message = error("seeds = [1, 1]\n[[models]]\nfamily = \"knn\"\n");
    assert!(
        message.starts_with("x.toml:1:9: `seeds` is [1,1]; allowed: a list of different"),
        "{message}"
    );

    let message = error("seeds = []\n");
    assert!(message.contains("x.toml:1:9: `seeds`"), "{message}");

    let message = error("name = 'a\n");
    assert!(message.starts_with("x.toml:1:"), "{message}");

    let message = error("seeds = [1]\n");
    assert!(message.contains("no models"), "{message}");

    let message = error("[[models]]\nk = 3\n");
    assert!(message.contains("a model needs `family`"), "{message}");

    let twice = "[[models]]\nfamily = \"knn\"\n[[models]]\nfamily = \"knn\"\n";
    assert!(error(twice).contains("two models are called `knn`"));
}

#[test]
fn columns_count_characters_not_bytes() {
    let message = error("name = \"é\" \u{fe}\n");
    assert!(message.starts_with("x.toml:1:12"), "{message}");
}

#[test]
fn names_cannot_leave_their_folder() {
    assert!(error("name = \"../x\"\n[[models]]\nfamily = \"knn\"").contains("allowed: 1 to 60"));
    assert!(error("name = \"..\"\n[[models]]\nfamily = \"knn\"").contains("allowed"));
}

const KNN: &str = "[[models]]\nfamily = \"knn\"\n";

fn parsed(settings: &str) -> Experiment {
    Experiment::parse(&format!("{settings}\n{KNN}"), Path::new("x.toml")).unwrap()
}

#[test]
fn settings_of_trust_are_read() {
    let experiment = parsed(
        "folds = 5\nfold_repeats = 2\nholdout = { repeats = 3 }\ncalibrate = \"temperature\"\n\
         train_fractions = [0.1, 1.0, 0.01]\nrobustness = [\"noise\", \"shift\"]",
    );
    assert_eq!(
        experiment.folds,
        Some(Folds {
            folds: 5,
            repeats: 2
        })
    );
    assert_eq!(
        experiment.holdout,
        Some(Holdout {
            repeats: 3,
            fraction: 0.2
        })
    );
    assert_eq!(
        experiment.models[0].calibration,
        Some(Calibration::Temperature)
    );
    assert_eq!(experiment.train_fractions, [0.1, 0.01]);
    assert_eq!(
        experiment.robustness,
        [Corruption::Shift, Corruption::Noise]
    );
    assert_eq!(parsed("robustness = true").robustness, Corruption::ALL);
    assert_eq!(parsed("robustness = false").robustness, []);
    assert_eq!(parsed("").folds, None);
}

#[test]
fn a_model_can_be_calibrated_alone_or_left_out() {
    let two = |for_all: &str, own: &str| {
        let text = format!("{for_all}\n{KNN}{own}\n[[models]]\nfamily = \"ann\"\n");
        let experiment = Experiment::parse(&text, Path::new("x.toml")).unwrap();
        [0, 1].map(|i| experiment.models[i].calibration.is_some())
    };
    assert_eq!(two("", "calibrate = \"temperature\""), [true, false]);
    assert_eq!(
        two("calibrate = \"temperature\"", "calibrate = \"none\""),
        [false, true]
    );
}

#[test]
fn mistakes_in_settings_of_trust_are_named_with_their_place() {
    for (settings, expected) in [
        (
            "folds = 1",
            "x.toml:1:9: `folds` is 1; allowed: a whole number from 2 to 100",
        ),
        (
            "fold_repeats = 2",
            "x.toml:1:1: `fold_repeats` repeats nothing; say into how many parts, as in `folds = 5`",
        ),
        (
            "holdout = 5",
            "x.toml:1:11: `holdout` must be a table, as in `{ repeats = 10, fraction = 0.2 }`",
        ),
        (
            "holdout = { repeat = 5 }",
            "x.toml:1:13: unknown key `repeat` in `holdout` (did you mean `repeats`?); allowed: repeats, fraction",
        ),
        (
            "holdout = { fraction = 1 }",
            "x.toml:1:24: `fraction` is 1; allowed: a number above 0 and up to 0.9",
        ),
        (
            "train_fractions = [0.1, 2]",
            "x.toml:1:19: `train_fractions` is [0.1,2]; allowed: a list of different numbers above 0 and up to 1",
        ),
        (
            "calibrate = \"temprature\"",
            "x.toml:1:13: `calibrate` is \"temprature\"; allowed: \"temperature\" or \"none\"",
        ),
        (
            "validation_fraction = 0\ncalibrate = \"temperature\"",
            "x.toml:2:1: calibration needs a validation part, and `validation_fraction` is 0",
        ),
        (
            "robustness = \"all\"",
            "x.toml:1:14: `robustness` must be true, false or a list of corruptions",
        ),
        (
            "robustness = [\"shift\", \"nois\"]",
            "x.toml:1:24: there is no corruption `nois` (did you mean `noise`?); there are: shift, rotate,",
        ),
        (
            "robustness = [\"shift\", \"shift\"]",
            "x.toml:1:24: `shift` is there twice",
        ),
        (
            "robustness_baseline = \"cnn\"",
            "x.toml:1:23: `robustness_baseline` is \"cnn\"; allowed: the name of one of the models: knn",
        ),
    ] {
        let message = error(&format!("{settings}\n{KNN}"));
        assert!(message.starts_with(expected), "{message}");
    }
}
