//! Our numbers against those of other libraries, committed as data beside the scripts that
//! made them (`make_*.py`). This file reads and compares; the others each hold one room.

#![allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]

mod calibration;
mod label_issues;
mod metrics;
mod statistics;

use std::{fs, path::PathBuf};

use bakeoff_core::Probabilities;
use serde_json::Value;

/// Labels, probabilities and what the peers say of them.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) labels: Vec<u16>,
    pub(crate) probabilities: Probabilities,
    pub(crate) expected: Value,
}

/// A file of golden values by its name in this folder.
pub(crate) fn read(file: &str) -> Value {
    let path = folder().join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All cases of `metrics/`, by name.
pub(crate) fn cases() -> Vec<Case> {
    let mut names: Vec<String> = fs::read_dir(folder().join("metrics"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 16, "cases are missing: {names:?}");
    names.iter().map(|name| case(name)).collect()
}

fn case(file: &str) -> Case {
    let mut read = read(&format!("metrics/{file}"));
    let classes = read["classes"].as_u64().unwrap() as usize;
    let labels = read["labels"].as_array().unwrap().iter();
    Case {
        name: file.to_owned(),
        labels: labels.map(|v| v.as_u64().unwrap() as u16).collect(),
        probabilities: hex_probabilities(classes, &read["probabilities_f32_hex"]),
        expected: read["expected"].take(),
    }
}

/// N×K probabilities from the bits of their values, big endian.
pub(crate) fn hex_probabilities(classes: usize, hex: &Value) -> Probabilities {
    let values = hex
        .as_str()
        .unwrap()
        .as_bytes()
        .chunks_exact(8)
        .map(|digits| {
            let digits = std::str::from_utf8(digits).unwrap();
            f32::from_bits(u32::from_str_radix(digits, 16).unwrap())
        })
        .collect();
    Probabilities::new(classes, values).unwrap()
}

/// A list of numbers, all of them there.
pub(crate) fn defined(value: &Value) -> Vec<f64> {
    numbers(value).into_iter().map(Option::unwrap).collect()
}

/// A list of numbers; null is `None`.
pub(crate) fn numbers(value: &Value) -> Vec<Option<f64>> {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("{value}: not a list"));
    list.iter()
        .map(|value| {
            assert!(value.is_number() || value.is_null(), "{value}");
            value.as_f64()
        })
        .collect()
}

/// Fails unless both are undefined, or equal within `tolerance` (absolute up to 1,
/// relative beyond).
#[track_caller]
pub(crate) fn same(what: &str, actual: Option<f64>, expected: &Value, tolerance: f64) {
    assert!(
        expected.is_number() || expected.is_null(),
        "{what}: no golden value, but {expected}"
    );
    match (actual, expected.as_f64()) {
        (None, None) => {}
        (Some(a), Some(e)) if (a - e).abs() <= tolerance * e.abs().max(1.0) => {}
        (a, e) => panic!("{what}: {a:?}, golden {e:?}"),
    }
}

/// As [`same`], place by place.
#[track_caller]
pub(crate) fn all_same(what: &str, actual: &[Option<f64>], expected: &Value, tolerance: f64) {
    let list = expected
        .as_array()
        .unwrap_or_else(|| panic!("{what}: no golden list"));
    assert_eq!(actual.len(), list.len(), "{what}");
    for (place, (a, e)) in actual.iter().zip(list).enumerate() {
        same(&format!("{what}[{place}]"), *a, e, tolerance);
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}
