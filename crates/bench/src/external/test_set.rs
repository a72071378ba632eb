//! The images of a run for other programs: to train on, and to predict.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bakeoff_core::{
    Samples, StoreError, class_lines, id_rows,
    record::{DataInfo, Purpose, TrialSpec},
};
use bakeoff_data::split;
use bakeoff_store::atomic;

use crate::{
    error::BenchError, packs::planned_dataset, partition::limited, reported_parts::read_test,
    run_folder::RunFolder,
};

/// Begins the name of the folder that a dataset is written into first.
const UNFINISHED: &str = ".bakeoff-test-set-";

/// What was written of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSet {
    /// The dataset.
    pub dataset: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Training images.
    pub train: usize,
    /// Test images.
    pub test: usize,
}

impl RunFolder {
    /// Writes the training and the test images of every dataset, exactly those of the run's headline
    /// trials, each dataset in a folder of `into`. Labels of test images are left out unless they are
    /// asked for.
    ///
    /// # Errors
    /// When a folder is there and not empty, the data are not those of the plan any more, or the disk
    /// refuses.
    pub fn write_test_sets(
        &self,
        into: &Path,
        with_test_labels: bool,
    ) -> Result<Vec<TestSet>, BenchError> {
        let plan = self.plan()?;
        let mut written = Vec::new();
        for data in self.info()?.datasets {
            let folder = into.join(&data.name);
            let is_empty = fs::read_dir(&folder).map_or(true, |mut files| files.next().is_none());
            if !is_empty {
                return Err(BenchError::Request(format!(
                    "{} is there already and not empty: remove it, or choose another folder",
                    folder.display()
                )));
            }
            let headline = plan
                .iter()
                .map(|planned| &planned.trial)
                .find(|trial| trial.purpose() == Purpose::Headline && trial.data.name == data.name);
            let Some(trial) = headline else { continue };
            // All of it or nothing: what a full disk cut off is no test set.
            fs::create_dir_all(into).map_err(StoreError::io(into))?;
            atomic::remove_unowned_folders(into, UNFINISHED);
            let unfinished =
                atomic::OwnedFolder::new(into, UNFINISHED).map_err(StoreError::io(into))?;
            let new = unfinished.path().join(&data.name);
            let mut set = self.write_test_set(&new, &data, trial, with_test_labels)?;
            let _ = fs::remove_dir(&folder);
            fs::rename(&new, &folder).map_err(StoreError::io(&folder))?;
            set.folder = folder;
            written.push(set);
        }
        Ok(written)
    }

    fn write_test_set(
        &self,
        folder: &Path,
        data: &DataInfo,
        trial: &TrialSpec,
        with_test_labels: bool,
    ) -> Result<TestSet, BenchError> {
        let test = read_test(self.path(), data)?;
        let (train, validation, all_of_test) =
            planned_dataset(self, &trial.data, None)?.into_parts();
        let (train, _) = limited(
            [train, all_of_test],
            trial.data.limit_train,
            trial.data.limit_test,
            trial.validation.seed,
        );
        let held_out = (validation.is_none() && trial.validation.fraction > 0.0).then(|| {
            let of = &trial.validation;
            split::hold_out_indices(&train, of.fraction, of.selection_seed())
        });
        write(&folder.join("images.npy"), &images(&test))?;
        write(&folder.join("ids.csv"), &ids(&data.name, &test)?)?;
        write(
            &folder.join("classes.txt"),
            class_lines(&data.class_names).as_bytes(),
        )?;
        if with_test_labels {
            write(&folder.join("labels.npy"), &labels(&test))?;
        }
        let of_train = folder.join("train");
        write(&of_train.join("images.npy"), &images(&train))?;
        write(&of_train.join("labels.npy"), &labels(&train))?;
        if let Some(indices) = &held_out {
            let mut marks = vec![false; train.len()];
            for &index in indices {
                if let Some(mark) = marks.get_mut(index) {
                    *mark = true;
                }
            }
            let bytes = bakeoff_npy::write(&[marks.len()], &marks);
            write(&of_train.join("is_validation.npy"), &bytes)?;
        }
        if let Some(validation) = &validation {
            let of_validation = folder.join("validation");
            write(&of_validation.join("images.npy"), &images(validation))?;
            write(&of_validation.join("labels.npy"), &labels(validation))?;
        }
        let about = readme(
            &self.path().display().to_string(),
            data,
            [&train, &test],
            (held_out.as_deref(), validation.as_ref()),
            with_test_labels,
        );
        write(&folder.join("README.txt"), about.as_bytes())?;
        Ok(TestSet {
            dataset: data.name.clone(),
            folder: folder.to_owned(),
            train: train.len(),
            test: test.len(),
        })
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(StoreError::io(folder))?;
    }
    atomic::write_whole(path, bytes).map_err(StoreError::io(path))
}

fn images(samples: &Samples) -> Vec<u8> {
    let shape = samples.images().shape();
    let dims = [samples.len(), shape.channels, shape.height, shape.width];
    bakeoff_npy::file("|u1", &dims, samples.images().pixels())
}

fn labels(samples: &Samples) -> Vec<u8> {
    let labels: Vec<i64> = samples.labels().iter().map(|&it| it.into()).collect();
    bakeoff_npy::write(&[labels.len()], &labels)
}

/// Position, id and, where images have them, file of every test image, as CSV (RFC 4180).
fn ids(dataset: &str, test: &Samples) -> Result<Vec<u8>, BenchError> {
    let written = || -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in id_rows(dataset, test.len(), test.files()) {
            writer.write_record(&row)?;
        }
        Ok(writer.into_inner().map_err(|error| error.into_error())?)
    };
    written().map_err(|error| BenchError::Request(format!("ids.csv: {error}")))
}

fn readme(
    run: &str,
    data: &DataInfo,
    [train, test]: [&Samples; 2],
    (held_out, validation): (Option<&[usize]>, Option<&Samples>),
    with_test_labels: bool,
) -> String {
    let shape = data.image;
    let dims = |count: usize| {
        format!(
            "{count} x {} x {} x {}",
            shape.channels, shape.height, shape.width
        )
    };
    let classes = data.class_names.len();
    let mut files = vec![
        (
            "train/images.npy",
            format!(
                "training images, uint8, {} (images x channels x height x width), 0 is black",
                dims(train.len())
            ),
        ),
        (
            "train/labels.npy",
            format!(
                "their classes, int64, {}: lines of classes.txt, from 0",
                train.len()
            ),
        ),
    ];
    if let Some(indices) = held_out {
        files.push((
            "train/is_validation.npy",
            format!(
                "bool, {}: the {} training images that bakeoff's own models hold out if they choose \
                 something by validation (with the first seed)",
                train.len(),
                indices.len()
            ),
        ));
    }
    if let Some(validation) = validation {
        files.push((
            "validation/",
            format!(
                "the validation part of the data, likewise: {}",
                dims(validation.len())
            ),
        ));
    }
    files.push((
        "images.npy",
        format!(
            "test images, uint8, {}, to be predicted in this order",
            dims(test.len())
        ),
    ));
    files.push((
        "ids.csv",
        "position and id of each test image, and its file where images are files".into(),
    ));
    files.push((
        "classes.txt",
        format!("the names of the {classes} classes, one a line, in their order"),
    ));
    if with_test_labels {
        files.push((
            "labels.npy",
            format!(
                "the classes of the test images, int64, {}: to check, never to choose by",
                test.len()
            ),
        ));
    }
    let files: String = files
        .iter()
        .map(|(name, what)| format!("  {name}\n      {what}\n"))
        .collect();
    format!(
        "The images of {name} in the run {run}\n\n{files}\n\
         Train on the training images only, and predict all test images. Save {n} x {classes}\n\
         probabilities in the order of images.npy and classes.txt (np.save), or a CSV with\n\
         a column for each class by its name and a column id. Then\n\n\
         \x20 bakeoff import {quoted} --dataset {quoted_name} --name my-model predictions.npy\n\
         \x20 bakeoff report {quoted}\n\n\
         `bakeoff import --help` says what else can be imported.\n",
        name = data.name,
        n = test.len(),
        quoted = bakeoff_core::quoted(run),
        quoted_name = bakeoff_core::quoted(&data.name),
    )
}
