//! `bakeoff import`: predictions of another program beside the models of a run.

use anyhow::Context as _;
use bakeoff_bench::{ImportOptions, ImportedName, RunFolder};
use bakeoff_core::{quoted, record::GivenCosts};
use bakeoff_measures::{LOG_LOSS, format};
use bakeoff_report::terminal::Lines;

use crate::{args::ImportArgs, text};

pub(crate) fn main(args: &ImportArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.run)?;
    let mut out = Lines::new();
    if args.remove {
        let removed = run.remove_imported(&args.name, args.dataset.as_deref(), args.seed)?;
        out.line(format_args!(
            "{}: {} removed.",
            args.name,
            format::counted(removed as u64, "import", "imports")
        ));
    } else {
        imported(args, &run, &mut out)?;
    }
    out.line(format_args!(
        "Write the report again with `bakeoff report {}`.",
        quoted(&args.run.to_string_lossy())
    ));
    text::print(&out)
}

fn imported(args: &ImportArgs, run: &RunFolder, out: &mut Lines) -> anyhow::Result<()> {
    let predictions = args.predictions.as_ref().context("no file was named")?;
    let name = ImportedName {
        model: &args.name,
        dataset: args.dataset.as_deref(),
        seed: args.seed.unwrap_or(1),
    };
    let options = ImportOptions {
        array: args.array.clone(),
        logits: args.logits,
        given: GivenCosts {
            fit_seconds: args.fit_seconds,
            predict_ms_per_image: args.predict_ms_per_image,
            parameters: args.parameters,
            model_bytes: args.model_bytes,
        },
        notes: args.notes.clone(),
        replace: args.replace,
    };
    let found = run.import(predictions, name, &options)?;
    for warning in &found.external.warnings {
        text::note(format_args!("warning: {warning}"));
    }
    let accuracy = text::accuracy(Some(found.scores.accuracy), found.samples);
    let log_loss = match found.external.labels_alone {
        true => "only predicted classes, so no log loss, ROC or calibration".to_owned(),
        false => format!("log loss {}", LOG_LOSS.write(found.scores.log_loss, 0)),
    };
    out.line(format_args!(
        "{} on {}: accuracy {accuracy} of {}, {log_loss}{}.",
        args.name,
        found.dataset,
        format::counted(found.samples as u64, "test image", "test images"),
        if found.replaced {
            "; the earlier import is replaced"
        } else {
            ""
        }
    ));
    for remark in &found.external.remarks {
        out.line(remark);
    }
    Ok(())
}
