//! The files of a program: from the folder of the experiment into the settings.
//!
//! Their contents are settings, so that another script is another trial, a plan can run on a
//! machine that has no such folder, and a saved model answers after the folder is gone.
//! Rejected: absolute paths in the settings, which say nothing about what was run.

use std::{
    fs::File,
    io::Read as _,
    path::{Component, Path},
};

use bakeoff_core::{ModelSpec, SpecError};
use serde_json::{Map, Value};

/// The most bytes that all files of a program may have: they are in every record of it.
const MOST_BYTES: u64 = 1_000_000;

/// Whether a name is a path within a folder, written in one way on all systems.
pub(crate) fn is_own_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|c| c.is_control() || "\\:".contains(c))
        && name
            .split('/')
            .all(|part| !["", ".", ".."].contains(&part) && part.len() <= 255)
}

/// What a file is called in the folder of its program: its path, or its last name alone where the
/// path leads out of the experiment's folder.
fn own_name(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => parts.clear(),
        }
    }
    let leads_out = path
        .components()
        .any(|part| !matches!(part, Component::CurDir | Component::Normal(_)));
    let name = match leads_out {
        true => (*parts.last()?).to_owned(),
        false => parts.join("/"),
    };
    is_own_name(&name).then_some(name)
}

/// Reads the files that `command` and `files` name, relative to `folder`, into `files`.
pub(crate) fn read_files(spec: &mut ModelSpec, folder: &Path) -> Result<(), SpecError> {
    let texts = |spec: &ModelSpec, key: &str| -> Vec<String> {
        let items = spec.settings.get(key).and_then(Value::as_array).cloned();
        let items = items.unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item.as_str().map(String::from))
            .collect()
    };
    let mut command = texts(spec, "command");
    let mut files = Map::new();
    if let Some(known) = spec.settings.get("files").and_then(Value::as_object) {
        files.clone_from(known);
    }
    for (position, word) in command.iter_mut().enumerate() {
        // `python3` is looked for in PATH, `./model` is a file.
        let can_be_file = position > 0 || word.contains('/');
        let path = Path::new(word.as_str());
        if can_be_file && path.is_relative() && folder.join(path).is_file() {
            *word =
                add(&mut files, folder, path).map_err(|why| spec.unsupported("command", why))?;
        }
    }
    for word in texts(spec, "files") {
        add(&mut files, folder, Path::new(&word)).map_err(|why| spec.unsupported("files", why))?;
    }
    spec.settings.insert("command".into(), command.into());
    spec.settings.insert("files".into(), files.into());
    Ok(())
}

/// Adds a file; what it is called, or what is wrong with it.
fn add(files: &mut Map<String, Value>, folder: &Path, path: &Path) -> Result<String, String> {
    let at = folder.join(path);
    let shown = at.display();
    let name =
        own_name(path).ok_or_else(|| format!("{shown} has a name that other systems lack"))?;
    let taken: usize = files.values().filter_map(Value::as_str).map(str::len).sum();
    let left = MOST_BYTES.saturating_sub(taken as u64);
    let mut bytes = Vec::new();
    if !at.is_file() {
        return Err(format!("{shown} is no file"));
    }
    File::open(&at)
        .and_then(|file| file.take(left + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{shown}: {error}"))?;
    let remedy = "write its absolute path in `command`: then it is used where it lies and is no \
                  part of the model";
    if bytes.len() as u64 > left {
        return Err(format!(
            "{shown} makes the program's files larger than 1 MB; {remedy}"
        ));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is no text; {remedy}"))?;
    match files.insert(name.clone(), text.clone().into()) {
        Some(other) if other != text => Err(format!(
            "two files would be called `{name}`; rename {shown}"
        )),
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bakeoff_core::Settings;
    use serde_json::json;

    use super::*;

    fn spec(command: Value, files: Value) -> ModelSpec {
        ModelSpec {
            family: "command".into(),
            engine: "process".into(),
            settings: Settings::from([("command".into(), command), ("files".into(), files)]),
        }
    }

    #[test]
    fn files_become_settings_under_names_without_a_way_out() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("experiments");
        fs::create_dir_all(folder.join("lib")).unwrap();
        fs::write(folder.join("python3"), "not the program").unwrap();
        fs::write(folder.join("model.py"), "a").unwrap();
        fs::write(folder.join("lib/net.py"), "b").unwrap();
        fs::write(root.path().join("helper.py"), "c").unwrap();
        let command = json!([
            "python3",
            "./model.py",
            "../helper.py",
            "trees",
            "/etc/passwd"
        ]);
        let mut spec = spec(command, json!(["lib/net.py"]));
        read_files(&mut spec, &folder).unwrap();
        let expected = json!(["python3", "model.py", "helper.py", "trees", "/etc/passwd"]);
        assert_eq!(spec.settings["command"], expected);
        let expected = json!({"lib/net.py": "b", "model.py": "a", "helper.py": "c"});
        assert_eq!(spec.settings["files"], expected);
        // Read once, they stay.
        let before = spec.clone();
        read_files(&mut spec, root.path()).unwrap();
        assert_eq!(spec, before);
    }

    #[test]
    fn files_that_cannot_be_settings_are_refused_with_the_remedy() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        fs::write(folder.join("large"), vec![b'x'; 1_000_001]).unwrap();
        fs::write(folder.join("binary"), [0xff, 0xfe]).unwrap();
        fs::create_dir(folder.join("a")).unwrap();
        fs::write(folder.join("a/x"), "1").unwrap();
        fs::write(folder.join("x"), "2").unwrap();
        let said = |files: Value| {
            let mut spec = spec(json!(["sh"]), files);
            read_files(&mut spec, folder).unwrap_err().to_string()
        };
        assert!(said(json!(["large"])).contains("absolute path"));
        assert!(said(json!(["binary"])).contains("is no text"));
        assert!(said(json!(["absent"])).contains("absent is no file"));
        assert!(said(json!(["a"])).contains("is no file"));
        assert!(said(json!(["a/../a/x", "x"])).contains("two files"));
    }

    #[test]
    fn names_stay_in_their_folder() {
        for name in ["a", "a/b.py", "…"] {
            assert!(is_own_name(name), "{name}");
        }
        for name in ["", "/a", "a/", "../a", "a/./b", "a\\b", "c:a", "a\n"] {
            assert!(!is_own_name(name), "{name}");
        }
    }
}
