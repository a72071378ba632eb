//! The personal dataset: images with the correct labels that a person gave.
//!
//! A folder for each dataset that models were trained on, with `labels.csv` (`file`,
//! `label`, `predicted`, `model`, `time`; see `correction_table.rs`) and the prepared images as PNG
//! beside it. `bakeoff evaluate --dataset` reads it. Images are kept as the models saw them, so
//! that evaluating them repeats what was seen; nobody's photograph is kept.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use bakeoff_ask::{Model, models_dir_flag};
use bakeoff_core::{Images, quoted};
use bakeoff_picture::encode_png;
use serde::{Deserialize, Serialize};

use crate::{
    correction_table::{Row, TABLE, Tables},
    folders::{failed, folders},
    problem::{Code, Problem},
};

/// The correct label of an image.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrectionRequest {
    /// The image as the model saw it: the `pixels` of its input.
    pub(crate) pixels: Vec<f64>,
    /// The name of the class that it shows.
    pub(crate) label: String,
    /// The model whose answer is corrected (or confirmed).
    pub(crate) model: String,
}

/// A correction that was kept.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    /// The dataset it was added to.
    dataset: String,
    /// Its file.
    file: String,
    /// What the model says of it.
    predicted: String,
    /// How many images that dataset has now.
    count: usize,
}

/// A personal dataset.
#[derive(Debug, Serialize)]
pub(crate) struct PersonalDataset {
    /// The dataset that its models were trained on.
    dataset: String,
    /// How many images it has.
    count: usize,
    /// Its folder.
    folder: String,
    /// The command that evaluates a model on it.
    evaluate: String,
    /// Why its images cannot be counted, where they cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// The folder of personal datasets.
pub(crate) struct Corrections {
    folder: PathBuf,
    tables: Tables,
}

/// The dataset that a model's images belong to: limited parts of a dataset
/// (`mnist-6000`) are that dataset.
pub(crate) fn base_dataset(dataset: &str) -> &str {
    match dataset.rsplit_once('-') {
        Some((whole, limit))
            if !whole.is_empty()
                && !limit.is_empty()
                && limit.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            whole
        }
        _ => dataset,
    }
}

impl Corrections {
    /// Those in a folder, which need not exist yet.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            tables: Tables::default(),
        }
    }

    /// Keeps an image. `images` is one image of the shape that the model takes,
    /// `predicted` what the model says of it.
    ///
    /// # Errors
    /// When `label` is not a class of the model, or the disk fails; nothing is kept then.
    pub(crate) fn keep(
        &self,
        model: &Model,
        images: &Images,
        label: &str,
        predicted: &str,
    ) -> Result<Kept, Problem> {
        let facts = &model.saved.manifest.facts;
        if !facts.class_names.iter().any(|name| name == label) {
            return Err(Problem::invalid(format!(
                "`{label}` is not a class of {}; there are: {}",
                model.name(),
                facts.class_names.join(", ")
            )));
        }
        // The dataset that the model was trained on, whatever its folder is called now. From a
        // checked manifest, which was saved under this name as a folder.
        let dataset = base_dataset(&facts.dataset);
        if dataset.contains(['/', '\\']) || dataset.starts_with('.') {
            return Err(Problem::internal("the model's dataset has no plain name"));
        }
        let folder = self.folder.join(dataset);
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let mut table = self.tables.open(&folder)?;
        table.check_room()?;
        let png = encode_png(images.shape(), images.pixels()).map_err(Problem::internal)?;
        let (number, path) = write_picture(&folder, table.next_number(), &png)?;
        let row = Row {
            file: picture_name(number),
            label: label.to_owned(),
            predicted: predicted.to_owned(),
            model: model.name().to_owned(),
            time: jiff::Timestamp::now().to_string(),
        };
        if let Err(problem) = table.append(&row, number) {
            // Leave no image without a row.
            let _ = fs::remove_file(&path);
            return Err(problem);
        }
        Ok(Kept {
            dataset: dataset.to_owned(),
            file: row.file,
            predicted: row.predicted,
            count: table.rows(),
        })
    }

    /// Removes the latest correction of a dataset. `dataset` and `file` come from the
    /// network: they are compared with what exists, and never become part of a path.
    ///
    /// # Errors
    /// [`Code::NotFound`] if `file` is not the latest of such a dataset. Only the latest can
    /// be removed.
    pub(crate) fn undo(&self, dataset: &str, file: &str) -> Result<(), Problem> {
        let nothing = || {
            Problem::new(
                Code::NotFound,
                format!("`{file}` is not the latest correction of `{dataset}`"),
            )
        };
        let (_, folder) = self
            .folders()?
            .into_iter()
            .find(|(name, _)| name == dataset)
            .ok_or_else(nothing)?;
        if !self.tables.open(&folder)?.remove_last(file)? {
            return Err(nothing());
        }
        // We only write plain names; anything else was written by hand.
        if Path::new(file).components().count() == 1 {
            let _ = fs::remove_file(folder.join(file));
        }
        Ok(())
    }

    /// The personal datasets by name.
    fn folders(&self) -> Result<Vec<(String, PathBuf)>, Problem> {
        let mut found = folders(&self.folder)?;
        found.retain(|(_, path)| path.join(TABLE).is_file());
        Ok(found)
    }

    /// Every personal dataset. `model` gives the name of a model that was trained on a
    /// dataset, and `models` the folder of models, for the command.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn list(
        &self,
        models: &Path,
        model: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<PersonalDataset>, Problem> {
        let described = |(dataset, path): (String, PathBuf)| {
            let folder = path.display().to_string();
            // One that was damaged by hand hides no other.
            let (count, problem) = match self.tables.count(&path) {
                Ok(rows) => (rows, None),
                Err(problem) => (0, Some(problem.to_string())),
            };
            PersonalDataset {
                count,
                problem,
                evaluate: format!(
                    "bakeoff evaluate --model {} --dataset {}{}",
                    model(&dataset).as_deref().map_or("NAME".into(), quoted),
                    quoted(&folder),
                    models_dir_flag(models)
                ),
                folder,
                dataset,
            }
        };
        Ok(self.folders()?.into_iter().map(described).collect())
    }
}

fn picture_name(number: usize) -> String {
    format!("{number:06}.png")
}

/// Writes an image under the first free number from `number` on.
fn write_picture(folder: &Path, number: usize, png: &[u8]) -> Result<(usize, PathBuf), Problem> {
    for number in number.. {
        let path = folder.join(picture_name(number));
        match File::create_new(&path) {
            Ok(mut file) => {
                let written = file.write_all(png).and_then(|()| file.sync_all());
                if let Err(error) = written {
                    let _ = fs::remove_file(&path);
                    return Err(failed(&path)(error));
                }
                return Ok((number, path));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path)(error)),
        }
    }
    Err(Problem::internal("there is no free file name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_parts_of_a_dataset_are_that_dataset() {
        for (name, expected) in [
            ("mnist", "mnist"),
            ("mnist-6000", "mnist"),
            ("fashion-mnist", "fashion-mnist"),
            ("fashion-mnist-100", "fashion-mnist"),
            ("-7", "-7"),
            ("x-", "x-"),
        ] {
            assert_eq!(base_dataset(name), expected, "{name}");
        }
    }
}
