//! `bakeoff push`: a run into a store.

use bakeoff_bench::{RunFolder, SharedRun};
use bakeoff_core::quoted;
use bakeoff_measures::format;
use bakeoff_report::terminal::Lines;

use crate::{args::PushArgs, text};

pub(crate) fn main(args: &PushArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.run)?;
    let shared = SharedRun::at(&args.store)?;
    let pushed = shared.push(&run, !args.no_data, args.with.of(&args.models_dir))?;
    let store = match bakeoff_bench::is_address(&args.store) {
        true => args.store.clone(),
        false => format!("file://{}", std::path::absolute(&args.store)?.display()),
    };
    let mut out = Lines::new();
    out.line(format_args!(
        "{} is in {store}, with {}.",
        run.path().display(),
        format::counted(pushed.records as u64, "new record", "new records")
    ));
    for pack in &pushed.data {
        out.line(format_args!(
            "Data: {} ({})",
            pack.path.display(),
            text::bytes(pack.bytes)
        ));
    }
    let imported = run.count_imported()?;
    if imported > 0 {
        out.line(format_args!(
            "{} of other programs {} in the folder only: stores hold what the plan knows.",
            format::counted(imported as u64, "import", "imports"),
            if imported == 1 { "stays" } else { "stay" }
        ));
    }
    let store = quoted(&store);
    out.line(format_args!(
        "Run a trial with `bakeoff trial {store} --index N` on any machine; then `bakeoff pull {} {store}`.",
        quoted(&args.run.to_string_lossy())
    ));
    text::print(&out)
}
