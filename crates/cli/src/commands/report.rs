//! `bakeoff report`

use std::process::ExitCode;

use bakeoff_bench::RunFolder;
use bakeoff_report::terminal;

use crate::{args::ReportArgs, pages, text};

pub(crate) fn main(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    if !args.run.join("run.json").exists() && pages::holds_runs(&args.run) {
        let Some(index) = pages::write_index(&args.run)? else {
            anyhow::bail!(
                "{} was not written by bakeoff; it is left as it is",
                args.run.join("index.html").display()
            );
        };
        text::print(&format!("Index: {}\n", index.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = RunFolder::open(&args.run)?;
    let leaderboard = pages::render(&run, &args.models_dir, &args.page)?;
    text::print(&format!(
        "{}\nReport: {}\n",
        terminal::leaderboard(&leaderboard),
        run.path().join("report.html").display()
    ))?;
    // A run that was copied somewhere gets no index beside it that nobody asked for.
    if let Some(runs) = run.path().parent().filter(|runs| pages::has_index(runs)) {
        pages::write_index(runs)?;
    }
    Ok(ExitCode::SUCCESS)
}
