//! `bakeoff pull`: a run, its records and its models from a store.

use std::process::ExitCode;

use bakeoff_bench::SharedRun;
use bakeoff_core::quoted;
use bakeoff_measures::format;
use bakeoff_report::terminal::Lines;

use super::status::Counts;
use crate::{args::PullArgs, text};

pub(crate) fn main(args: &PullArgs) -> anyhow::Result<ExitCode> {
    let shared = SharedRun::at(&args.store)?;
    let models = args.with.of(&args.models_dir);
    let (run, pulled) = shared.pull(&args.run, models)?;
    super::say_damaged(&pulled);
    let count =
        |count: usize, one: &str, several: &str| format::counted(count as u64, one, several);
    let mut out = Lines::new();
    out.line(format_args!(
        "{}, {} here already, {}, {}.",
        count(pulled.records, "new record", "new records"),
        format::count(pulled.kept as u64),
        count(pulled.replaced, "replaced", "replaced"),
        count(pulled.models, "new model", "new models"),
    ));
    if pulled.without_model > 0 {
        out.line(format_args!(
            "The models of {} are neither here nor in the store (--no-models).",
            count(pulled.without_model, "trial", "trials")
        ));
    }
    let counts = Counts::of(&run)?;
    let path = quoted(&args.run.to_string_lossy());
    out.line(format_args!(
        "{}. See `bakeoff report {path}`.",
        counts.line()
    ));
    text::print(&out)?;
    Ok(super::exit_code(pulled.damaged.is_empty()))
}
