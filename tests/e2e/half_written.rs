//! What a full disk cuts off is there as a whole or not at all, and the same command goes through once there is
//! room.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    support::{Output, entries, only_entry, run, scratch, shapes, write_folder},
    survival::shell,
};

const EXPERIMENT: &str = "datasets = [\"data/shapes\"]\n[[models]]\nfamily = \"dummy\"\n";

fn prepared(name: &str) -> PathBuf {
    let folder = scratch(name);
    write_folder(&folder.join("data/shapes"), &shapes());
    fs::write(folder.join("e.toml"), EXPERIMENT).unwrap();
    folder
}

/// Runs a command for which no file may have more blocks of 512 bytes.
fn without_room(folder: &Path, blocks: u32, words: &str) -> Output {
    let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$BAKEOFF\" {words}");
    shell(folder, &line)
}

#[test]
fn a_plan_whose_data_cannot_be_packed_is_no_plan() {
    let folder = prepared("half-plan");
    // The pack is the largest file.
    without_room(&folder, 32, "plan e.toml --pack")
        .expect(1)
        .complains_of(&["safetensors.gz", "File too large"]);
    let words = ["plan", "e.toml", "--pack", "--json"];
    let made = run(&folder, &words).expect(0).json();
    let made = folder.join(made["run"].as_str().unwrap());
    let runs = entries(&folder.join("reports"));
    let runs: Vec<_> = runs.iter().filter(|path| path.is_dir()).collect();
    assert_eq!(runs, [&made], "one folder, taken over");
    assert_eq!(entries(&made.join("data")).len(), 1);
}

#[test]
fn images_for_others_are_all_there_or_none() {
    let folder = prepared("half-test-set");
    run(&folder, &["run", "e.toml", "--quiet"]).expect(0);
    let finished = only_entry(&folder.join("reports"));
    let words = format!("export '{}' --test-set others", finished.display());
    // Test images, ids and classes have room, and the training images have not.
    without_room(&folder, 32, &words)
        .expect(1)
        .complains_of(&["train/images.npy", "File too large"]);
    assert!(entries(&folder.join("others")).is_empty());
    let words = ["export", finished.to_str().unwrap(), "--test-set", "others"];
    run(&folder, &words).expect(0);
    let set = only_entry(&folder.join("others"));
    assert!(set.ends_with("shapes") && set.join("README.txt").is_file());
}

#[test]
fn an_mlflow_store_that_was_begun_is_gone_on_with() {
    let folder = prepared("half-mlflow");
    run(&folder, &["run", "e.toml", "--quiet"]).expect(0);
    let finished = only_entry(&folder.join("reports"));
    for blocks in [0, 4] {
        let words = format!("export '{}' --mlflow store", finished.display());
        without_room(&folder, blocks, &words)
            .expect(1)
            .complains_of(&["store/", "File too large"]);
        let words = ["export", finished.to_str().unwrap(), "--mlflow", "store"];
        run(&folder, &words).expect(0);
    }
}

#[test]
fn files_that_the_command_line_names_are_whole_or_as_before() {
    let folder = prepared("half-named");
    run(&folder, &["run", "e.toml", "--quiet"]).expect(0);
    fs::write(folder.join("answers.csv"), "of yesterday").unwrap();
    let words = "evaluate data/shapes --model dummy --csv";
    without_room(&folder, 0, &format!("{words} answers.csv"))
        .expect(1)
        .complains_of(&["answers.csv", "File too large"]);
    let old = fs::read_to_string(folder.join("answers.csv")).unwrap();
    assert_eq!(old, "of yesterday");
    let out = shell(&folder, &format!("\"$BAKEOFF\" {words} /dev/stdout | cat")).expect(0);
    assert!(out.stdout.contains("confidence"), "{}", out.said());
    // A run that a full disk kept from arriving arrives the next time.
    let finished = only_entry(&folder.join("reports"));
    let finished = finished.to_str().unwrap();
    run(&folder, &["push", finished, "store", "--no-data"]).expect(0);
    fs::create_dir_all(folder.join("here/records")).unwrap();
    fs::write(folder.join("here/.tmp-a"), "").unwrap();
    run(&folder, &["pull", "here", "store"]).expect(0);
    assert!(folder.join("here/run.json").is_file());
}
