//! `bakeoff push`: a run into a store.

use bakeoff_bench::{RunFolder, SharedRun};
use bakeoff_core::quoted;
use bakeoff_measures::format;

use crate::{args::PushArgs, text};

pub(crate) fn main(args: &PushArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.run)?;
    let shared = SharedRun::at(&args.store)?;
    let pushed = shared.push(&run, !args.no_data, args.with.of(&args.models_dir))?;
    let data: String = pushed
        .data
        .iter()
        .map(|pack| {
            format!(
                "Data: {} ({})\n",
                text::path(&pack.path),
                text::bytes(pack.bytes)
            )
        })
        .collect();
    let store = match bakeoff_bench::is_address(&args.store) {
        true => args.store.clone(),
        false => format!("file://{}", std::path::absolute(&args.store)?.display()),
    };
    text::print(&format!(
        "{} is in {store}, with {}.\n{data}Run a trial with `bakeoff trial {} --index N` on any machine; then \
         `bakeoff pull {} {1}`.\n",
        text::path(run.path()),
        format::counted(pushed.records as u64, "new record", "new records"),
        quoted(&store),
        quoted(&args.run.to_string_lossy()),
    ))
}
