//! Names of runs: the experiment's name, a hash of its trials, and a number where a run of
//! the same trials is there already.

use std::path::{Path, PathBuf};

use bakeoff_core::{StoreError, record::PlannedTrial, to_hex};
use sha2::{Digest, Sha256};

/// The part of a run's name that says which trials it has: the first 8 hexadecimal
/// digits of SHA-256 over their ids.
pub(crate) fn trials_hash(trials: &[PlannedTrial]) -> String {
    let mut hasher = Sha256::new();
    for trial in trials {
        hasher.update(&trial.id);
    }
    to_hex(&hasher.finalize()[..4])
}

/// The runs `base` and `base-N` with their numbers.
pub(crate) fn runs(out: &Path, base: &str) -> impl Iterator<Item = (u64, PathBuf)> {
    std::fs::read_dir(out)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("run.json").is_file())
        .filter_map(move |entry| {
            let name = entry.file_name();
            let rest = name.to_str()?.strip_prefix(base)?;
            let number = match rest.strip_prefix('-') {
                None => rest.is_empty().then_some(1)?,
                Some(number) => number.parse().ok()?,
            };
            Some((number, entry.path()))
        })
}

/// Makes the first of `base`, `base-2` ... that does not exist. Making the folder claims the
/// name, so that two runs that start at once never share one.
pub(crate) fn claim_folder(out: &Path, base: &str) -> Result<PathBuf, StoreError> {
    std::fs::create_dir_all(out).map_err(StoreError::io(out))?;
    let mut number = runs(out, base).max().map_or(1, |(number, _)| number + 1);
    loop {
        let path = match number {
            1 => out.join(base),
            _ => out.join(format!("{base}-{number}")),
        };
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(StoreError::io(&path)(error)),
        }
    }
}
