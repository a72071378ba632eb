//! The settings of a family that a search may change.

use bakeoff_core::Settings;
use serde_json::Value;

/// The values that a setting may take in a search.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// Whole numbers, both ends included, even on a logarithmic scale where the first is above 0.
    Whole(u64, u64),
    /// Numbers, even on a logarithmic scale.
    Log(f64, f64),
    /// Numbers, even as they are.
    Even(f64, f64),
    /// Some values, each written as JSON.
    Choice(&'static [&'static str]),
}

/// A setting and the values that it may take.
#[derive(Clone, Copy, Debug)]
pub struct Dimension {
    /// The key of the setting.
    pub setting: &'static str,
    /// Its values.
    pub range: Range,
}

/// What a search may try of a family.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// The family.
    pub family: &'static str,
    /// Recipes that are tried first, each its settings as a JSON object; the first is `{}`, the defaults.
    pub starts: &'static [&'static str],
    /// Settings that are drawn. A recipe that is drawn has the settings of a start, and these.
    pub dimensions: &'static [Dimension],
}

impl Space {
    /// The settings of the starts.
    pub fn starts(&self) -> impl Iterator<Item = Settings> {
        // A test reads all of them.
        self.starts
            .iter()
            .filter_map(|start| serde_json::from_str(start).ok())
    }
}

/// A place on a dimension: a share of the way along it, or the number of a choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    Share(f64),
    Choice(usize),
}

impl Range {
    /// Where a value is; `None` if it is not within the range.
    pub(crate) fn place(self, value: &Value) -> Option<Place> {
        let share = |share: f64| Place::Share(share.clamp(0.0, 1.0));
        match self {
            Self::Whole(low, high) => {
                let value = value.as_f64()?;
                Some(share(log_share(value, low.max(1) as f64, high as f64)))
            }
            Self::Log(low, high) => Some(share(log_share(value.as_f64()?, low, high))),
            Self::Even(low, high) => Some(share((value.as_f64()? - low) / (high - low))),
            Self::Choice(choices) => choices
                .iter()
                .position(|choice| {
                    serde_json::from_str::<Value>(choice).is_ok_and(|choice| choice == *value)
                })
                .map(Place::Choice),
        }
    }

    /// The value at a place.
    pub(crate) fn value(self, place: Place) -> Value {
        match (self, place) {
            (Self::Choice(choices), Place::Choice(number)) => choices
                .get(number)
                .and_then(|choice| serde_json::from_str(choice).ok())
                .unwrap_or_default(),
            (Self::Whole(low, high), Place::Share(share)) => {
                let value = log_value(share, low.max(1) as f64, high as f64).round() as u64;
                Value::from(value.clamp(low, high))
            }
            (Self::Log(low, high), Place::Share(share)) => {
                Value::from(short(log_value(share, low, high)).clamp(low, high))
            }
            (Self::Even(low, high), Place::Share(share)) => {
                Value::from(short(low + share * (high - low)).clamp(low, high))
            }
            // A place is always one of its own range.
            (Self::Choice(_), Place::Share(_)) | (_, Place::Choice(_)) => Value::Null,
        }
    }
}

fn log_share(value: f64, low: f64, high: f64) -> f64 {
    (value.max(f64::MIN_POSITIVE) / low).ln() / (high / low).ln()
}

fn log_value(share: f64, low: f64, high: f64) -> f64 {
    low * (high / low).powf(share)
}

/// Three significant digits, as a person would write a setting.
fn short(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}
