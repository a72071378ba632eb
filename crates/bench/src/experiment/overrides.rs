//! What the command line changes in an experiment.

use std::collections::BTreeMap;

use serde_json::Value;

use super::settings::{Experiment, SETTINGS, flags};
use crate::error::BenchError;

/// What the command line changes in an experiment: values by flag.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(BTreeMap<&'static str, Value>);

impl Overrides {
    /// Takes the words that were given for a flag, such as `seed` and `["1", "2"]`.
    ///
    /// # Errors
    /// In words, where they are not allowed or there is no such flag.
    pub fn set(&mut self, flag: &str, words: &[&str]) -> Result<(), String> {
        let (name, setting) = flags()
            .filter_map(|setting| Some((setting.flag.name()?, setting)))
            .find(|(name, _)| *name == flag)
            .ok_or_else(|| format!("there is no flag --{flag}"))?;
        let value = setting.kind.read(words);
        setting
            .kind
            .check(&value)
            .map_err(|wrong| format!("`--{flag}` {}", wrong.message))?;
        self.0.insert(name, value);
        if ["seed", "seeds"]
            .iter()
            .all(|flag| self.0.contains_key(flag))
        {
            return Err("`--seed` and `--seeds` both say which seeds; give one of them".into());
        }
        Ok(())
    }
}

impl Experiment {
    /// The experiment with the command line's changes.
    ///
    /// # Errors
    /// When a model that is asked for is not in it, or a value does not fit the rest.
    pub fn with(mut self, overrides: &Overrides) -> Result<Self, BenchError> {
        let given = || {
            SETTINGS.iter().filter_map(|setting| {
                let value = overrides.0.get(setting.flag.name()?)?;
                Some((setting, value))
            })
        };
        for (setting, value) in given() {
            (setting.set)(&mut self, value.clone()).map_err(BenchError::Request)?;
        }
        match given().find_map(|(setting, _)| (setting.conflict)(&self)) {
            Some(problem) => Err(BenchError::Request(problem)),
            None => Ok(self),
        }
    }
}
