//! The description of a recipe: family, engine and every setting.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::wording::did_you_mean;

/// Settings by key, sorted so that equal settings have equal text.
pub type Settings = BTreeMap<String, Value>;

/// How a program with every engine is made. The second is for who has no Makefile at hand.
pub const EVERY_ENGINE: &str = "`make engines`, or `cargo build --release -p bakeoff-cli` with \
    its default features, builds every engine";

/// Why a recipe cannot be used. Found before any training.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecError {
    /// A setting that the family does not have.
    #[error("{family} has no setting `{key}`{}; it has: {}", did_you_mean(.key, .allowed), .allowed.join(", "))]
    UnknownSetting {
        /// The family.
        family: String,
        /// The key as written.
        key: String,
        /// All keys.
        allowed: Vec<String>,
    },
    /// A value of the wrong type or out of range.
    #[error("setting `{key}` of {family} is {got}; allowed: {allowed}")]
    Setting {
        /// The family.
        family: String,
        /// The key.
        key: String,
        /// The value as written.
        got: String,
        /// The allowed values, in words.
        allowed: String,
    },
    /// An engine that the family does not have.
    #[error("{family} has no engine `{engine}`{}; it has: {}", did_you_mean(.engine, .allowed), .allowed.join(", "))]
    UnknownEngine {
        /// The family.
        family: String,
        /// The engine as written.
        engine: String,
        /// All engines.
        allowed: Vec<String>,
    },
    /// An engine of the family that this program was built without.
    #[error(
        "this program was built without engine `{engine}` of {family}; \
         {EVERY_ENGINE}"
    )]
    EngineNotBuilt {
        /// The family.
        family: String,
        /// The engine.
        engine: String,
    },
    /// A family that is not registered.
    #[error("there is no model family `{family}`{}; there are: {}", did_you_mean(.family, .allowed), .allowed.join(", "))]
    UnknownFamily {
        /// The family as written.
        family: String,
        /// All families.
        allowed: Vec<String>,
    },
    /// The engine does not support a setting's value.
    #[error("engine `{engine}` of {family} cannot do `{key} = {value}`: {remedy}")]
    Unsupported {
        /// The family.
        family: String,
        /// The engine.
        engine: String,
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What to do instead.
        remedy: String,
    },
    /// A file that a setting names is absent, or another one than planned; it may be there the next time, or on
    /// another machine.
    #[error("{family}: {reason}")]
    File {
        /// The family.
        family: String,
        /// The key that names it.
        key: String,
        /// What is wrong, with the file's path.
        reason: String,
    },
    /// The recipe does not suit the data, for example a kernel is larger than the image.
    #[error("{family} does not fit this data: {reason}")]
    Data {
        /// The family.
        family: String,
        /// Why not.
        reason: String,
    },
}

impl SpecError {
    /// The key at fault, if there is one, so that a caller can show its line.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::UnknownSetting { key, .. }
            | Self::Setting { key, .. }
            | Self::Unsupported { key, .. }
            | Self::File { key, .. } => Some(key),
            Self::UnknownEngine { .. } | Self::EngineNotBuilt { .. } => Some("engine"),
            Self::UnknownFamily { .. } => Some("family"),
            Self::Data { .. } => None,
        }
    }
}

/// The full description of a classifier, from which every machine builds the same one.
///
/// [`crate::Family::resolve`] makes it and fills in every default, so two specs are equal
/// exactly if they train the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// The model family, as registered (`knn`).
    pub family: String,
    /// The engine within the family (`native`).
    pub engine: String,
    /// Every setting of the family, defaults included, apart from those of later versions that
    /// have their default ([`crate::Setting::omitted`]).
    pub settings: Settings,
}

impl ModelSpec {
    /// The settings as a struct of the family.
    ///
    /// # Errors
    /// If a setting is missing or has another type: the spec was not made by
    /// [`crate::Family::resolve`], or comes from a damaged file.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, SpecError> {
        let object = Value::Object(self.settings.clone().into_iter().collect());
        serde_json::from_value(object).map_err(|error| SpecError::Setting {
            family: self.family.clone(),
            key: "settings".into(),
            got: "incomplete".into(),
            allowed: error.to_string(),
        })
    }

    fn value_text(&self, key: &str) -> String {
        let value = self.settings.get(key);
        value.map(Value::to_string).unwrap_or_default()
    }

    /// The error that this spec's engine does not support the value of a setting.
    pub fn unsupported(&self, key: &str, remedy: impl Into<String>) -> SpecError {
        SpecError::Unsupported {
            family: self.family.clone(),
            engine: self.engine.clone(),
            key: key.into(),
            value: self.value_text(key),
            remedy: remedy.into(),
        }
    }

    /// The error that no engine of the family supports the value of a setting.
    pub fn bad_setting(&self, key: &str, allowed: impl Into<String>) -> SpecError {
        SpecError::Setting {
            family: self.family.clone(),
            key: key.into(),
            got: self.value_text(key),
            allowed: allowed.into(),
        }
    }

    /// The error that the recipe does not suit the data.
    pub fn bad_data(&self, reason: impl Into<String>) -> SpecError {
        SpecError::Data {
            family: self.family.clone(),
            reason: reason.into(),
        }
    }
}
