//! The rooms of `ARCHITECTURE.md`: who may know whom, and who may print.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::support::{cargo_metadata, root};

/// For each room the rooms it may know, besides crates from outside. The command line may
/// know all of them. What only `zoo`, the registry, knows is a model family ([`FAMILY`]).
const ALLOWED: &[(&str, &[&str])] = &[
    ("npy", &[]),
    ("core", &[]),
    ("unify", &[]),
    ("kernels", &["core"]),
    ("metrics", &["core"]),
    ("onnx", &["core"]),
    ("picture", &["core"]),
    ("search", &["core"]),
    ("data", &["npy", "core", "picture"]),
    ("network", &["core", "kernels", "unify"]),
    ("store", &["core", "metrics"]),
    ("ask", &["core", "picture", "network", "store", "zoo"]),
    (
        "bench",
        &[
            "npy", "core", "kernels", "metrics", "data", "search", "store", "zoo",
        ],
    ),
    ("measures", &["core", "metrics"]),
    ("report", &["npy", "core", "metrics", "measures"]),
    (
        "bakeoff",
        &["core", "store", "zoo", "ask", "bench", "report"],
    ),
    (
        "server",
        &["core", "picture", "data", "zoo", "ask", "bench", "store"],
    ),
];

/// The rooms that a model family may know.
const FAMILY: &[&str] = &["npy", "core", "kernels", "network"];

/// A file of more lines than this, its inline tests not counted, is asking to be two.
const MOST_LINES: usize = 600;

/// Every member below `crates`, with the members it depends on outside tests.
pub(crate) fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let short = |package: &str| match package {
        "bakeoff" => Some("bakeoff".to_owned()),
        name => name.strip_prefix("bakeoff-").map(str::to_owned),
    };
    cargo_metadata(&["--no-deps"])["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            if !manifest.starts_with(root().join("crates")) {
                return None;
            }
            let known = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                // A kind is `null` for normal dependencies.
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .filter_map(|dependency| short(dependency["name"].as_str().unwrap()))
                .collect();
            Some((short(package["name"].as_str().unwrap()).unwrap(), known))
        })
        .collect()
}

#[test]
fn dependencies_point_down_only() {
    let rooms = rooms();
    let families: BTreeSet<&str> = rooms["zoo"]
        .iter()
        .map(String::as_str)
        .filter(|room| *room != "core")
        .collect();
    let known_to_the_rule: BTreeSet<&str> = ALLOWED
        .iter()
        .map(|(room, _)| *room)
        .chain(["cli", "zoo"])
        .chain(families.iter().copied())
        .collect();
    for (room, knows) in &rooms {
        assert!(
            known_to_the_rule.contains(room.as_str()),
            "crates/{room} has no place in ARCHITECTURE.md's directions: give it one here and there"
        );
        let own = ALLOWED.iter().find(|(name, _)| name == room);
        let allowed = match own {
            Some((_, allowed)) => *allowed,
            None if families.contains(room.as_str()) => FAMILY,
            None => continue,
        };
        let wrong: Vec<&String> = knows
            .iter()
            .filter(|name| !allowed.contains(&name.as_str()))
            .collect();
        assert!(
            wrong.is_empty(),
            "crates/{room} must not depend on {wrong:?}, only on {allowed:?}"
        );
    }
    for room in known_to_the_rule {
        assert!(
            rooms.contains_key(room),
            "crates/{room} is in the rule but not in the workspace"
        );
    }
}

#[test]
fn the_map_names_every_room() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for room in rooms().keys() {
        assert!(
            map.contains(&format!("crates/{room} ")),
            "ARCHITECTURE.md has no crates/{room}"
        );
    }
}

/// A line of a source file that is compiled into the library or program.
struct Line {
    path: PathBuf,
    number: usize,
    text: String,
}

/// The source files of one room, without those that are tests.
pub(crate) fn sources(room: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("crates").join(room).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            if stem == "tests" || stem.ends_with("_tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The lines of a file before its inline tests.
fn lines(path: &Path) -> Vec<Line> {
    let source = fs::read_to_string(path).unwrap();
    let all: Vec<&str> = source.lines().collect();
    let end = all
        .windows(2)
        .position(|pair| {
            pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        })
        .unwrap_or(all.len());
    all[..end]
        .iter()
        .enumerate()
        .map(|(index, text)| Line {
            path: path.to_owned(),
            number: index + 1,
            text: (*text).to_owned(),
        })
        .collect()
}

#[test]
fn only_the_command_line_prints_exits_or_reads_arguments() {
    // In pieces, so that this file itself would pass.
    let forbidden = [
        "print!(",
        "println!(",
        "dbg!(",
        "process::exit(",
        "process::abort(",
        "env::args",
    ];
    let mut found = String::new();
    for room in rooms().keys().filter(|room| *room != "cli") {
        for line in sources(room).iter().flat_map(|path| lines(path)) {
            let code = line.text.trim_start();
            if !code.starts_with("//") && forbidden.iter().any(|word| code.contains(word)) {
                found += &format!("{}:{}: {code}\n", line.path.display(), line.number);
            }
        }
    }
    assert!(
        found.is_empty(),
        "only crates/cli prints, exits or reads arguments:\n{found}"
    );
}

#[test]
fn no_file_is_too_long_to_find_ones_way_in() {
    let long: Vec<String> = rooms()
        .keys()
        .flat_map(|room| sources(room))
        .filter_map(|path| {
            let count = lines(&path).len();
            (count > MOST_LINES).then(|| format!("{}: {count} lines", path.display()))
        })
        .collect();
    assert!(
        long.is_empty(),
        "more than {MOST_LINES} lines without tests:\n{}",
        long.join("\n")
    );
}

#[test]
fn every_crate_is_held_to_the_workspace_lints() {
    let manifest =
        |path: &Path| -> toml::Table { fs::read_to_string(path).unwrap().parse().unwrap() };
    for room in rooms().keys() {
        let path = root().join("crates").join(room).join("Cargo.toml");
        let lints = &manifest(&path)["lints"];
        assert_eq!(
            lints.get("workspace").and_then(toml::Value::as_bool),
            Some(true),
            "{}: [lints] must have `workspace = true`",
            path.display()
        );
    }
}
