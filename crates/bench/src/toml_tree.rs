//! Walking a TOML document with the place of every key and value at hand.
//!
//! Deserialising with serde was rejected: a model's settings are known only once its
//! family is, and an error must point at the key's own line and column.

use std::{borrow::Cow, ops::Range, path::Path};

use bakeoff_core::nearest_name;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::experiment::ExperimentError;

/// A document with the text that its places refer to.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

/// A table of the document.
pub(crate) type Table<'t, 'a> = &'t DeTable<'a>;

impl<'a> Source<'a> {
    /// Parses the document.
    pub(crate) fn parse(&self) -> Result<DeTable<'a>, ExperimentError> {
        DeTable::parse(self.text)
            .map(Spanned::into_inner)
            .map_err(|error| self.error(error.span().unwrap_or(0..0), error.message().to_owned()))
    }

    /// An error at a place, with the line it is on.
    pub(crate) fn error(&self, at: Range<usize>, message: String) -> ExperimentError {
        let start = at.start.min(self.text.len());
        // A span may end inside a character only if the parser is wrong; stay safe.
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let text = self.text[line_start..].lines().next().unwrap_or_default();
        ExperimentError::Content {
            path: self.path.to_owned(),
            line,
            column: before[line_start..].chars().count() + 1,
            message,
            text: text.to_owned(),
        }
    }

    /// Refuses keys that are not among `known`, naming the nearest one that is.
    pub(crate) fn only_keys(
        &self,
        table: Table<'_, '_>,
        place: &str,
        known: &[&str],
    ) -> Result<(), ExperimentError> {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let hint = nearest_name(name, known.iter().copied())
                    .map(|nearest| format!(" (did you mean `{nearest}`?)"))
                    .unwrap_or_default();
                return Err(self.error(
                    key.span(),
                    format!(
                        "unknown key `{name}` in {place}{hint}; allowed: {}",
                        known.join(", ")
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The value at `key` turned into a `T`, or `None` where the key is not there.
    pub(crate) fn get<T>(
        &self,
        table: Table<'_, '_>,
        key: &str,
        allowed: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, ExperimentError> {
        let Some(value) = table.get(key) else {
            return Ok(None);
        };
        let plain = self.value(value)?;
        convert(&plain).map(Some).ok_or_else(|| {
            self.error(
                value.span(),
                format!("`{key}` is {plain}; allowed: {allowed}"),
            )
        })
    }

    /// A value without its places.
    pub(crate) fn value(&self, value: &Spanned<DeValue<'_>>) -> Result<Value, ExperimentError> {
        let bad = |what: &str| self.error(value.span(), format!("{what} are not allowed here"));
        Ok(match value.get_ref() {
            DeValue::String(text) => Value::from(Cow::as_ref(text)),
            DeValue::Integer(number) => {
                let digits = number.as_str().replace('_', "");
                i64::from_str_radix(&digits, number.radix())
                    .map(Value::from)
                    .map_err(|_| {
                        self.error(value.span(), "this whole number is too large".into())
                    })?
            }
            DeValue::Float(number) => number
                .as_str()
                .replace('_', "")
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(Value::from)
                .ok_or_else(|| self.error(value.span(), "this number is not finite".into()))?,
            DeValue::Boolean(boolean) => Value::from(*boolean),
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.value(item))
                    .collect::<Result<_, _>>()?,
            ),
            DeValue::Datetime(_) => return Err(bad("dates")),
            DeValue::Table(_) => return Err(bad("tables")),
        })
    }
}
