//! Burn takes most of the build. It is compiled once, whatever cargo is asked for,
//! only while every selection of packages asks for the same features below it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{cargo, text};

/// A package as `cargo tree` prints it, to the sets of features it is built with.
type Features = BTreeMap<String, BTreeSet<String>>;

/// What `cargo tree` says would be built.
fn features(selection: &[&str]) -> Features {
    let output = cargo()
        .args([
            "tree",
            "--offline",
            "--prefix",
            "none",
            "--format",
            "{p}|{f}",
        ])
        .args(selection)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut features = Features::new();
    for line in text(&output.stdout).lines() {
        let line = line.trim_end_matches(" (*)");
        if let Some((package, list)) = line.split_once('|') {
            features
                .entry(package.to_owned())
                .or_default()
                .insert(list.to_owned());
        }
    }
    features
}

#[test]
fn burn_is_compiled_once_whatever_is_asked_for() {
    // The one crate that depends on Burn: nearly all below it is below Burn.
    let neural = features(&["--package", "bakeoff-neural", "--edges", "normal,build"]);
    assert!(neural.keys().any(|package| package.starts_with("burn v")));
    let program = features(&["--package", "bakeoff", "--edges", "normal,build"]);
    let mut selections = vec![
        vec!["--workspace", "--edges", "normal,build"],
        vec!["--workspace", "--edges", "all"],
    ];
    for package in [
        "bakeoff",
        "bakeoff-neural",
        "bakeoff-ann",
        "bakeoff-cnn",
        "bakeoff-zoo",
        "bakeoff-bench",
    ] {
        selections.push(vec!["--package", package, "--edges", "all"]);
    }
    for selection in selections {
        let found = features(&selection);
        let differs: Vec<String> = program
            .iter()
            .filter(|(package, _)| neural.contains_key(*package))
            .filter_map(|(package, features)| {
                let others = found.get(package)?;
                let new: Vec<_> = others.difference(features).collect();
                (!new.is_empty()).then(|| format!("{package}: {new:?}, not {features:?}"))
            })
            .collect();
        assert!(
            differs.is_empty(),
            "`cargo build -p bakeoff` and `{}` want other features of these, so Burn is compiled \
             again for each; give crates/unify what is missing:\n{}",
            selection.join(" "),
            differs.join("\n")
        );
    }
}
