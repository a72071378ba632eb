//! Every setting of an experiment, in one table.
//!
//! A row says all there is to know of a setting: its key in a file, its flag, what values it
//! takes, its default, its help, and how it is set. Parsing, checks, "did you mean", the help of
//! `bakeoff run` and the tables in `experiments/README.md` come from these rows. To add a
//! setting, add a field and a row here, and use the field where trials are planned.
//!
//! Deriving the table from the struct was rejected: several settings change something other
//! than one field (`epochs` changes models).

use bakeoff_core::{
    Colour, Corruption, Fit, ModelSpec, OpenOptions, Prepare, SpecError, did_you_mean,
    record::{Calibration, SearchInfo},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use bakeoff_search::SPACES;

use super::kind::Kind;

/// One model of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEntry {
    /// Its name in reports and of the saved model; unique within the experiment.
    pub name: String,
    /// The recipe, resolved.
    pub spec: ModelSpec,
    /// How its probabilities are calibrated; `None` to leave them as they are.
    pub calibration: Option<Calibration>,
}

/// Repeated holdout on the training part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Holdout {
    /// How often a part is drawn.
    pub repeats: usize,
    /// The share of the training part that is reported on, above 0 and below 1.
    pub fraction: f64,
}

/// A search for the models of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Search {
    /// Seconds for all of it, with the fits of the chosen models.
    pub budget_seconds: Option<u64>,
    /// Recipes to try, instead of a budget.
    pub trials: Option<usize>,
    /// The families to search; all that can be where it is empty.
    pub families: Vec<String>,
    /// Epochs of every recipe that has epochs, instead of its own.
    pub epochs: Option<u64>,
}

/// An experiment: datasets × models × seeds, and further trials that show how far their
/// ranking can be trusted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Experiment {
    /// Its name, part of a run's name.
    pub name: String,
    /// Built-in names or paths.
    pub datasets: Vec<String>,
    /// How the data are opened, apart from the seed of a stated split.
    pub open: OpenOptions,
    /// Seeds of the fits.
    pub seeds: Vec<u64>,
    /// Share of the training data held out for families that choose something by it.
    pub validation_fraction: f64,
    /// Seed of the held-out part and of the limits.
    pub split_seed: u64,
    /// Use only this many training samples.
    pub limit_train: Option<usize>,
    /// Use only this many test samples.
    pub limit_test: Option<usize>,
    /// Processors that a scheduler should give each trial; `None` for one. Given when a run is
    /// planned, and no part of an experiment.
    pub threads: Option<usize>,
    /// A trial that takes longer is stopped and recorded as failed.
    pub time_limit_seconds: Option<u64>,
    /// A trial that needs more memory, in millions of bytes, is stopped and recorded as failed.
    pub memory_limit_mb: Option<u64>,
    /// Cross-validation on the training part in this many folds, with the first seed.
    pub folds: Option<usize>,
    /// How often the folds are drawn.
    pub fold_repeats: usize,
    /// Repeated holdout on the training part, with the first seed.
    pub holdout: Option<Holdout>,
    /// Further trials on these shares of the training part, each above 0 and below 1,
    /// for every seed. The headline trial uses the whole.
    pub train_fractions: Vec<f64>,
    /// Calibration of the models that name none of their own.
    pub(super) calibration: Option<Calibration>,
    /// How the test images are corrupted, in the order of [`Corruption::ALL`].
    pub robustness: Vec<Corruption>,
    /// The model that errors under corruption are compared with, where one is named.
    pub robustness_baseline: Option<String>,
    /// Measure which parts of the images the models look at.
    pub importance: bool,
    /// A search for the models, in place of `models`.
    pub search: Option<Search>,
    /// What a search found; then the models are those that it chose.
    pub found: Option<SearchInfo>,
    /// The trials are those of a round of a search: on the holdouts alone, trained on this share.
    pub(crate) selection: Option<Option<f64>>,
    /// What is compared.
    pub models: Vec<ModelEntry>,
    /// The models whose engine this program lacks, each with the error that says so. The
    /// command line may leave them out.
    pub(super) not_built: Vec<(String, String)>,
    /// The text it was read from.
    pub text: String,
}

impl Experiment {
    /// The model that errors under corruption are compared with: the named one; the first
    /// one where none is named, or where the command line left it out; `None` without
    /// corruptions.
    pub fn baseline(&self) -> Option<&str> {
        let mut names = self.models.iter().map(|model| &model.name);
        let first = names.clone().next();
        let named = self.robustness_baseline.as_ref();
        names
            .find(|name| Some(*name) == named)
            .or(first)
            .filter(|_| !self.robustness.is_empty())
            .map(String::as_str)
    }

    /// Calibration of the models that name none of their own.
    pub(crate) fn calibration(&self) -> Option<Calibration> {
        self.calibration
    }

    /// How the data are opened. Without a stated split there is no seed in it, so that another
    /// seed makes no other trial.
    pub fn open_options(&self) -> OpenOptions {
        OpenOptions {
            split_seed: self.open.test_fraction.map(|_| self.split_seed),
            ..self.open.clone()
        }
    }

    /// The error of the first model that this program has no engine for.
    pub(crate) fn not_built(&self) -> Option<&str> {
        let kept = |name: &String| self.models.iter().any(|model| model.name == *name);
        let mut missing = self.not_built.iter();
        missing.find_map(|(name, error)| kept(name).then_some(error.as_str()))
    }
}

/// Refuses settings that a model's engine cannot do. That this program lacks the engine is
/// only told: the model may yet be left out.
pub(super) fn check_engine(spec: &ModelSpec) -> Result<Option<SpecError>, SpecError> {
    match bakeoff_zoo::build(spec) {
        Ok(_) => Ok(None),
        Err(missing @ SpecError::EngineNotBuilt { .. }) => Ok(Some(missing)),
        Err(error) => Err(error),
    }
}

/// How the command line says a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Only a file can say it.
    None,
    /// `--name`, which stands for this value.
    Switch(&'static str, &'static str),
    /// `--name VALUE`: the flag, and what help calls the value.
    One(&'static str, &'static str),
    /// `--name VALUE,...`
    Many(&'static str, &'static str),
}

impl Flag {
    /// Its name without the dashes.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Switch(name, _) | Self::One(name, _) | Self::Many(name, _) => Some(name),
        }
    }
}

/// One setting of a `T`: of an experiment, or of one of its models.
pub struct Setting<T: 'static = Experiment> {
    /// Its key in a file; `outer.inner` where it is in a table of its own. `None` where only
    /// the command line can say it.
    pub(crate) key: Option<&'static str>,
    /// Its flag.
    pub flag: Flag,
    /// What values it takes.
    pub(super) kind: Kind,
    /// Its value where none is given; null where it stays unset.
    pub(super) default: fn() -> Value,
    /// What it does, in a line.
    pub help: &'static str,
    /// Sets it to a value of its kind.
    pub(super) set: fn(&mut T, Value) -> Result<(), String>,
    /// Why it cannot be set together with the others; asked once all are set.
    pub(super) conflict: fn(&T) -> Option<String>,
}

/// Rows of a table of settings. Each is written
/// `key, flag, kind, default, help, set [, conflict];`, as the fields of [`Setting`].
macro_rules! rows {
    ($($key:expr, $flag:expr, $kind:expr, $default:tt, $help:literal,
        $set:expr $(, $conflict:expr)?;)*) => {
        [$(Setting {
            key: $key,
            flag: $flag,
            kind: $kind,
            default: || json!($default),
            help: $help,
            set: $set,
            conflict: rows!(@conflict $($conflict)?),
        }),*]
    };
    (@conflict) => { |_| None };
    (@conflict $conflict:expr) => { $conflict };
}

const NAME: Kind = Kind::Text(
    "1 to 60 letters, digits, `-`, `_` or `.`, not starting with `.`",
    |name| {
        // It becomes part of a file's name on any system.
        (1..=60).contains(&name.chars().count())
            && !name.starts_with('.')
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
    },
);
const DATASET: Kind = Kind::Text("built-in names or paths of folders or files", not_empty);
const COLUMN: Kind = Kind::Text("the name of a column", not_empty);
const FIT: Kind = Kind::Word(|| Fit::ALL.map(Fit::name).to_vec());
const PREPARE: Kind = Kind::Word(|| Prepare::ALL.map(Prepare::name).to_vec());
const COLOUR: Kind = Kind::Word(|| Colour::ALL.map(Colour::name).to_vec());
const MODEL: Kind = Kind::Text("names of the experiment's models", not_empty);
const COUNT: Kind = Kind::Whole(1, u64::MAX);
const SEED: Kind = Kind::Whole(0, u64::MAX);
/// More repeats would be days of fits for one more decimal.
const REPEATS: Kind = Kind::Whole(1, 100);
const YEAR_IN_SECONDS: u64 = 31_536_000;
/// A million terabytes: the number of bytes stays far within 64 bits.
const MOST_MEGABYTES: u64 = 1_000_000_000_000;
const CALIBRATE: Kind = Kind::Word(|| vec![Calibration::Temperature.name(), "none"]);
const CORRUPTION: Kind = Kind::Word(|| Corruption::ALL.map(Corruption::name).to_vec());

/// The settings of an experiment, in the order of the help.
pub(super) static SETTINGS: [Setting; 32] = rows! {
    Some("name"), Flag::None, NAME, null,
        "Part of the run's name; the file's name if left out",
        |e, v| put(&mut e.name, v);
    None, Flag::Many("models", "NAME,..."), Kind::List(&MODEL), null,
        "Use only these models of the experiment",
        keep_models;
    Some("datasets"), Flag::One("dataset", "NAME|PATH"), Kind::List(&DATASET), ["mnist"],
        "The data: a built-in name, or a folder, archive or file (see `bakeoff data list`)",
        |e, v| put(&mut e.datasets, v);
    Some("size"), Flag::One("size", "SIDE|HEIGHTxWIDTH"), Kind::Size, null,
        "Resample all images to this size in pixels, by area",
        |e, v| match v.as_u64() {
            Some(side) => put(&mut e.open.size, [side, side].as_slice().into()),
            None => put(&mut e.open.size, v),
        };
    Some("fit"), Flag::One("fit", "HOW"), FIT, "stretch",
        "How images of other proportions are fitted to that size: stretch, crop or pad",
        |e, v| put(&mut e.open.fit, v);
    Some("colour"), Flag::One("colour", "CHANNELS"), COLOUR, "auto",
        "Read images as grey, as rgb, or (auto) as grey only if all of them are",
        |e, v| put(&mut e.open.colour, v);
    Some("prepare"), Flag::One("prepare", "HOW"), PREPARE, "auto",
        "How images from elsewhere are prepared for the models: ink (as MNIST's), plain (size and channels only), or found from the training images",
        |e, v| put(&mut e.open.prepare, v);
    Some("test_fraction"), Flag::One("test-fraction", "SHARE"), Kind::Share(0.9), null,
        "Use this share of the images for testing, where the data have no test part",
        |e, v| put(&mut e.open.test_fraction, v);
    Some("group"), Flag::One("group", "COLUMN"), COLUMN, null,
        "With it: a column of the table, such as writer, of which no value is in both parts",
        |e, v| put(&mut e.open.group, v),
        |e| match (&e.open.group, e.open.test_fraction) {
            (Some(_), None) => Some("`group` needs a split, as in `test_fraction = 0.2`".into()),
            _ => None,
        };
    Some("label"), Flag::One("label", "COLUMN"), COLUMN, null,
        "The column of a table that holds the labels: its name, or its number from 1 where the columns have no names",
        |e, v| put(&mut e.open.label, v);
    Some("pixel_max"), Flag::One("pixel-max", "VALUE"), Kind::Share(65_535.0), null,
        "The number that stands for white in a table of pixels, if it is not 255",
        |e, v| put(&mut e.open.pixel_max, v);
    None, Flag::One("epochs", "N"), COUNT, null,
        "Train this many epochs, in every model that has epochs",
        set_epochs;
    Some("seeds"), Flag::Many("seed", "N,..."), Kind::List(&SEED), [1],
        "Train every model once with each of these seeds",
        |e, v| put(&mut e.seeds, v);
    None, Flag::One("seeds", "COUNT"), Kind::Whole(1, 1000), null,
        "Train every model with the seeds 1 to COUNT: 5 compare recipes, 1 compares fits",
        |e, v| {
            e.seeds = (1..=read(v)?).collect();
            Ok(())
        };
    Some("validation_fraction"), Flag::None, Kind::Number(0.5), 0.1,
        "Share of the training data held out for validation, where a model needs it",
        |e, v| put(&mut e.validation_fraction, v);
    Some("split_seed"), Flag::None, SEED, 1,
        "Seed of the limits, of folds, of a stated test part, and of the validation part (each seed has its own)",
        |e, v| put(&mut e.split_seed, v);
    Some("limit_train"), Flag::One("limit-train", "N"), COUNT, null,
        "Use only this many training samples, stratified by class",
        |e, v| put(&mut e.limit_train, v);
    Some("limit_test"), Flag::One("limit-test", "N"), COUNT, null,
        "Use only this many test samples, stratified by class",
        |e, v| put(&mut e.limit_test, v);
    Some("time_limit_seconds"), Flag::One("time-limit", "SECONDS"),
        Kind::Whole(1, YEAR_IN_SECONDS), null,
        "Stop a trial after this long and record it as failed",
        |e, v| put(&mut e.time_limit_seconds, v);
    Some("memory_limit_mb"), Flag::One("memory-limit", "MB"),
        Kind::Whole(1, MOST_MEGABYTES), null,
        "Stop a trial that needs more memory than this, in millions of bytes, and record it as failed",
        |e, v| put(&mut e.memory_limit_mb, v);
    Some("folds"), Flag::One("folds", "N"), Kind::Whole(2, 100), null,
        "Add cross-validation on the training data, in this many folds",
        |e, v| put(&mut e.folds, v);
    Some("fold_repeats"), Flag::None, REPEATS, 1,
        "How often the folds are drawn",
        |e, v| put(&mut e.fold_repeats, v),
        |e| match e.folds {
            Some(_) => None,
            None => Some("`fold_repeats` needs a number of folds, as in `folds = 5`".into()),
        };
    Some("holdout.repeats"), Flag::None, REPEATS, 10,
        "Add repeated holdout: how often a part of the training data is drawn",
        |e, v| put(&mut e.holdout.get_or_insert_default().repeats, v);
    Some("holdout.fraction"), Flag::None, Kind::Share(0.9), 0.2,
        "... and which share of it",
        |e, v| put(&mut e.holdout.get_or_insert_default().fraction, v);
    Some("train_fractions"), Flag::Many("train-fractions", "SHARE,..."),
        Kind::List(&Kind::Share(1.0)), null,
        "Add a learning curve: train on these shares of the training data too",
        |e, v| {
            put(&mut e.train_fractions, v)?;
            // The headline trial uses the whole.
            e.train_fractions.retain(|&share| share < 1.0);
            Ok(())
        };
    Some("calibrate"), Flag::Switch("calibrate", "temperature"), CALIBRATE, "none",
        "Calibrate every model: fit a temperature on the validation part",
        |e, v| {
            e.calibration = calibration(v);
            // A file sets this before it has models, which then may name their own.
            for model in &mut e.models {
                model.calibration = e.calibration;
            }
            Ok(())
        },
        |e| calibration_conflict(e, e.calibration);
    Some("robustness"), Flag::Switch("robustness", "true"), Kind::AllOrList(&CORRUPTION), false,
        "Measure robustness: test on corrupted images too",
        |e, v| {
            e.robustness = match v {
                Value::Bool(true) => Corruption::ALL.to_vec(),
                Value::Bool(false) => Vec::new(),
                list => read(list)?,
            };
            e.robustness.sort_unstable();
            Ok(())
        };
    Some("robustness_baseline"), Flag::None, NAME, null,
        "The model that errors on corrupted images are compared with; the first if left out",
        |e, v| put(&mut e.robustness_baseline, v),
        |e| {
            let name = e.robustness_baseline.as_deref()?;
            no_model(e, name).map(|problem| format!("`robustness_baseline`: {problem}"))
        };
    Some("importance"), Flag::Switch("importance", "true"), Kind::Switch, false,
        "Measure which parts of the images the models look at",
        |e, v| put(&mut e.importance, v);
    Some("search.budget"), Flag::One("budget", "TIME"),
        Kind::Text("a time, as in 90s, 10m or 2h", |text| seconds(text).is_some()), "10m",
        "Search for recipes, within this time in all (`bakeoff run auto`)",
        |e, v| {
            let search = e.search.get_or_insert_default();
            search.budget_seconds = seconds(&read::<String>(v)?);
            Ok(())
        },
        search_conflict;
    Some("search.trials"), Flag::One("trials", "N"), COUNT, null,
        "... until so many recipes are tried, instead of within a time: the same bits every time",
        |e, v| {
            let search = e.search.get_or_insert_default();
            search.budget_seconds = None;
            put(&mut search.trials, v)
        },
        search_conflict;
    Some("search.families"), Flag::None, Kind::List(&SEARCHED), null,
        "... of these families alone",
        |e, v| put(&mut e.search.get_or_insert_default().families, v),
        search_conflict;
};

/// The families that a search knows.
const SEARCHED: Kind = Kind::Word(|| SPACES.iter().map(|space| space.family).collect());

/// A time such as `90s`, `10m` or `2h`, in seconds; none of zero.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let unit = match text.strip_prefix(digits)? {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (seconds > 0 && seconds <= YEAR_IN_SECONDS).then_some(seconds)
}

/// A search finds the models, so that there are none to name.
fn search_conflict(experiment: &Experiment) -> Option<String> {
    let both = experiment.search.is_some() && !experiment.models.is_empty();
    both.then(|| {
        format!(
            "the experiment `{}` names its models, and a search finds them: use `bakeoff run auto` for a \
             search",
            experiment.name
        )
    })
}

/// What a model of an experiment says of itself, apart from the settings of its family.
#[derive(Default)]
pub(super) struct ModelDraft {
    pub(super) family: Option<String>,
    pub(super) name: Option<String>,
    pub(super) engine: Option<String>,
    /// `Some(None)` for `none`.
    pub(super) calibration: Option<Option<Calibration>>,
}

/// The settings of a model that are not those of its family.
pub(super) static MODEL_SETTINGS: [Setting<ModelDraft>; 4] = rows! {
    Some("family"), Flag::None, Kind::Text("the name of a model family", not_empty), null,
        "The model family; `bakeoff models` lists them",
        |m, v| put(&mut m.family, v);
    Some("name"), Flag::None, NAME, null,
        "Its name in reports; the family's if left out",
        |m, v| put(&mut m.name, v);
    Some("engine"), Flag::None, Kind::Text("the name of an engine", not_empty), null,
        "The implementation; the family's first engine if left out",
        |m, v| put(&mut m.engine, v);
    Some("calibrate"), Flag::None, CALIBRATE, null,
        "Calibrate this model, or not, whatever the experiment says",
        |m, v| {
            m.calibration = Some(calibration(v));
            Ok(())
        };
};

/// The settings of an experiment that have a flag, in the order of the help.
pub fn flags() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|row| row.flag != Flag::None)
}

fn not_empty(text: &str) -> bool {
    !text.is_empty()
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn put<T: DeserializeOwned>(slot: &mut T, value: Value) -> Result<(), String> {
    *slot = read(value)?;
    Ok(())
}

fn calibration(value: Value) -> Option<Calibration> {
    // `none` is no calibration's name.
    read(value).ok()
}

/// Why models cannot be calibrated in this experiment.
pub(super) fn calibration_conflict(
    experiment: &Experiment,
    calibration: Option<Calibration>,
) -> Option<String> {
    (calibration.is_some() && experiment.validation_fraction == 0.0).then(|| {
        "calibration needs a validation part, and `validation_fraction` is 0; \
         allow some, as in `validation_fraction = 0.1`"
            .into()
    })
}

/// The error that an experiment has no model of that name, if it has none.
fn no_model(experiment: &Experiment, name: &str) -> Option<String> {
    let there: Vec<&str> = experiment.models.iter().map(|m| m.name.as_str()).collect();
    (!there.contains(&name)).then(|| {
        format!(
            "the experiment `{}` has no model `{name}`{}; it has: {}",
            experiment.name,
            did_you_mean(name, &there),
            there.join(", ")
        )
    })
}

fn keep_models(experiment: &mut Experiment, names: Value) -> Result<(), String> {
    let names: Vec<String> = read(names)?;
    match names.iter().find_map(|name| no_model(experiment, name)) {
        Some(problem) => Err(problem),
        None => {
            experiment
                .models
                .retain(|model| names.contains(&model.name));
            Ok(())
        }
    }
}

fn set_epochs(experiment: &mut Experiment, epochs: Value) -> Result<(), String> {
    if let Some(search) = &mut experiment.search {
        put(&mut search.epochs, epochs.clone())?;
    }
    for model in &mut experiment.models {
        with_epochs(&mut model.spec, &epochs)
            .map_err(|error| format!("model `{}`: {error}", model.name))?;
    }
    Ok(())
}

/// Sets the epochs of a recipe that has some, and of those within it.
fn with_epochs(spec: &mut ModelSpec, epochs: &Value) -> Result<(), SpecError> {
    if let Some(mut members) = bakeoff_zoo::members(spec)? {
        for member in &mut members {
            with_epochs(&mut member.spec, epochs)?;
        }
        spec.settings.extend(bakeoff_zoo::member_settings(&members));
    } else if spec.settings.contains_key("epochs") {
        let mut settings = spec.settings.clone();
        settings.insert("epochs".into(), epochs.clone());
        *spec = bakeoff_zoo::family(&spec.family)?.resolve(Some(&spec.engine), &settings)?;
        check_engine(spec)?;
    }
    Ok(())
}
