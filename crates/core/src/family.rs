//! Model families: their engines and settings.
//!
//! Both are tables. A row of the engines holds the functions that build and load a model,
//! so an engine is named in one place. Settings are declared as data and not parsed in each
//! family: one table gives the checks before training, the suggestions for misspelt keys,
//! the help text and the canonical form that a trial's id is hashed from. [`settings!`]
//! declares that table together with the struct that a family reads its settings into.
//!
//! [`settings!`]: crate::settings

use std::path::Path;

use serde_json::Value;

use crate::{
    Classifier, FittedModel, ImageShape, ModelHeader, ModelReader, ModelSpec, Settings, SpecError,
    StoreError,
};

/// One implementation of a family.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// Kebab-case name (`burn-flex`).
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// Whether the same seed gives the same bits at any number of threads. Tested if true;
    /// if false, METHODOLOGY.md says why.
    pub deterministic: bool,
    /// The functions behind it; `None` if the program was built without this engine.
    pub code: Option<EngineCode>,
}

/// The functions behind an [`Engine`].
#[derive(Clone, Copy, Debug)]
pub struct EngineCode {
    /// Builds a recipe from a resolved spec; an error names the setting that the engine does
    /// not support.
    pub build: BuildFn,
    /// Reads a model that [`FittedModel::save`] wrote.
    pub load: LoadFn,
}

/// The values that a setting accepts.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    /// A whole number in an inclusive range.
    Int {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A whole number in an inclusive range, or a word.
    IntOr {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
        /// The word.
        word: &'static str,
    },
    /// A finite number in an inclusive range.
    Float {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// A finite number in an inclusive range, or a word.
    FloatOr {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
        /// The word.
        word: &'static str,
    },
    /// `true` or `false`.
    Bool,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A list of whole numbers, each in an inclusive range.
    IntList {
        /// Smallest allowed.
        min: i64,
        /// Largest allowed.
        max: i64,
    },
    /// A list of texts in a small language of the family, checked by its `build`, or a word.
    TextListOr {
        /// The language, in words.
        grammar: &'static str,
        /// The word.
        word: &'static str,
    },
    /// A text; the words say of what.
    Text(&'static str),
    /// A list of finite numbers in an inclusive range.
    FloatList {
        /// Smallest allowed.
        min: f64,
        /// Largest allowed.
        max: f64,
    },
    /// A list of texts; the words say of what.
    TextList(&'static str),
    /// A list of texts that name files. [`Origin::Program`] puts their contents in its place: a
    /// table of texts by names.
    Files(&'static str),
    /// A list of texts that name other models of an experiment, which puts their recipes in its place:
    /// a table of recipes by names.
    Recipes,
    /// A table of anything, which the family passes on.
    Table,
}

impl SettingKind {
    /// The allowed values, in words.
    pub fn allowed(&self) -> String {
        match self {
            Self::Int { min, max: i64::MAX } => format!("a whole number from {min}"),
            Self::Int { min, max } => format!("a whole number from {min} to {max}"),
            Self::IntOr { min, max, word } => {
                format!("{word:?}, or a whole number from {min} to {max}")
            }
            Self::Float { min, max } if *max == f64::MAX => format!("a number from {min}"),
            Self::Float { min, max } => format!("a number from {min} to {max}"),
            Self::FloatOr { min, max, word } => {
                format!("{word:?}, or a number from {min} to {max}")
            }
            Self::Bool => "true or false".into(),
            Self::Choice(words) => words.join(", "),
            Self::IntList { min, max } => {
                format!("a list of whole numbers, each from {min} to {max}")
            }
            Self::TextListOr { grammar, word } => {
                format!("{word:?}, or a list of texts: {grammar}")
            }
            Self::Text(what) => format!("a text: {what}"),
            Self::FloatList { min, max } => {
                format!("a list of numbers, each from {min} to {max}")
            }
            Self::TextList(what) | Self::Files(what) => format!("a list of texts: {what}"),
            Self::Recipes => "a list of names of other models of the experiment".into(),
            Self::Table => "a table, as in { trees = 300 }".into(),
        }
    }

    /// The value in its canonical form (`1` becomes `1.0` for a float, so that both are the
    /// same trial), or `None` if it is not allowed.
    fn canonical(&self, value: &Value) -> Option<Value> {
        let int = |value: &Value, min: i64, max: i64| {
            value
                .as_i64()
                .filter(|n| (min..=max).contains(n))
                .map(Value::from)
        };
        match *self {
            Self::Int { min, max } => int(value, min, max),
            Self::IntOr { word, .. }
            | Self::FloatOr { word, .. }
            | Self::TextListOr { word, .. }
                if value.as_str() == Some(word) =>
            {
                Some(value.clone())
            }
            Self::IntOr { min, max, .. } => int(value, min, max),
            Self::Float { min, max } | Self::FloatOr { min, max, .. } => value
                .as_f64()
                .filter(|x| x.is_finite() && (min..=max).contains(x))
                .map(Value::from),
            Self::FloatList { min, max } => value
                .as_array()?
                .iter()
                .map(|item| Self::Float { min, max }.canonical(item))
                .collect::<Option<Vec<_>>>()
                .map(Value::from),
            Self::Text(_) => value.as_str().map(Value::from),
            Self::Bool => value.as_bool().map(Value::from),
            Self::Choice(words) => value
                .as_str()
                .filter(|word| words.contains(word))
                .map(Value::from),
            Self::IntList { min, max } => value
                .as_array()?
                .iter()
                .map(|item| int(item, min, max))
                .collect::<Option<Vec<_>>>()
                .map(Value::from),
            Self::Files(_) if value.is_object() => value
                .as_object()?
                .values()
                .all(Value::is_string)
                .then(|| value.clone()),
            Self::Recipes if value.is_object() => Some(value.clone()),
            Self::TextListOr { .. } | Self::TextList(_) | Self::Files(_) | Self::Recipes => value
                .as_array()?
                .iter()
                .all(Value::is_string)
                .then(|| value.clone()),
            Self::Table => value.is_object().then(|| value.clone()),
        }
    }
}

/// One setting of a family.
#[derive(Clone, Copy)]
pub struct Setting {
    /// The key in an experiment file.
    pub key: &'static str,
    /// The values that it accepts.
    pub kind: SettingKind,
    /// Its default. A function, because a list cannot be a constant.
    pub default: fn() -> Value,
    /// One line for people, with the unit if there is one.
    pub help: &'static str,
    /// Whether a resolved spec leaves it out while it has its default: a setting that came later,
    /// without which the ids of trials are as before.
    pub omitted: bool,
}

/// Builds a recipe from a resolved spec.
pub type BuildFn = fn(&ModelSpec) -> Result<Box<dyn Classifier>, SpecError>;

/// Reads a model that [`FittedModel::save`] wrote.
pub type LoadFn =
    fn(&ModelSpec, &ModelHeader, &mut dyn ModelReader) -> Result<Box<dyn FittedModel>, StoreError>;

/// Reads files that settings name, relative to a folder, into the settings.
pub type ReadFilesFn = fn(&mut ModelSpec, &Path) -> Result<(), SpecError>;

/// Who trains the models of a family.
#[derive(Clone, Copy)]
pub enum Origin {
    /// The family itself.
    Family,
    /// A program that somebody else wrote. The files that the settings name, relative to the folder of
    /// the experiment, are read into the settings, so that a trial says what was run.
    Program(ReadFilesFn),
    /// Somebody else, somewhere else: a fit reads a file and learns nothing. The settings `path`, which
    /// becomes absolute, and `sha256` say where and what it is; a trial's id is of the second alone.
    File(ReadFilesFn),
}

/// Builds a recipe by the function of its engine, with steps in front of it.
type BuildBehindFn = fn(&ModelSpec, BuildFn) -> Result<Box<dyn Classifier>, SpecError>;

/// Reads steps, and the model behind them by the function of its engine.
type LoadBehindFn = fn(
    &ModelSpec,
    &ModelHeader,
    &mut dyn ModelReader,
    LoadFn,
) -> Result<Box<dyn FittedModel>, StoreError>;

/// What stands between the images and the models of any family: steps that a setting of every family
/// names. They take images and give images, so that no family knows of them.
#[derive(Clone, Copy)]
pub struct FeatureSteps {
    /// The setting.
    pub setting: &'static Setting,
    /// The shape that images of a shape come to; an error says which step does not suit them.
    pub shape: fn(&ModelSpec, ImageShape) -> Result<ImageShape, SpecError>,
    /// Builds the recipe of a spec by the function of its engine, with the steps in front of it.
    pub build: BuildBehindFn,
    /// Reads the steps, and the model behind them by the function of its engine.
    pub load: LoadBehindFn,
}

/// A model family. The registry has a row for each.
#[derive(Clone, Copy)]
pub struct Family {
    /// Kebab-case name (`knn`).
    pub name: &'static str,
    /// For headings (`k nearest neighbours`).
    pub title: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// The engines; the first is the default.
    pub engines: &'static [Engine],
    /// The settings in groups: first its own, then those that it shares with other families.
    pub settings: &'static [&'static [Setting]],
    /// Replaces the settings that follow from the images by what they come to for images of this
    /// shape, so that a trial says what was trained. Does nothing for most families.
    pub adapt: fn(&mut ModelSpec, ImageShape),
    /// Whether a fit needs validation data, for example to choose the epoch. If so, the
    /// harness holds a part of the training data out for validation; if not, the family is
    /// trained on all of it.
    pub uses_validation: bool,
    /// Whether another seed gives another model on the same training data.
    pub varies_with_seed: fn(&ModelSpec) -> bool,
    /// Whether it predicts without looking at the image: a lower bound for other models,
    /// which is not ranked and not expected to learn.
    pub is_baseline: bool,
    /// Who trains its models.
    pub origin: Origin,
    /// The steps that may stand before its models; the registry puts them there.
    pub features: Option<FeatureSteps>,
}

impl Family {
    /// The same with steps that may stand before its models.
    pub const fn with_features(self, features: FeatureSteps) -> Self {
        Self {
            features: Some(features),
            ..self
        }
    }

    /// Replaces the settings that follow from the images, as [`Family::adapt`] does, by what they come
    /// to for the images that the model gets: those after its features.
    pub fn adapt_to(&self, spec: &mut ModelSpec, image: ImageShape) {
        let seen = self.features.map(|steps| (steps.shape)(spec, image));
        // What does not suit the images is refused where the recipe is checked.
        let seen = seen.and_then(Result::ok).unwrap_or(image);
        (self.adapt)(spec, seen);
    }

    /// Whether its models are programs that somebody else wrote.
    pub fn is_program(&self) -> bool {
        matches!(self.origin, Origin::Program(_))
    }

    /// Whether a fit reads a model that was trained before, somewhere else.
    pub fn is_trained_elsewhere(&self) -> bool {
        matches!(self.origin, Origin::File(_))
    }

    /// All settings, in the order people should read them.
    pub fn settings(&self) -> impl Iterator<Item = &'static Setting> + Clone {
        let features = self.features.map(|steps| steps.setting);
        self.settings.iter().copied().flatten().chain(features)
    }

    /// Builds the recipe that a resolved spec describes.
    ///
    /// # Errors
    /// [`SpecError::UnknownEngine`], [`SpecError::EngineNotBuilt`] or an error of the engine.
    pub fn build(&self, spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
        let build = self.code(&spec.engine)?.build;
        match self.features {
            None => build(spec),
            Some(steps) => (steps.build)(spec, build),
        }
    }

    /// Reads a model that [`FittedModel::save`] wrote.
    ///
    /// # Errors
    /// If the program has no such engine, or the tensors do not match the spec.
    pub fn load(
        &self,
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Box<dyn FittedModel>, StoreError> {
        let code = self
            .code(&spec.engine)
            .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        match self.features {
            None => (code.load)(spec, header, reader),
            Some(steps) => (steps.load)(spec, header, reader, code.load),
        }
    }

    /// The row of the engine called `name`.
    fn engine(&self, name: &str) -> Result<&'static Engine, SpecError> {
        self.engines
            .iter()
            .find(|engine| engine.name == name)
            .ok_or_else(|| SpecError::UnknownEngine {
                family: self.name.into(),
                engine: name.into(),
                allowed: self.engines.iter().map(|e| e.name.into()).collect(),
            })
    }

    fn code(&self, engine: &str) -> Result<EngineCode, SpecError> {
        self.engine(engine)?
            .code
            .ok_or_else(|| SpecError::EngineNotBuilt {
                family: self.name.into(),
                engine: engine.into(),
            })
    }

    /// Fills in the default engine and every default setting, apart from those that are
    /// [omitted](Setting::omitted), and checks the given settings against the table.
    ///
    /// # Errors
    /// [`SpecError::UnknownEngine`], [`SpecError::UnknownSetting`] or
    /// [`SpecError::Setting`]. [`Family::build`] checks what depends on several settings or
    /// on the engines that this program was built with.
    pub fn resolve(&self, engine: Option<&str>, given: &Settings) -> Result<ModelSpec, SpecError> {
        let engine = match engine {
            None => self.engines.first().map_or("", |engine| engine.name),
            Some(name) => self.engine(name)?.name,
        };
        let keys = || self.settings().map(|setting| setting.key);
        if let Some(key) = given.keys().find(|key| !keys().any(|known| known == *key)) {
            return Err(SpecError::UnknownSetting {
                family: self.name.into(),
                key: key.clone(),
                allowed: keys().map(String::from).collect(),
            });
        }
        let mut settings = Settings::new();
        for setting in self.settings() {
            let value = given
                .get(setting.key)
                .cloned()
                .unwrap_or_else(setting.default);
            let canonical = setting
                .kind
                .canonical(&value)
                .ok_or_else(|| SpecError::Setting {
                    family: self.name.into(),
                    key: setting.key.into(),
                    got: value.to_string(),
                    allowed: setting.kind.allowed(),
                })?;
            if !(setting.omitted && canonical == (setting.default)()) {
                settings.insert(setting.key.into(), canonical);
            }
        }
        Ok(ModelSpec {
            family: self.name.into(),
            engine: engine.into(),
            settings,
        })
    }
}

#[cfg(test)]
mod tests;
