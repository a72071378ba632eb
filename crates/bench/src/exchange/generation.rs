//! Names of what belongs to a record in a store: of the first one, and of its successors.

use std::collections::BTreeMap;

/// `<id>`, and of successors `<id>.2`, `<id>.3` …
fn stem(id: &str, generation: u32) -> String {
    match generation {
        0 | 1 => id.to_owned(),
        later => format!("{id}.{later}"),
    }
}

/// The name of a record.
pub(super) fn record(id: &str, generation: u32) -> String {
    format!("records/{}.json", stem(id, generation))
}

/// The name of a file beside a record, which is called `<id>-<hash>.safetensors` in a run.
pub(super) fn sidecar(id: &str, generation: u32, file: &str) -> String {
    let rest = file.strip_prefix(id).unwrap_or(file);
    format!("records/{}{rest}", stem(id, generation))
}

/// The name of a file of a saved model.
pub(super) fn model(id: &str, generation: u32, file: &str) -> String {
    format!("models/{}/{file}", stem(id, generation))
}

/// The highest number of a record of each trial, of a list of names.
pub(super) fn highest(names: &[String]) -> BTreeMap<&str, u32> {
    let mut highest: BTreeMap<&str, u32> = BTreeMap::new();
    for name in names {
        let stem = name
            .strip_prefix("records/")
            .and_then(|name| name.strip_suffix(".json"));
        let found = match stem.map(|stem| stem.split_once('.').unwrap_or((stem, "1"))) {
            Some((id, number)) => number.parse().ok().map(|number: u32| (id, number)),
            None => None,
        };
        if let Some((id, number)) = found {
            let known = highest.entry(id).or_default();
            *known = number.max(*known);
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_the_names_that_are_made_counts() {
        let mut names = vec![
            record("ab", 1),
            record("cd", 1),
            record("cd", 2),
            record("cd", 10),
            sidecar("cd", 2, "cd-1f.safetensors"),
        ];
        assert_eq!(
            names.last().map(String::as_str),
            Some("records/cd.2-1f.safetensors")
        );
        names.push("records/cd.x.json".into());
        assert_eq!(highest(&names), BTreeMap::from([("ab", 1), ("cd", 10)]));
        assert_eq!(model("cd", 1, "m"), "models/cd/m");
        assert_eq!(model("cd", 3, "m"), "models/cd.3/m");
    }
}
