//! Walking a TOML document with the place of every key and value at hand.
//!
//! Deserialising with serde was rejected: a model's settings are known only once its
//! family is, and an error must point at the key's own line and column.

use std::{borrow::Cow, ops::Range, path::Path};

use bakeoff_core::did_you_mean;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{error::ExperimentError, kind::Kind};

/// A document with the text that its places refer to.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

/// A table of the document.
pub(super) type Table<'t, 'a> = &'t DeTable<'a>;

impl<'a> Source<'a> {
    /// Parses the document.
    pub(super) fn parse(&self) -> Result<DeTable<'a>, ExperimentError> {
        DeTable::parse(self.text)
            .map(Spanned::into_inner)
            .map_err(|error| self.error(error.span().unwrap_or(0..0), error.message().to_owned()))
    }

    /// An error at a place, with the line it is on.
    pub(super) fn error(&self, at: Range<usize>, message: String) -> ExperimentError {
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
    pub(super) fn only_keys(
        &self,
        table: Table<'_, '_>,
        place: &str,
        known: &[&str],
    ) -> Result<(), ExperimentError> {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let problem = format!(
                    "unknown key `{name}` in {place}{}; allowed: {}",
                    did_you_mean(name, known),
                    known.join(", ")
                );
                return Err(self.error(key.span(), problem));
            }
        }
        Ok(())
    }

    /// The value at `key`, which must be of its kind; `None` where the key is not there.
    pub(super) fn get(
        &self,
        table: Table<'_, '_>,
        key: &str,
        kind: Kind,
    ) -> Result<Option<Value>, ExperimentError> {
        let Some(found) = table.get(key) else {
            return Ok(None);
        };
        let value = self.value(found)?;
        kind.check(&value).map_err(|wrong| {
            let items = found.get_ref().as_array();
            let item = wrong.item.and_then(|position| items?.get(position));
            let at = item.map_or(found.span(), Spanned::span);
            self.error(at, format!("`{key}` {}", wrong.message))
        })?;
        Ok(Some(value))
    }

    /// A value without its places.
    pub(super) fn value(&self, value: &Spanned<DeValue<'_>>) -> Result<Value, ExperimentError> {
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
            DeValue::Table(table) => {
                let items = table.iter().map(|(key, value)| {
                    let key = key.get_ref().as_ref().to_owned();
                    Ok((key, self.value(value)?))
                });
                Value::Object(items.collect::<Result<_, ExperimentError>>()?)
            }
        })
    }
}

/// Where a key of a table stands; of a table within it, where that stands.
pub(super) fn key_span(table: Table<'_, '_>, key: &str) -> Option<Range<usize>> {
    let outer = key.split('.').next().unwrap_or(key);
    table
        .keys()
        .find(|known| known.get_ref().as_ref() == outer)
        .map(Spanned::span)
}
