//! `bakeoff export`

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, bail};
use bakeoff_bench::RunFolder;
use bakeoff_report::{
    export::{ExportedFile, Format, export},
    terminal::Lines,
};

use crate::{
    args::{ExportArgs, ExportFormat},
    text,
};

pub(crate) fn main(args: &ExportArgs) -> anyhow::Result<()> {
    let run = RunFolder::open(&args.run)?;
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
