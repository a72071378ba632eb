//! `report` and `export`: what is derived from the records.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rand_chacha::ChaCha8Rng;

use crate::{
    killing::{Victim, Whom, wait_up_to},
    scene::{Scene, Tally, is_temporary, runs, said, temporaries},
};

pub(crate) fn report(scene: &Scene, kills: u64, random: &mut ChaCha8Rng) -> Tally {
    derived(scene, "report", kills, random)
}

pub(crate) fn export(scene: &Scene, kills: u64, random: &mut ChaCha8Rng) -> Tally {
    derived(scene, "export", kills, random)
}

/// Kills a command that writes derived files, then runs it to its end: every file is as it is
/// undisturbed, and records were not touched.
fn derived(scene: &Scene, command: &str, kills: u64, random: &mut ChaCha8Rng) -> Tally {
    let mut tally = Tally::default();
    let folder = scene.folder();
    let output = scene.finish(&folder, &["run", "e.toml"]);
    assert!(output.status.success(), "{}", said(&output));
    let run = runs(&folder).remove(0);
    let arguments = [command, run.to_str().unwrap()];
    let longest = scene.time_of(&folder, &arguments);
    let expected = lasting(&run);
    while tally.kills < kills {
        // What was derived before may be there or not.
        if tally.kills.is_multiple_of(2) {
            for path in expected.keys().filter(|path| is_derived(path)) {
                let _ = fs::remove_file(run.join(path));
            }
        }
        let mut victim = Victim::start(&mut scene.command(&folder, &arguments));
        wait_up_to(longest, random);
        victim.kill(Whom::All, &mut tally);
        let torn: Vec<PathBuf> = lasting(&run)
            .into_iter()
            .filter(|(path, content)| expected.get(path) != Some(content))
            .map(|(path, _)| path)
            .collect();
        tally.check(torn.is_empty(), || {
            format!("torn by a kill of {command}: {torn:?}")
        });
        for again in ["report", command] {
            let output = scene.finish(&folder, &[again, arguments[1]]);
            tally.check(output.status.success(), || {
                format!("{again} afterwards: {}", said(&output))
            });
        }
        let found = lasting(&run);
        tally.checked += found.len() as u64;
        let differing: Vec<&PathBuf> = expected
            .keys()
            .chain(found.keys())
            .filter(|path| found.get(*path) != expected.get(*path))
            .collect();
        tally.check(differing.is_empty(), || {
            format!("{command} afterwards differs: {differing:?}")
        });
    }
    tally.leftovers = temporaries(&folder);
    tally
}

/// Whether a file of a run is derived from its records.
fn is_derived(path: &Path) -> bool {
    let folders = ["charts", "exports"];
    let files = ["report.html", "leaderboard.csv", "leaderboard.json"];
    folders.iter().any(|folder| path.starts_with(folder))
        || files.iter().any(|file| path == Path::new(file))
}

/// Every file of a run that is to stay.
fn lasting(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = bakeoff_tests::files_below(run).unwrap();
    files.retain(|path, _| !is_temporary(path));
    files
}
