//! `bakeoff report`

use bakeoff_bench::RunFolder;
use bakeoff_report::terminal;

use crate::{args::ReportArgs, text};

pub(crate) fn main(args: &ReportArgs) -> anyhow::Result<()> {
    if !args.run.join("run.json").exists() && bakeoff::holds_runs(&args.run) {
        let Some(index) = bakeoff::write_index(&args.run)? else {
            anyhow::bail!(
                "{} was not written by bakeoff; it is left as it is",
                args.run.join("index.html").display()
            );
        };
        return text::print_line(format_args!("Index: {}", index.display()));
    }
    let run = RunFolder::open(&args.run)?;
    let leaderboard = bakeoff::render(&run, args.page.models(&args.models_dir))?;
    let mut out = terminal::leaderboard(&leaderboard);
    out.blank();
    let report = run.path().join("report.html");
    out.line(format_args!("Report: {}", report.display()));
    text::print(&out)?;
    // A run that was copied somewhere gets no index beside it that nobody asked for.
    if let Some(runs) = run.path().parent().filter(|runs| bakeoff::has_index(runs)) {
        bakeoff::write_index(runs)?;
    }
    Ok(())
}
