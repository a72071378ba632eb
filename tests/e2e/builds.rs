//! Burn takes most of the build. It is compiled once, whatever cargo is asked for,
//! only while every selection of packages asks for the same features below it.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{cargo, cargo_metadata, text};

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

/// Burn and everything below it, as `name vVERSION`.
fn below_burn() -> BTreeSet<String> {
    let metadata = cargo_metadata(&[]);
    let names: BTreeMap<&str, String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let field = |key: &str| package[key].as_str().unwrap();
            (
                field("id"),
                format!("{} v{}", field("name"), field("version")),
            )
        })
        .collect();
    let nodes: BTreeMap<&str, Vec<&str>> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            let below = node["dependencies"].as_array().unwrap();
            (
                node["id"].as_str().unwrap(),
                below.iter().map(|id| id.as_str().unwrap()).collect(),
            )
        })
        .collect();
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = names
        .iter()
        .filter(|(_, name)| name.starts_with("burn v"))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(next.len(), 1, "one version of burn");
    while let Some(id) = next.pop() {
        if found.insert(names[id].clone()) {
            next.extend(&nodes[id]);
        }
    }
    found
}

#[test]
fn burn_is_compiled_once_whatever_is_asked_for() {
    let below = below_burn();
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
            .filter(|(package, _)| below.iter().any(|name| package.starts_with(name.as_str())))
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
