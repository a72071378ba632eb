//! JSON files and hashes of a run.

use std::path::Path;

use bakeoff_core::{
    StoreError,
    record::{Record, SCHEMA},
    to_hex,
};
use bakeoff_store::{atomic, files};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::BenchError;

/// Refuses what another version wrote, before its fields are read: they may differ.
pub(crate) fn check_schema(path: &Path, found: &Value, remedy: &str) -> Result<(), StoreError> {
    let found = &found["schema"];
    if *found == SCHEMA {
        return Ok(());
    }
    let remedy = match found.as_u64() {
        Some(newer) if newer > u64::from(SCHEMA) => "use the bakeoff that wrote it",
        _ => remedy,
    };
    Err(StoreError::damaged(
        path,
        format!("schema {found}, this bakeoff reads {SCHEMA}; {remedy}"),
    ))
}

/// The longest description of a run or record of a trial that is read; a record of 2,000 epochs has
/// half a MB.
const MOST_JSON_MIB: u64 = 256;

/// Reads a file that has its schema at the top level.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    let bytes = files::read_small(path, MOST_JSON_MIB)?;
    parse_json(path, &bytes, "run the experiment again")
}

fn parse_json<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
    remedy: &str,
) -> Result<T, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError::damaged(path, format!("it is damaged ({error}); {remedy}"))
    };
    let value: Value = serde_json::from_slice(bytes).map_err(damaged)?;
    check_schema(path, &value, remedy)?;
    serde_json::from_value(value).map_err(damaged)
}

/// The remedy for a record of a trial that is damaged.
pub(crate) const RUN_AGAIN: &str = "run the trial again with --resume";
/// The remedy for one of a model of another program.
pub(crate) const IMPORT_AGAIN: &str =
    "import it again with `bakeoff import --replace`, or take it out with --remove";

/// Stands in the place of a seal while it is computed.
const NO_SEAL: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The bytes of a record's file with their seal, which is noted in the record, too.
///
/// The bytes are sealed, not the values: no rule is needed for how numbers are written or which
/// fields an earlier version did not know, and `sha256sum` can check it.
pub(crate) fn sealed_json(record: &mut Record) -> Result<Vec<u8>, BenchError> {
    record.seal = Some(NO_SEAL.to_owned());
    let unsealed = to_json(record, true)?;
    let seal = sha256(&unsealed);
    record.seal = Some(seal);
    to_json(record, true)
}

/// Reads a record and checks its seal; one of an earlier version has none. `remedy` is what helps if it is
/// damaged.
pub(crate) fn read_sealed(path: &Path, remedy: &str) -> Result<Record, StoreError> {
    let bytes = files::read_small(path, MOST_JSON_MIB)?;
    let record: Record = parse_json(path, &bytes, remedy)?;
    let is_intact = match &record.seal {
        Some(seal) => {
            let text = String::from_utf8_lossy(&bytes);
            // The seal is the last field of the file.
            text.rsplit_once(seal.as_str())
                .is_some_and(|(before, after)| {
                    sha256(format!("{before}{NO_SEAL}{after}").as_bytes()) == *seal
                })
        }
        // Whoever lists the fits seals, too.
        None => record.measured().is_none_or(|m| m.costs.fits.is_empty()),
    };
    if is_intact {
        return Ok(record);
    }
    Err(StoreError::damaged(
        path,
        format!("its checksum does not match: the record was altered or damaged; {remedy}"),
    ))
}

/// A value as JSON with a newline at its end: for people to read, or on one line.
pub(crate) fn to_json<T: Serialize>(value: &T, pretty: bool) -> Result<Vec<u8>, BenchError> {
    let result = match pretty {
        true => serde_json::to_vec_pretty(value),
        false => serde_json::to_vec(value),
    };
    let mut bytes = result.map_err(|error| BenchError::Request(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// Writes a file whole or not at all, replacing what is there.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    atomic::write_whole(path, bytes).map_err(StoreError::io(path))
}
