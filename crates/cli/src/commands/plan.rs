//! `bakeoff plan`

use bakeoff_core::quoted;
use bakeoff_measures::format;
use bakeoff_report::terminal::Lines;
use serde_json::json;

use crate::{args::PlanArgs, text};

pub(crate) fn main(args: &PlanArgs) -> anyhow::Result<()> {
    let mut experiment = super::experiment(&args.experiment, &args.overrides)?;
    experiment.threads = Some(args.threads);
    let run = bakeoff_bench::plan(&experiment, &args.out, &super::command_line(), false)?;
    super::notes(&run)?;
    if args.pack {
        for packed in run.pack_data_or_take_back()? {
            text::note(format_args!(
                "packed: {} ({})",
                packed.path.display(),
                text::bytes(packed.bytes)
            ));
        }
    }
    let plan = run.plan()?;
    if args.json {
        return text::print_json(&json!({ "run": run.path(), "trials": plan }));
    }
    let trials = format::counted(plan.len() as u64, "trial", "trials");
    let mut out = Lines::new();
    out.line(format_args!("{trials} in {}", run.path().display()));
    out.blank();
    for trial in &plan {
        let variant = trial
            .trial
            .variant()
            .map_or_else(String::new, |variant| format!(", {variant}"));
        out.line(format_args!(
            "{:>3}  {}  {} on {}{variant}, engine {}, seed {}",
            trial.index,
            trial.id,
            trial.trial.model,
            trial.trial.data.name,
            trial.trial.spec.engine,
            trial.trial.seed
        ));
    }
    out.blank();
    out.line(format_args!(
        "Run one with `bakeoff trial {0} --index N`, or all of them on a cluster with \
         `bakeoff submit {0} --on slurm`; then `bakeoff report {0}`.",
        quoted(&run.path().to_string_lossy())
    ));
    text::print(&out)
}
