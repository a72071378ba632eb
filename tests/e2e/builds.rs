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
    // With what runs while building, and without it: a package may be built for both, and
    // where both are listed, one's features hide the other's.
    compiled_once("normal,build", "all");
    compiled_once("normal,no-proc-macro", "normal,dev,no-proc-macro");
}

/// Compares what the program is built with (`edges`) with what every other selection of
/// packages, tests included (`test_edges`), wants below Burn.
fn compiled_once(edges: &str, test_edges: &str) {
    // The one crate that depends on Burn: nearly all below it is below Burn.
    let network = features(&[
        "--package",
        "bakeoff-network",
        "--features",
        "burn",
        "--edges",
        edges,
    ]);
    assert!(network.keys().any(|package| package.starts_with("burn v")));
    let program = features(&["--package", "bakeoff-cli", "--edges", edges]);
    let mut selections = vec![
        vec!["--workspace", "--edges", edges],
        vec!["--workspace", "--edges", test_edges],
    ];
    for package in [
        "bakeoff",
        "bakeoff-cli",
        "bakeoff-network",
        "bakeoff-ann",
        "bakeoff-cnn",
        "bakeoff-zoo",
        "bakeoff-bench",
        "bakeoff-server",
    ] {
        selections.push(vec!["--package", package, "--edges", test_edges]);
    }
    for package in ["bakeoff-ann", "bakeoff-cnn", "bakeoff-zoo"] {
        let burn = ["--features", "burn"];
        selections.push([&["--package", package, "--edges", test_edges], &burn[..]].concat());
    }
    for selection in selections {
        let found = features(&selection);
        // Nothing is below Burn where Burn is not built.
        if !found.keys().any(|package| package.starts_with("burn v")) {
            continue;
        }
        let differs: Vec<String> = program
            .iter()
            .filter(|(package, _)| network.contains_key(*package))
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
