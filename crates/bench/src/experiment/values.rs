//! What the values of an experiment may be: one rule each, for files and flags alike.

use bakeoff_core::record::Calibration;
use serde_json::Value;

/// More would be days of fits for a digit behind the comma.
const MOST_REPEATS: u64 = 100;

pub(super) const NAME: &str = "1 to 60 letters, digits, `-`, `_` or `.`, not starting with `.`";
pub(crate) const SEEDS: &str = "a list of different whole numbers from 0";
pub(crate) const FOLDS: &str = "a whole number from 2 to 100";
pub(super) const REPEATS: &str = "a whole number from 1 to 100";
pub(super) const HOLDOUT: &str = "a table, as in `{ repeats = 10, fraction = 0.2 }`";
pub(super) const HOLDOUT_FRACTION: &str = "a number above 0 and up to 0.9";
pub(crate) const TRAIN_FRACTIONS: &str = "a list of different numbers above 0 and up to 1";
pub(super) const CALIBRATE: &str = "\"temperature\" or \"none\"";
pub(super) const ROBUSTNESS: &str = "true, false or a list of corruptions";

/// A name that can be part of a file's name on any system.
pub(super) fn name(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|s| {
            (1..=60).contains(&s.chars().count())
                && !s.starts_with('.')
                && s.chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        })
        .map(String::from)
}

/// A list of at least one item, each turned into a `T`.
pub(super) fn list<T>(value: &Value, item: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value
        .as_array()
        .filter(|items| !items.is_empty())?
        .iter()
        .map(item)
        .collect()
}

/// Whether a list of seeds is as [`SEEDS`] says.
pub(crate) fn check_seeds(seeds: &[u64]) -> bool {
    !seeds.is_empty() && all_different(seeds)
}

/// Whether a number of folds is as [`FOLDS`] says.
pub(crate) fn check_folds(folds: usize) -> bool {
    (2..=100).contains(&folds)
}

/// Whether a list of shares is as [`TRAIN_FRACTIONS`] says.
pub(crate) fn check_train_fractions(shares: &[f64]) -> bool {
    !shares.is_empty() && shares.iter().all(|&x| x > 0.0 && x <= 1.0) && all_different(shares)
}

pub(super) fn seeds(value: &Value) -> Option<Vec<u64>> {
    list(value, Value::as_u64).filter(|seeds| check_seeds(seeds))
}

pub(super) fn folds(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?)
        .ok()
        .filter(|&folds| check_folds(folds))
}

pub(super) fn repeats(value: &Value) -> Option<usize> {
    let repeats = value.as_u64().filter(|n| (1..=MOST_REPEATS).contains(n))?;
    usize::try_from(repeats).ok()
}

pub(super) fn holdout_fraction(value: &Value) -> Option<f64> {
    value.as_f64().filter(|&x| x > 0.0 && x <= 0.9)
}

pub(super) fn train_fractions(value: &Value) -> Option<Vec<f64>> {
    list(value, Value::as_f64).filter(|shares| check_train_fractions(shares))
}

/// `Some(None)` for `none`.
pub(super) fn calibrate(value: &Value) -> Option<Option<Calibration>> {
    match value.as_str()? {
        "none" => Some(None),
        name => (name == Calibration::Temperature.name()).then_some(Some(Calibration::Temperature)),
    }
}

fn all_different<T: PartialEq>(items: &[T]) -> bool {
    items
        .iter()
        .enumerate()
        .all(|(i, item)| !items[..i].contains(item))
}
