//! `bakeoff export`

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, bail};
use bakeoff_bench::RunFolder;
use bakeoff_core::record::Purpose;
use bakeoff_measures::format;
use bakeoff_report::{
    export::{ExportedFile, Format, export},
    terminal::Lines,
};

use super::export_mlflow;
use crate::{
    args::{ExportArgs, ExportFormat},
    text,
};

pub(crate) fn main(args: &ExportArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.run)?;
    if let Some(folder) = &args.test_set {
        return test_sets(&run, folder, args);
    }
    if let Some(store) = &args.mlflow {
        return export_mlflow::main(&run, store);
    }
    let formats: Vec<Format> = if args.format.is_empty() {
        Format::ALL.to_vec()
    } else {
        args.format.iter().map(|format| (*format).into()).collect()
    };
    let files = export(&run.read()?, &formats)?;
    if args.out.as_deref() == Some(Path::new("-")) {
        return to_stdout(&files, args);
    }
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| run.path().join("exports"));
    let mut cleaned = BTreeSet::new();
    for file in &files {
        // Paths of an export are relative and made of safe names.
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            if cleaned.insert(parent.to_owned()) {
                bakeoff_store::atomic::remove_temporaries(parent);
            }
        }
        bakeoff_store::atomic::write_whole(&path, &file.bytes)
            .with_context(|| path.display().to_string())?;
    }
    let mut out = Lines::new();
    for file in &files {
        out.line(format_args!(
            "{}  {}",
            folder.join(&file.path).display(),
            text::bytes(file.bytes.len() as u64)
        ));
    }
    if files.is_empty() {
        out.line("There is nothing to write: no trial has results.");
    }
    text::print(&out)
}

/// The images of every dataset, for other programs.
fn test_sets(run: &RunFolder, folder: &Path, args: &ExportArgs) -> anyhow::Result<()> {
    let mut out = Lines::new();
    for set in run.write_test_sets(folder, args.with_test_labels)? {
        out.line(format_args!(
            "{}: {} and {}; README.txt there says what the files are",
            set.folder.display(),
            format::counted(set.train as u64, "training image", "training images"),
            format::counted(set.test as u64, "test image", "test images")
        ));
    }
    if run
        .plan()?
        .iter()
        .any(|planned| planned.trial.purpose() != Purpose::Headline)
    {
        out.line(
            "Folds, holdouts and smaller training parts are not written: imported models are compared on the \
             test images.",
        );
    }
    text::print(&out)
}

/// One text alone; several files could not be told apart.
fn to_stdout(files: &[ExportedFile], args: &ExportArgs) -> anyhow::Result<()> {
    let is_text = matches!(
        args.format.as_slice(),
        [ExportFormat::Json | ExportFormat::Markdown | ExportFormat::Latex]
    );
    let (true, [only]) = (is_text, files) else {
        bail!("--out - takes one format that is one text: --format json, markdown or latex");
    };
    text::print_exact(&only.bytes)
}

impl From<ExportFormat> for Format {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Self::Csv,
            ExportFormat::Npy => Self::Npy,
            ExportFormat::Safetensors => Self::Safetensors,
            ExportFormat::Json => Self::Json,
            ExportFormat::Markdown => Self::Markdown,
            ExportFormat::Latex => Self::Latex,
        }
    }
}
