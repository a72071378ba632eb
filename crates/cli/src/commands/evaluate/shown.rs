//! What a model is shown of a dataset.

use anyhow::ensure;
use bakeoff_ask::Model;
use bakeoff_core::{Images, Samples};
use bakeoff_data::{LabelledFiles, Listed, Opened};

use super::{
    super::prepared_files::{Fate, PreparedFiles, prepare},
    reading::{Files, Reading},
};

/// What a model is shown of a dataset.
pub(super) struct Shown {
    /// The name of the dataset.
    pub(super) dataset: String,
    /// Of the dataset as it was read; `None` where files were prepared.
    pub(super) fingerprint: Option<String>,
    /// The names of the dataset's classes.
    pub(super) class_names: Vec<String>,
    /// One for each image.
    pub(super) labels: Vec<u16>,
    /// What each image is called.
    pub(super) names: Vec<String>,
    /// Whether they are names of files.
    pub(super) are_files: bool,
    /// One for each image.
    pub(super) fates: Vec<Fate>,
    /// What the model sees of those that can be shown.
    pub(super) images: Images,
    pub(super) notes: Vec<String>,
    /// Where files were prepared.
    pub(super) files: Option<Box<LabelledFiles>>,
}

const PREPARED: &str = "the images are prepared as `bakeoff predict` prepares them: the ink is found, cropped and centred (--as-is shows them as they are)";

impl Shown {
    /// Reads a dataset for a model.
    pub(super) fn open(dataset: &str, reading: &Reading, model: &Model) -> anyhow::Result<Self> {
        let Reading {
            options, learned, ..
        } = reading;
        let stated = match reading.files {
            Files::Prepared { stated } => stated,
            Files::AsTheyAre(why) => {
                let opened = bakeoff_data::open_to_evaluate(dataset, options, *learned)?;
                let mut shown = Self::of(opened);
                shown
                    .notes
                    .extend(why.filter(|_| shown.are_files).map(String::from));
                return Ok(shown);
            }
        };
        match bakeoff_data::open_listed(dataset, options, *learned)? {
            Listed::Pixels(opened) => Ok(Self::of(*opened)),
            Listed::Files(files) => {
                ensure!(
                    !stated,
                    "--size, --fit and --colour say how images are read as they are, and those of `{}` are prepared for {}: leave them out, or add --as-is",
                    files.name(),
                    model.name()
                );
                Self::prepared(files, model)
            }
        }
    }

    /// Images that were read as they are.
    fn of(Opened { dataset, notes }: Opened) -> Self {
        let test: &Samples = dataset.test();
        let files = test.files().map(<[String]>::to_vec);
        let are_files = files.is_some();
        let numbered = || {
            (0..test.len())
                .map(|at| format!("test image {at}"))
                .collect()
        };
        Self {
            dataset: dataset.name().to_owned(),
            fingerprint: Some(dataset.fingerprint().to_owned()),
            class_names: test.class_names().to_vec(),
            labels: test.labels().to_vec(),
            names: files.unwrap_or_else(numbered),
            are_files,
            fates: vec![Ok(Vec::new()); test.len()],
            images: test.images().clone(),
            notes: notes.iter().map(ToString::to_string).collect(),
            files: None,
        }
    }

    fn prepared(files: Box<LabelledFiles>, model: &Model) -> anyhow::Result<Self> {
        let test = files.test();
        let PreparedFiles { images, fates } = prepare(&files, test.files, model)?;
        let notes = files.notes().iter().map(ToString::to_string);
        Ok(Self {
            dataset: files.name().to_owned(),
            fingerprint: None,
            class_names: files.class_names().to_vec(),
            labels: test.labels.to_vec(),
            names: test.files.to_vec(),
            are_files: true,
            fates,
            images,
            notes: notes.chain([PREPARED.to_owned()]).collect(),
            files: Some(files),
        })
    }
}
