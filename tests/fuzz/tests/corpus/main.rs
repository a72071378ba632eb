//! The committed corpus: seeds, which the readers accept, and every case that was ever found.
//!
//! `BLESS=1 cargo test -p bakeoff-fuzz` writes the seeds anew, after the format of a file of ours has
//! changed.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

mod onnx_files;
mod seeds;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use bakeoff_fuzz::TARGETS;

/// The folder of a target's corpus.
fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

/// What begins so was written by [`seeds`].
const SEED: &str = "seed-";

/// The files of a corpus, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn is_seed(file: &Path) -> bool {
    file.file_name()
        .unwrap()
        .to_string_lossy()
        .starts_with(SEED)
}

fn bless() {
    for target in TARGETS {
        let folder = corpus(target.name);
        fs::create_dir_all(&folder).unwrap();
        for file in files(&folder).iter().filter(|file| is_seed(file)) {
            fs::remove_file(file).unwrap();
        }
        for (name, bytes) in seeds::of(target.name) {
            fs::write(folder.join(format!("{SEED}{name}")), bytes).unwrap();
        }
    }
}

/// One test for all: memory is counted for the whole process.
#[test]
fn whatever_is_in_the_corpus_does_no_harm_and_seeds_are_accepted() {
    if env::var_os("BLESS").is_some() {
        bless();
    }
    let mut wrong = Vec::new();
    for target in TARGETS {
        let mut seeds = 0;
        let mut peak = 0;
        let files = files(&corpus(target.name));
        for file in &files {
            let input = fs::read(file).unwrap();
            let name = format!("{}/{}", target.name, file.file_name().unwrap().display());
            match target.check(&input) {
                Err(failure) => wrong.push(format!("{name}: {failure}")),
                Ok(outcome) => {
                    peak = peak.max(outcome.peak);
                    seeds += usize::from(is_seed(file));
                    if let (true, Err(problem)) = (is_seed(file), outcome.read) {
                        wrong.push(format!("{name} is a seed and refused: {problem}"));
                    }
                }
            }
        }
        if seeds == 0 {
            wrong.push(format!("{} has no seed that is read", target.name));
        }
        println!(
            "{:12} {:4} inputs, {:6.1} MB at most",
            target.name,
            files.len(),
            peak as f64 / 1e6
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
