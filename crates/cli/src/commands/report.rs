//! `bakeoff report`

use std::process::ExitCode;

use bakeoff_bench::RunFolder;

use crate::{args::ReportArgs, text};

pub(crate) fn main(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let run = RunFolder::open(&args.run)?;
    let leaderboard = super::render(&run, &args.models_dir, &args.page)?;
    text::print(&format!(
        "{}\nReport: {}\n",
        super::leaderboard_text(&leaderboard),
        run.path().join("report.html").display()
    ))?;
    Ok(ExitCode::SUCCESS)
}
