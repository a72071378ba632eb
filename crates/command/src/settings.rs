//! What an experiment says of a program.

use std::collections::BTreeMap;

use bakeoff_core::{ModelSpec, SettingKind, SpecError};
use serde_json::{Map, Value};

use crate::files::is_own_name;

bakeoff_core::settings! {
    /// The settings of the family.
    pub(crate) struct CommandSettings {
        command: Vec<String> = [],
            SettingKind::TextList("the program and its arguments, as in [\"python3\", \"model.py\"]"),
            "the program and its arguments; those that are paths of files, relative to the experiment's \
             file, become a part of the model";
        files: BTreeMap<String, String> = {},
            SettingKind::Files("paths relative to the experiment's file"),
            "other files that the program needs; with those of the command they lie in the folder that \
             it is started in";
        settings: Map<String, Value> = {}, SettingKind::Table,
            "passed on to the program as they are, in task.json";
        format: Format = "npy", Format::KIND,
            "how images and answers are written: npy, arrays of NumPy; or text, a line of numbers for \
             each image";
        answer_seconds: u64 = 600, SettingKind::Int { min: 1, max: 86_400 },
            "how long one request may take; a program that takes longer is ended";
    }
}

bakeoff_core::choices! {
    /// How images and answers are written.
    pub(crate) enum Format {
        /// Arrays of NumPy.
        Npy = "npy",
        /// A line of numbers for each image.
        Text = "text",
    }
}

/// The settings of a spec, checked.
pub(crate) fn settings(spec: &ModelSpec) -> Result<CommandSettings, SpecError> {
    let settings: CommandSettings = spec.settings()?;
    let names_a_program = |words: &[String]| words.first().is_some_and(|word| !word.is_empty());
    if !names_a_program(&settings.command) || settings.command.iter().any(|it| it.contains('\0')) {
        return Err(spec.bad_setting(
            "command",
            "a list of texts, the program first, as in command = [\"python3\", \"model.py\"]",
        ));
    }
    match settings.files.keys().find(|name| !is_own_name(name)) {
        None => Ok(settings),
        Some(name) => Err(spec.unsupported(
            "files",
            format!("`{}` cannot be a file's name", name.escape_debug()),
        )),
    }
}
