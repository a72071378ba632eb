//! `bakeoff prepare`

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use bakeoff_core::{ImageShape, Preparation};
use bakeoff_picture::{STAGES, StageRow, encode_png, explain, stages_picture};
use bakeoff_report::terminal::Lines;

use super::{
    pictures::{self, Fault, Source},
    write,
};
use crate::{args::PrepareArgs, interrupt::Signals, text};

/// The file with all stages of all images.
const SHEET: &str = "sheet.png";

/// A sheet of more rows would be too large to look at.
const MAX_ROWS: usize = 60;

pub(crate) fn main(args: &PrepareArgs) -> anyhow::Result<ExitCode> {
    args.allow_commands.apply(Signals::All);
    let (target, preparation) = match &args.model {
        Some(name) => {
            let manifest = super::saved_model(&args.models_dir, name)?.saved.manifest;
            (manifest.input_shape, manifest.preparation())
        }
        // As for MNIST's models.
        None => (ImageShape::new(1, 28, 28), Preparation::Ink),
    };
    let sources = named(pictures::sources(&args.images));
    refuse_to_overwrite(&sources, &args.out)?;
    let mut faults = Vec::new();
    let mut rows: Vec<StageRow> = Vec::new();
    let mut left_out = 0;
    for (source, stem) in &sources {
        let name = source.name();
        text::print_line(name.display())?;
        match source.read() {
            Ok(bytes) => {
                let explained = explain(&bytes, target, preparation);
                // Not before there is something to put into it.
                if !explained.stages.is_empty() {
                    fs::create_dir_all(&args.out).with_context(|| {
                        format!("cannot make the folder {}", args.out.display())
                    })?;
                }
                for (position, stage) in explained.stages.iter().enumerate() {
                    let file = stage_file(stem, position + 1, stage.name);
                    let png = encode_png(stage.images.shape(), stage.images.pixels())?;
                    write(&args.out.join(file), &png)?;
                }
                match explained.prepared {
                    Ok(prepared) => {
                        for step in &prepared.steps {
                            text::print_line(format_args!("  {step}"))?;
                        }
                        for warning in &prepared.warnings {
                            text::print_line(format_args!("  note: {warning}"))?;
                        }
                    }
                    Err(error) => faults.push(report(Fault::from(error))?),
                }
                if explained.stages.is_empty() {
                    continue;
                }
                if rows.len() < MAX_ROWS {
                    rows.push(StageRow::new(&explained.stages)?);
                } else {
                    left_out += 1;
                }
            }
            Err(fault) => faults.push(report(fault)?),
        }
    }
    if !rows.is_empty() {
        let sheet = args.out.join(SHEET);
        write(&sheet, &stages_picture(&rows)?)?;
        let more = match left_out {
            0 => String::new(),
            count => format!(" ({count} more images are not on it)"),
        };
        let mut out = Lines::new();
        out.blank();
        out.line(format_args!(
            "All stages on one sheet: {}{more}",
            sheet.display()
        ));
        text::print(&out)?;
    }
    Ok(pictures::exit_code(&faults))
}

/// Says why an image could not be prepared, below its name.
fn report(fault: Fault) -> anyhow::Result<Fault> {
    text::print_line(format_args!("  not prepared: {}", fault.message))?;
    Ok(fault)
}

/// The images, each with the beginning of its stages' file names.
fn named(sources: Vec<Source>) -> Vec<(Source, String)> {
    let mut taken = BTreeSet::new();
    sources
        .into_iter()
        .map(|source| {
            let stem = unique_stem(&source.name(), &mut taken);
            (source, stem)
        })
        .collect()
}

fn stage_file(stem: &str, position: usize, stage: &str) -> String {
    format!("{stem}-{position}-{stage}.png")
}

/// Refuses before anything is written if a stage or the sheet would replace one of the
/// images. Which stages an image will have is not known yet, so that all are checked.
fn refuse_to_overwrite(sources: &[(Source, String)], out: &Path) -> anyhow::Result<()> {
    let read: BTreeSet<_> = sources
        .iter()
        .filter_map(|(source, _)| identity(source.path()?))
        .collect();
    let stages = sources.iter().flat_map(|(_, stem)| {
        let of_stage = move |(before, stage): (usize, &'static str)| {
            // Stages that changed nothing are not counted.
            (1..=before + 1).map(move |position| stage_file(stem, position, stage))
        };
        STAGES.into_iter().enumerate().flat_map(of_stage)
    });
    for file in stages.chain([SHEET.to_owned()]) {
        let path = out.join(file);
        if identity(&path).is_some_and(|it| read.contains(&it)) {
            bail!(
                "{} is one of the images to read and would be overwritten: choose another \
                 folder with --out; nothing was written",
                path.display()
            );
        }
    }
    Ok(())
}

/// The same for all paths to one file, symbolic and hard links included.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// The same for all paths to one file, symbolic links included.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// The file's name without its ending; numbered where another image has the same.
fn unique_stem(name: &Path, taken: &mut BTreeSet<PathBuf>) -> String {
    let stem = match name.file_stem() {
        Some(stem) if name != Path::new("-") => stem.to_string_lossy().into_owned(),
        _ => "standard-input".into(),
    };
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    std::iter::once(stem.clone())
        .chain(numbered)
        .find(|candidate| taken.insert(candidate.into()))
        .unwrap_or(stem)
}

#[cfg(test)]
mod tests {
    use crate::args::{Cli, Command};

    #[test]
    fn images_that_cannot_be_read_leave_no_folder() {
        let out = std::env::temp_dir().join(format!("bakeoff-prepare-{}", std::process::id()));
        let words = ["bakeoff", "prepare", "no-such.png", "--out"].map(Into::into);
        let words = words.into_iter().chain([out.clone().into_os_string()]);
        let Ok(Command::Prepare(args)) = Cli::read(words).map(|cli| cli.command) else {
            panic!("a command line that is right");
        };
        super::main(&args).expect("a row that says why");
        assert!(!out.exists());
    }
}
