//! The images that a command line names: files, folders, patterns and standard input.

use std::{
    fs::{self, File},
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use bakeoff_ask::InputError;
use bakeoff_measures::format;
use bakeoff_picture::{MAX_FILE_BYTES, PictureError};

use crate::text;

/// Nothing failed, but no image was found, or one in which not one thing is drawn.
pub(crate) const NOTHING_FOUND: u8 = 4;

/// The help text on exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 fine, 1 something failed (the rows say what), 2 the command line was not \
understood, 4 nothing failed, but no image was found, or one is blank or shows several drawings.";

/// Standard input by a path, where the system has one for it.
const STANDARD_INPUT: &str = "/dev/stdin";

/// An image to read.
pub(crate) enum Source {
    StandardInput,
    File(PathBuf),
    /// A folder without images, or a pattern that nothing matches.
    Nothing {
        asked: PathBuf,
        why: &'static str,
    },
}

impl Source {
    /// Its name, as it is shown.
    pub(crate) fn name(&self) -> PathBuf {
        match self {
            Self::StandardInput => "-".into(),
            Self::File(path) | Self::Nothing { asked: path, .. } => path.clone(),
        }
    }

    /// The path it is read from, where it has one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            // A file that a shell opened is still that file.
            Self::StandardInput => Some(Path::new(STANDARD_INPUT)),
            Self::File(path) => Some(path),
            Self::Nothing { .. } => None,
        }
    }

    /// All its bytes, or one more than the longest file that is decoded.
    pub(crate) fn read(&self) -> Result<Vec<u8>, Fault> {
        let read = |from: &mut dyn Read| {
            let mut bytes = Vec::new();
            from.take(MAX_FILE_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
                .map(|_| bytes)
        };
        let failed = |error: io::Error| Fault::failed(format!("cannot be read: {error}"));
        match self {
            Self::StandardInput => read(&mut io::stdin().lock()).map_err(failed),
            Self::File(path) => {
                // Checked before it is opened: opening a FIFO waits for a writer.
                if waits(path).map_err(failed)? {
                    return Err(Fault::no_file());
                }
                let mut file = File::open(path).map_err(failed)?;
                if file.is_terminal() && !is_open(path) {
                    return Err(Fault::no_file());
                }
                read(&mut file).map_err(failed)
            }
            Self::Nothing { why, .. } => Err(Fault::nothing((*why).to_owned())),
        }
    }
}

/// Whether reading a path could wait without end: nobody may write to a FIFO or a socket.
/// A device without an end is refused by its length.
#[cfg(unix)]
fn waits(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = fs::metadata(path)?.file_type();
    let ends = kind.is_file() || kind.is_dir() || kind.is_char_device();
    Ok(!ends && !is_open(path))
}

/// Whether reading a path could wait without end.
#[cfg(not(unix))]
fn waits(path: &Path) -> io::Result<bool> {
    let kind = fs::metadata(path)?.file_type();
    Ok(!kind.is_file() && !kind.is_dir())
}

/// Whether a path names an open file, as shells write it for `<(command)`.
fn is_open(path: &Path) -> bool {
    let folders = ["/dev/fd", "/proc/self/fd"];
    path == Path::new(STANDARD_INPUT) || folders.iter().any(|it| path.starts_with(it))
}

/// Why there is no answer to an image.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// Whether something failed, rather than that nothing is there.
    failed: bool,
}

impl Fault {
    pub(crate) fn failed(message: String) -> Self {
        Self {
            message,
            failed: true,
        }
    }

    fn no_file() -> Self {
        Self::failed("is not a regular file (- reads standard input)".to_owned())
    }

    fn nothing(message: String) -> Self {
        Self {
            message,
            failed: false,
        }
    }
}

impl From<InputError> for Fault {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Picture(error) => error.into(),
            error => Self::failed(error.to_string()),
        }
    }
}

impl From<PictureError> for Fault {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::NothingDrawn | PictureError::SeveralPieces { .. } => {
                Self::nothing(error.to_string())
            }
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(text::chain(&error))
    }
}

/// The exit code that follows from the faults.
pub(crate) fn exit_code<'a>(faults: impl IntoIterator<Item = &'a Fault>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for fault in faults {
        if fault.failed {
            return ExitCode::FAILURE;
        }
        code = NOTHING_FOUND.into();
    }
    code
}

/// What each argument stands for: `-` for standard input, a folder for the images in
/// it and its subfolders, a pattern for the files that match it, in the order of their names.
pub(crate) fn sources(arguments: &[PathBuf]) -> Vec<Source> {
    arguments.iter().flat_map(|path| expand(path)).collect()
}

fn expand(path: &Path) -> Vec<Source> {
    if path == Path::new("-") {
        return vec![Source::StandardInput];
    }
    let (found, why) = if path.is_dir() {
        let Ok((found, others)) = bakeoff_data::image_files(path) else {
            // Reading it as a file says why the folder cannot be read.
            return vec![Source::File(path.into())];
        };
        if others > 0 && !found.is_empty() {
            text::note(format_args!(
                "note: {}: {} left out",
                path.display(),
                format::counted(
                    others as u64,
                    "file that is no image",
                    "files that are no image"
                )
            ));
        }
        (
            found,
            "this folder holds no images (PNG, JPEG, WebP, BMP, GIF, TIFF or PNM)",
        )
    } else if path.exists() {
        (vec![path.to_owned()], "")
    } else if let Some(found) = matching(path) {
        (found, "no file matches this pattern")
    } else {
        (vec![path.to_owned()], "")
    };
    if found.is_empty() {
        return vec![Source::Nothing {
            asked: path.into(),
            why,
        }];
    }
    found.into_iter().map(Source::File).collect()
}

/// The files that match a pattern; `None` where the path is no pattern.
fn matching(path: &Path) -> Option<Vec<PathBuf>> {
    let pattern = path.to_str()?;
    if !pattern.contains(['*', '?', '[']) {
        return None;
    }
    let paths = glob::glob(pattern).ok()?;
    Some(paths.flatten().filter(|path| path.is_file()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_the_worst() {
        let failed = Fault::failed("cut".into());
        let nothing = Fault::from(PictureError::NothingDrawn);
        let same = |a: ExitCode, b: ExitCode| assert_eq!(format!("{a:?}"), format!("{b:?}"));
        same(exit_code([]), ExitCode::SUCCESS);
        same(exit_code([&nothing]), NOTHING_FOUND.into());
        same(exit_code([&nothing, &failed]), ExitCode::FAILURE);
    }
}
