//! Names of runs: the experiment's name, a hash of its trials, and a number where a run of
//! the same trials is there already.

use std::path::{Path, PathBuf};

use bakeoff_core::{StoreError, record::PlannedTrial, to_hex};
use bakeoff_store::atomic;
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
///
/// Where nobody else plans meanwhile (`alone`), a start that was killed, or that ran out of room, is
/// taken over: it has no `run.json`, so nothing else would ever read or remove it.
pub(crate) fn claim_folder(out: &Path, base: &str, alone: bool) -> Result<PathBuf, StoreError> {
    std::fs::create_dir_all(out).map_err(StoreError::io(out))?;
    let mut number = runs(out, base).max().map_or(1, |(number, _)| number + 1);
    loop {
        let path = match number {
            1 => out.join(base),
            _ => out.join(format!("{base}-{number}")),
        };
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                if alone && is_unfinished_start(&path) {
                    for folder in PARTS.map(|name| path.join(name)).iter().chain([&path]) {
                        atomic::remove_temporaries(folder);
                    }
                    return Ok(path);
                }
                number += 1;
            }
            Err(error) => return Err(StoreError::io(&path)(error)),
        }
    }
}

/// The folders that a start fills before it writes `run.json`, or before it takes that back.
const PARTS: [&str; 4] = ["records", "tests", "cuts", "data"];

/// Whether a folder has nothing but what the start of a run writes before its `run.json`: no record
/// and nothing of a person.
fn is_unfinished_start(path: &Path) -> bool {
    let names = |folder: &Path| -> std::io::Result<Vec<String>> {
        std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let is_temporary = |name: &String| name.starts_with(atomic::TEMPORARY_PREFIX);
    !path.is_symlink()
        && names(path).is_ok_and(|found| {
            found.iter().all(|name| {
                is_temporary(name) || name == "plan.jsonl" || PARTS.contains(&name.as_str())
            })
        })
        && PARTS.iter().all(|part| !path.join(part).is_symlink())
        && names(&path.join("records")).map_or(true, |found| found.iter().all(is_temporary))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_start_that_was_cut_off_is_taken_over_and_nothing_else_is() {
        let out = tempfile::tempdir().unwrap();
        let at = |name: &str| out.path().join(name);
        let claim = |alone| claim_folder(out.path(), "run", alone).unwrap();
        assert_eq!(claim(true), at("run"));
        fs::create_dir_all(at("run/records")).unwrap();
        fs::create_dir_all(at("run/tests")).unwrap();
        for file in [
            "run/plan.jsonl",
            "run/.tmp-a",
            "run/tests/.tmp-b",
            "run/tests/part",
        ] {
            fs::write(at(file), "").unwrap();
        }
        assert_eq!(claim(true), at("run"));
        assert!(!at("run/.tmp-a").exists() && !at("run/tests/.tmp-b").exists());
        assert!(at("run/tests/part").exists());
        // Somebody else may be making it.
        assert_eq!(claim(false), at("run-2"));
        // A record, a note of a person, a complete run.
        for (number, file) in ["records/a.json", "notes.txt", "run.json"]
            .iter()
            .enumerate()
        {
            let folder = claim(true);
            fs::create_dir_all(folder.join("records")).unwrap();
            fs::write(folder.join(file), "").unwrap();
            assert_ne!(claim(true), folder, "{number}");
        }
    }
}
