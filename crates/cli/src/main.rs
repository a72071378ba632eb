//! The command line of bakeoff: arguments in, text out, an exit code.
//!
//! Everything it does is done by the libraries; this crate alone prints and exits.
//! Exit codes: 0 fine, 1 something failed (the reason is on standard error), 2 the
//! command line was not understood, 3 a model got worse (`diff --fail-if-worse`), 4 no image
//! was found, or an image is blank (`predict`, `prepare`), 128 plus its number a signal that ended a
//! run or its trial. `trial` also has 75 (no answer about the model, try again) and 78 (no attempt with
//! this program can succeed), and so has `status` 75 (trials are missing).

#![forbid(unsafe_code)]

mod args;
mod commands;
mod indices;
mod interrupt;
mod numbers;
mod overrides;
mod preview;
mod progress;
mod schedulers;
mod text;

use std::{ffi::OsString, process::ExitCode};

use bakeoff_core::one_line;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::read(std::env::args_os()).unwrap_or_else(|error| {
        // What clap says of words it writes in colours, and as they are: it is asked again.
        let shown = |word: OsString| one_line(&word.to_string_lossy());
        let again = Cli::read(std::env::args_os().map(shown));
        again.err().unwrap_or(error).exit()
    });
    std::panic::set_hook(Box::new(text::panicked));
    // A trial starts threads of its own, as many as it was told.
    if !matches!(cli.command, Command::Trial(_))
        && let Err(error) = rayon::ThreadPoolBuilder::new().build_global()
    {
        // A limit on processes (`ulimit -u`, `pids.max`): Rayon would panic where it is first used.
        text::error(format_args!("error: cannot start threads: {error}"));
        return ExitCode::FAILURE;
    }
    let result = match cli.command {
        Command::Run(args) => commands::run::main(&args),
        Command::Plan(args) => commands::plan::main(&args).map(succeeded),
        Command::Trial(args) => commands::trial::main(&args),
        Command::Status(args) => commands::status::main(&args),
        Command::Submit(args) => commands::submit::main(&args),
        Command::Push(args) => commands::push::main(&args).map(succeeded),
        Command::Pull(args) => commands::pull::main(&args),
        Command::Models(args) => commands::models::main(&args).map(succeeded),
        Command::Predict(args) => commands::predict::main(&args),
        Command::Prepare(args) => commands::prepare::main(&args),
        Command::Evaluate(args) => commands::evaluate::main(&args),
        Command::Serve(args) => commands::serve::main(args).map(succeeded),
        Command::Report(args) => commands::report::main(&args).map(succeeded),
        Command::Diff(args) => commands::diff::main(&args),
        Command::Rank(args) => commands::rank::main(&args).map(succeeded),
        Command::Export(args) => commands::export::main(&args).map(succeeded),
        Command::Import(args) => commands::import::main(&args).map(succeeded),
        Command::ExportModel(args) => commands::export_model::main(&args).map(succeeded),
        Command::Data(args) => commands::data::main(args).map(succeeded),
        Command::Completions(args) => commands::completions::main(args).map(succeeded),
        Command::Man(args) => commands::man::main(&args).map(succeeded),
    };
    result.unwrap_or_else(|error| {
        // A closed pipe (`bakeoff models | head -1`) is how a reader says "enough".
        if text::is_broken_pipe(&error) {
            return ExitCode::SUCCESS;
        }
        text::error(format_args!("error: {}", text::chain(&error)));
        ExitCode::FAILURE
    })
}

fn succeeded((): ()) -> ExitCode {
    ExitCode::SUCCESS
}
