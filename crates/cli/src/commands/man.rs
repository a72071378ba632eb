//! `bakeoff man`

use std::{fs, process::ExitCode};

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::args::{Cli, ManArgs};

/// Writes a page for the program and one for every command, such as `bakeoff-run.1`.
pub(crate) fn main(args: &ManArgs) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), &args.folder))
        .with_context(|| format!("cannot write manual pages to {}", args.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
