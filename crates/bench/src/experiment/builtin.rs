//! Experiments inside the program.

use std::path::Path;

use super::{error::ExperimentError, settings::Experiment};

/// Name and text, the default one first.
static BUILTIN: [(&str, &str); 9] = [
    (
        "default",
        include_str!("../../../../experiments/default.toml"),
    ),
    ("quick", include_str!("../../../../experiments/quick.toml")),
    (
        "engines",
        include_str!("../../../../experiments/engines.toml"),
    ),
    ("seeds", include_str!("../../../../experiments/seeds.toml")),
    ("trust", include_str!("../../../../experiments/trust.toml")),
    (
        "own-digits",
        include_str!("../../../../experiments/own-digits.toml"),
    ),
    ("auto", include_str!("../../../../experiments/auto.toml")),
    ("all", include_str!("../../../../experiments/all.toml")),
    (
        "champions",
        include_str!("../../../../experiments/champions.toml"),
    ),
];

/// Names of the experiments inside the program, the default one first.
pub fn builtin_experiments() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// An experiment inside the program, by name; `None` if there is none of that name.
///
/// # Errors
/// Where it is no experiment; a test reads all of them.
pub fn builtin_experiment(name: &str) -> Option<Result<Experiment, ExperimentError>> {
    BUILTIN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(name, text)| Experiment::parse(text, Path::new(&format!("{name}.toml"))))
}
