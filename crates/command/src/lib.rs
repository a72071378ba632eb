//! Models that are programs in any language, trained and asked through files.
//!
//! The protocol is described in `docs/command.md`: `PROGRAM fit FOLDER` reads the training part
//! and leaves a model, `PROGRAM predict FOLDER` answers one request after the other. Images and
//! answers are files, and a request is a line that says that the file is there: so a shell
//! script can answer, and whatever a library prints cannot be taken for an answer.
//!
//! Rejected: images on standard input. Some awks read a pipe to its end before they answer,
//! and text tools of other systems change bytes.

mod exchange;
mod fault;
mod files;
mod fitted;
mod group;
mod left;
mod live;
mod model_files;
mod process;
mod recipe;
mod said;
mod settings;
mod tree;
mod trust;
mod work;

use bakeoff_core::{Engine, EngineCode, Family, Origin};

pub use self::{
    live::{end_programs, program_processes, running_programs},
    tree::{kill_descendants, stop_and_kill_descendants},
    trust::{allow_commands, check_list, remember_commands},
};

/// Programs in any language, for the registry.
pub static FAMILY: Family = Family {
    name: "command",
    title: "A program in any language",
    summary: "trains and asks a program of yours through files (docs/command.md)",
    engines: &[Engine {
        name: fault::ENGINE,
        summary: "runs the program; whether a seed gives the same bits is up to it",
        deterministic: false,
        code: Some(EngineCode {
            build: |spec| Ok(Box::new(recipe::Command::new(spec)?)),
            load: |spec, header, reader| {
                Ok(Box::new(fitted::FittedCommand::load(spec, header, reader)?))
            },
        }),
    }],
    settings: &[settings::CommandSettings::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| true,
    is_baseline: false,
    origin: Origin::Program(files::read_files),
    features: None,
};
