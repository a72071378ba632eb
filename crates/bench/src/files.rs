//! JSON files and hashes of a run.

use std::{fs, path::Path};

use bakeoff_core::{record::SCHEMA, to_hex};
use bakeoff_store::atomic;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::BenchError;

/// Refuses what another version wrote, before its fields are read: they may differ.
pub(crate) fn check_schema(path: &Path, found: &Value) -> Result<(), BenchError> {
    let found = &found["schema"];
    if *found == SCHEMA {
        return Ok(());
    }
    let remedy = match found.as_u64() {
        Some(newer) if newer > u64::from(SCHEMA) => "use the bakeoff that wrote it",
        _ => "run the experiment again",
    };
    Err(BenchError::damaged(
        path,
        format!("schema {found}, this bakeoff reads {SCHEMA}; {remedy}"),
    ))
}

/// Reads a file that has its schema at the top level.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, BenchError> {
    let damaged = |error: serde_json::Error| BenchError::damaged(path, error.to_string());
    let bytes = fs::read(path).map_err(BenchError::io(path))?;
    let value: Value = serde_json::from_slice(&bytes).map_err(damaged)?;
    check_schema(path, &value)?;
    serde_json::from_value(value).map_err(damaged)
}

/// A value as JSON: for people to read, or on one line.
pub(crate) fn to_json<T: Serialize>(value: &T, pretty: bool) -> Result<Vec<u8>, BenchError> {
    let result = if pretty {
        serde_json::to_vec_pretty(value).map(|mut bytes| {
            bytes.push(b'\n');
            bytes
        })
    } else {
        serde_json::to_vec(value)
    };
    result.map_err(|error| BenchError::Request(error.to_string()))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Writes a file whole or not at all, replacing what is there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), BenchError> {
    atomic::write_whole(path, bytes).map_err(BenchError::io(path))
}
