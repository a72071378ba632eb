//! Putting a dataset together from a training and a test part, whatever format they come from.

use std::path::{Path, PathBuf};

use bakeoff_core::{Dataset, Images, Samples};

use crate::error::DataError;

/// One part of a dataset, as a format reads it.
pub(crate) struct Part {
    /// The file or folder of the images.
    pub(crate) path: PathBuf,
    pub(crate) images: Images,
    /// As many as there are images.
    pub(crate) labels: Labels,
}

/// The labels of a part, and where each of them is.
pub(crate) struct Labels {
    /// Their file.
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<u16>,
    /// What positions in the file count: `byte` or `line`.
    pub(crate) unit: &'static str,
    /// The position of the first label; each other one follows the one before.
    pub(crate) first: u64,
}

/// The file that names the classes, and the names.
pub(crate) type ClassNames = (PathBuf, Vec<String>);

/// The dataset of a folder. Without class names, the labels themselves say how many classes
/// there are, and are their names.
pub(crate) fn dataset(
    folder: &Path,
    name: &str,
    train: Part,
    test: Part,
    class_names: Option<ClassNames>,
) -> Result<Dataset, DataError> {
    let names = match class_names {
        Some((path, names)) => {
            for part in [&train, &test] {
                check(&part.labels, names.len(), &path)?;
            }
            names
        }
        None => {
            let labels = train.labels.values.iter().chain(&test.labels.values);
            let classes = labels.max().map_or(0, |&label| usize::from(label) + 1);
            (0..classes).map(|label| label.to_string()).collect()
        }
    };
    let shapes = [train.images.shape(), test.images.shape()];
    if shapes[0] != shapes[1] {
        return Err(DataError::invalid(
            &train.path,
            format!(
                "the training images are {}, but those of {} are {}: the files do not belong together",
                shapes[0],
                test.path.display(),
                shapes[1]
            ),
        ));
    }
    let samples = |part: Part| Samples::new(part.images, part.labels.values, names.as_slice());
    samples(train)
        .and_then(|train| Dataset::new(name, train, samples(test)?))
        .map_err(|problem| DataError::Samples {
            path: folder.into(),
            problem,
        })
}

/// Every label has a name.
fn check(labels: &Labels, classes: usize, names: &Path) -> Result<(), DataError> {
    let mut pairs = labels.values.iter().enumerate();
    let Some((index, label)) = pairs.find(|&(_, &label)| usize::from(label) >= classes) else {
        return Ok(());
    };
    Err(DataError::invalid(
        &labels.path,
        format!(
            "{} {}: label {label} of sample {index} is out of range, because {} names {classes} classes (0 to {}). Add the missing names or correct the label",
            labels.unit,
            labels.first + index as u64,
            names.display(),
            classes.saturating_sub(1)
        ),
    ))
}
