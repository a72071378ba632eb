//! Image files as a model sees them, each prepared as `bakeoff predict` prepares it.

use anyhow::bail;
use bakeoff_ask::{InputError, Inputs, Model, Subject};
use bakeoff_core::Images;
use bakeoff_data::LabelledFiles;
use rayon::prelude::*;

/// The warnings about an image, or why nothing of it can be shown to the model.
pub(super) type Fate = Result<Vec<String>, String>;

/// Image files as a model sees them.
pub(super) struct PreparedFiles {
    /// Those that can be shown, in the order of the files.
    pub(super) images: Images,
    /// One for each file.
    pub(super) fates: Vec<Fate>,
}

/// Bad files that an error names.
const NAMED: usize = 5;

/// Prepares files on all cores. Only what the model sees of each is kept: as many files are
/// decoded at a time as there are threads.
///
/// # Errors
/// When a file cannot be read; one that is no image, or shows nothing, has a fate that says so.
pub(super) fn prepare(
    dataset: &LabelledFiles,
    files: &[String],
    model: &Model,
) -> anyhow::Result<PreparedFiles> {
    let prepared: Vec<_> = files
        .par_iter()
        .map(|file| {
            let subject = Subject::Picture(dataset.read(file)?);
            let mut inputs = Inputs::new(&subject);
            let input = inputs.of(model).map(|(_, input)| {
                let pixels = input.images.pixels().to_vec();
                (pixels, input.warnings.clone())
            });
            Ok::<_, bakeoff_data::DataError>(input)
        })
        .collect();
    let unreadable: Vec<String> = prepared
        .iter()
        .filter_map(|it| it.as_ref().err().map(ToString::to_string))
        .collect();
    if !unreadable.is_empty() {
        bail!(
            "{} of {} files of `{}` cannot be read: put them there, or take them out of the table\n  {}{}",
            unreadable.len(),
            files.len(),
            dataset.name(),
            unreadable[..unreadable.len().min(NAMED)].join("\n  "),
            if unreadable.len() > NAMED {
                "\n  ..."
            } else {
                ""
            }
        );
    }
    let (mut pixels, mut fates) = (Vec::new(), Vec::with_capacity(files.len()));
    for input in prepared.into_iter().flatten() {
        fates.push(match input {
            Ok((seen, warnings)) => {
                pixels.extend(seen);
                Ok(warnings)
            }
            Err(InputError::Picture(problem)) => Err(problem.to_string()),
            Err(problem) => bail!(problem),
        });
    }
    let images = Images::new(model.saved.manifest.input_shape, pixels)?;
    Ok(PreparedFiles { images, fates })
}
