use std::{fs, path::Path};

use bakeoff_core::{Corruption, record::Calibration};

use super::{
    builtin::{builtin_experiment, builtin_experiments},
    overrides::Overrides,
    settings::{Experiment, Flag, Holdout, MODEL_SETTINGS, SETTINGS, Setting},
};

fn error(text: &str) -> String {
    Experiment::parse(text, Path::new("x.toml"))
        .map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn every_builtin_experiment_is_valid() {
    for name in builtin_experiments() {
        let experiment = builtin_experiment(name).expect(name).unwrap();
        assert_eq!(experiment.name, name);
        assert_eq!(experiment.models.is_empty(), experiment.search.is_some());
        if let Some(error) = experiment.not_built() {
            assert_eq!(name, "engines", "{error}");
        }
    }
}

/// Only in a build that lacks an engine.
#[test]
fn an_engine_that_this_program_lacks_matters_only_for_a_model_that_is_kept() {
    let engines = || builtin_experiment("engines").unwrap().unwrap();
    let Some(error) = engines().not_built().map(str::to_owned) else {
        return;
    };
    assert!(
        error.starts_with("engines.toml:109:1: this program was built without"),
        "{error}"
    );
    assert!(error.contains("`make engines`"), "{error}");
    let with = |models: &[&str]| {
        let mut overrides = Overrides::default();
        overrides.set("models", models).unwrap();
        overrides.set("epochs", &["2"]).unwrap();
        engines().with(&overrides).unwrap()
    };
    let kept = with(&["logistic", "ann"]);
    assert_eq!(kept.not_built(), None);
    let kept = with(&["logistic", "ann-burn-ndarray"]);
    let error = kept.not_built().unwrap();
    assert!(error.starts_with("engines.toml:115:1: "), "{error}");
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
        message.starts_with(
            "x.toml:1:13: `seeds` has the item 1 twice; allowed: a list of different whole numbers \
             from 0"
        ),
        "{message}"
    );

    let message = error("seeds = []\n");
    assert!(
        message.contains("x.toml:1:9: `seeds` is empty"),
        "{message}"
    );

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
fn a_file_that_is_not_utf8_is_named_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin.toml");
    fs::write(&path, b"# caf\xe9\n[[models]]\n").unwrap();
    let error = Experiment::read(&path).unwrap_err().to_string();
    assert!(error.contains("latin.toml:1:6: not UTF-8; save"), "{error}");
}

#[test]
fn an_empty_file_is_told_what_a_model_looks_like() {
    let message = error("");
    assert!(
        message.contains("as in `[[models]]` with `family = \"knn\"` on the next line"),
        "{message}"
    );
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
    assert_eq!((experiment.folds, experiment.fold_repeats), (Some(5), 2));
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
            "x.toml:1:1: `fold_repeats` needs a number of folds, as in `folds = 5`",
        ),
        (
            "holdout = 5",
            "x.toml:1:11: `holdout` must be a table, as in `holdout = { repeats = 10 }`",
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
            "x.toml:1:25: `train_fractions` has the item 2; allowed: a list of different numbers above 0 and up to 1",
        ),
        (
            "calibrate = \"temprature\"",
            "x.toml:1:13: `calibrate` is \"temprature\" (did you mean `temperature`?); allowed: \"temperature\" or \"none\"",
        ),
        (
            "robustness_baseline = \"kn\"",
            "x.toml:1:1: `robustness_baseline`: the experiment `x` has no model `kn` (did you mean `knn`?)",
        ),
        (
            "validation_fraction = 0\ncalibrate = \"temperature\"",
            "x.toml:2:1: calibration needs a validation part, and `validation_fraction` is 0",
        ),
        (
            "robustness = \"all\"",
            "x.toml:1:14: `robustness` is \"all\"; allowed: true, false or a list of: \"shift\", \"rotate\",",
        ),
        (
            "robustness = [\"shift\", \"nois\"]",
            "x.toml:1:24: `robustness` has the item \"nois\" (did you mean `noise`?); allowed: true, false or",
        ),
        (
            "robustness = [\"shift\", \"shift\"]",
            "x.toml:1:24: `robustness` has the item \"shift\" twice",
        ),
        (
            "robustness_baseline = \"dense\"",
            "x.toml:1:1: `robustness_baseline`: the experiment `x` has no model `dense`; it has: knn",
        ),
    ] {
        let message = error(&format!("{settings}\n{KNN}"));
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn a_setting_that_is_left_out_has_its_default() {
    let without = parsed("");
    for setting in SETTINGS
        .iter()
        .filter(|setting| !(setting.default)().is_null())
    {
        let key = setting.key.unwrap();
        // What only counts with another setting is given it.
        let with = match key.split_once('.') {
            Some((table, _)) => format!("{table} = {{}}"),
            None if key == "fold_repeats" => "folds = 3".into(),
            None => String::new(),
        };
        // A search finds its models.
        let parsed = |text: &str| match key.starts_with("search.") {
            true => Experiment::parse(text, Path::new("x.toml")).unwrap(),
            false => parsed(text),
        };
        let explicit = format!("{with}\n{key} = {}", (setting.default)());
        let explicit = match key.split_once('.') {
            Some(_) => parsed(explicit.trim_start_matches(&with)),
            None => parsed(&explicit),
        };
        let mut implicit = match with.is_empty() {
            true => without.clone(),
            false => parsed(&with),
        };
        implicit.text.clone_from(&explicit.text);
        assert_eq!(explicit, implicit, "{key}");
    }
    assert_eq!(
        parsed("holdout = {}").holdout,
        Some(Holdout {
            repeats: 10,
            fraction: 0.2
        })
    );
}

#[test]
fn a_flag_sets_what_its_key_sets() {
    for (flag, words, line) in [
        ("dataset", &["a,b"][..], "datasets = [\"a,b\"]"),
        ("seed", &["4", "5"], "seeds = [4, 5]"),
        ("limit-train", &["30"], "limit_train = 30"),
        ("limit-test", &["20"], "limit_test = 20"),
        ("folds", &["3"], "folds = 3"),
        (
            "train-fractions",
            &["0.5", "1"],
            "train_fractions = [0.5, 1]",
        ),
        ("calibrate", &["temperature"], "calibrate = \"temperature\""),
        ("robustness", &["true"], "robustness = true"),
    ] {
        let mut overrides = Overrides::default();
        overrides.set(flag, words).unwrap();
        let mut from_flag = parsed("").with(&overrides).unwrap();
        let from_file = parsed(line);
        assert_ne!(from_flag, parsed(""), "{flag}");
        from_flag.text.clone_from(&from_file.text);
        assert_eq!(from_flag, from_file, "{flag}");
    }
}

#[test]
fn mistakes_in_flags_are_named() {
    for (flag, words, expected) in [
        (
            "folds",
            &["1"][..],
            "`--folds` is 1; allowed: a whole number from 2 to 100",
        ),
        (
            "folds",
            &["many"],
            "`--folds` is \"many\"; allowed: a whole number",
        ),
        (
            "seed",
            &["3", "3"],
            "`--seed` has the item 3 twice; allowed: a list of different",
        ),
        (
            "train-fractions",
            &["0.1", "nan"],
            "`--train-fractions` has the item \"nan\"; allowed",
        ),
        (
            "models",
            &[""],
            "`--models` has the item \"\"; allowed: a list of different names",
        ),
        ("fold", &["1"], "there is no flag --fold"),
    ] {
        let error = Overrides::default().set(flag, words).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    let mut overrides = Overrides::default();
    overrides.set("calibrate", &["temperature"]).unwrap();
    let error = parsed("validation_fraction = 0")
        .with(&overrides)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("calibration needs a validation part")
    );
}

/// A table of settings in Markdown.
fn markdown<T>(settings: &[Setting<T>]) -> String {
    let with_flags = settings.iter().any(|setting| setting.flag != Flag::None);
    let mut text = match with_flags {
        true => "| key | flag | default | allowed | what it does |\n|---|---|---|---|---|\n".into(),
        false => String::from("| key | allowed | what it does |\n|---|---|---|\n"),
    };
    for setting in settings {
        let key = setting.key.map_or("–".into(), |key| format!("`{key}`"));
        let flag = match setting.flag {
            Flag::None => "–".into(),
            Flag::Switch(name, _) => format!("`--{name}`"),
            Flag::One(name, value) | Flag::Many(name, value) => {
                format!("`--{name} {}`", value.replace('|', "\\|"))
            }
        };
        let default = match (setting.default)() {
            serde_json::Value::Null => "–".into(),
            value => format!("`{value}`"),
        };
        let cells = match with_flags {
            true => format!("{key} | {flag} | {default}"),
            false => key,
        };
        let (allowed, help) = (setting.kind.allowed(), setting.help);
        text += &format!("| {cells} | {allowed} | {help} |\n");
    }
    text
}

#[test]
fn the_tables_in_the_documentation_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/README.md");
    let text = fs::read_to_string(&path).unwrap();
    let mut renewed = text.clone();
    for (name, table) in [
        ("settings", markdown(&SETTINGS)),
        ("model settings", markdown(&MODEL_SETTINGS)),
    ] {
        let (begin, end) = (
            format!("<!-- {name} -->\n"),
            format!("<!-- end of {name} -->"),
        );
        let from = renewed.find(&begin).unwrap() + begin.len();
        let to = renewed.find(&end).unwrap();
        renewed.replace_range(from..to, &table);
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &renewed).unwrap();
    } else {
        assert!(
            text == renewed,
            "{} is out of date; `make bless` renews it",
            path.display()
        );
    }
}
