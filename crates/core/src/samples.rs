//! Labelled images, and a dataset of them with its fixed split.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ImageShape, Images, cell_of_text, count, counted, to_hex};

/// Why images, labels and class names do not match.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SamplesError {
    /// The number of labels is not the number of images.
    #[error("{images} images but {labels} labels")]
    Count {
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label that is not a class.
    #[error("label {label} of sample {index} is out of range: there are {classes} classes")]
    Label {
        /// Position of the sample, from 0.
        index: usize,
        /// The label.
        label: u16,
        /// Number of classes.
        classes: usize,
    },
    /// Fewer than two classes, or more than a label can count.
    #[error("{classes} classes: a classifier needs 2 to 65536")]
    Classes {
        /// Number of classes.
        classes: usize,
    },
    /// The training and the test part do not match.
    #[error("training part ({train}) and test part ({test}) differ in {what}")]
    Parts {
        /// What differs.
        what: &'static str,
        /// Its value in the training part.
        train: String,
        /// Its value in the test part.
        test: String,
    },
}

/// The id of a test image for other programs: the name of its dataset and its position.
pub fn sample_id(dataset: &str, position: usize) -> String {
    format!("{dataset}-{position:06}")
}

/// The lines of `classes.txt`, which tells other programs the names of the classes. A line break in a name is
/// written `\\n`, so that each class has one line.
pub fn class_lines(names: &[String]) -> String {
    let line = |name: &String| name.replace('\n', "\\n").replace('\r', "\\r") + "\n";
    names.iter().map(line).collect()
}

/// The rows of `ids.csv`, which tells other programs the test images of a dataset: the names of its columns,
/// then position, id and, where images have them, file of each, as cells of a spreadsheet.
pub fn id_rows(
    dataset: &str,
    images: usize,
    files: Option<&[String]>,
) -> impl Iterator<Item = Vec<String>> {
    let header = ["position", "id", "file"];
    let columns = header.len() - usize::from(files.is_none());
    let row = move |position: usize| {
        let id = cell_of_text(&sample_id(dataset, position)).into_owned();
        let file = files.and_then(|files| files.get(position));
        let file = file.map(|file| cell_of_text(file).into_owned());
        [position.to_string(), id].into_iter().chain(file).collect()
    };
    let header = header.iter().take(columns).map(|name| (*name).to_owned());
    std::iter::once(header.collect()).chain((0..images).map(row))
}

/// What a recipe needs to know about the data before training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataShape {
    /// The shape of one image.
    pub image: ImageShape,
    /// Number of classes.
    pub classes: usize,
    /// Number of training samples.
    pub train: usize,
}

/// Images, one label for each, and the names of the classes. Cheap to clone.
///
/// Labels are always in range. Some classes may not occur, and there may be no samples at
/// all; models and metrics document what they do then.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    images: Images,
    labels: Arc<[u16]>,
    class_names: Arc<[String]>,
    files: Option<Arc<[String]>>,
}

impl Samples {
    /// Combines images and labels.
    ///
    /// # Errors
    /// If the counts differ, a label is not a class, or there are fewer than two classes.
    pub fn new(
        images: Images,
        labels: impl Into<Arc<[u16]>>,
        class_names: impl Into<Arc<[String]>>,
    ) -> Result<Self, SamplesError> {
        let labels = labels.into();
        let class_names = class_names.into();
        let classes = class_names.len();
        if !(2..=usize::from(u16::MAX) + 1).contains(&classes) {
            return Err(SamplesError::Classes { classes });
        }
        if images.len() != labels.len() {
            return Err(SamplesError::Count {
                images: images.len(),
                labels: labels.len(),
            });
        }
        if let Some((index, &label)) = labels
            .iter()
            .enumerate()
            .find(|&(_, &label)| usize::from(label) >= classes)
        {
            return Err(SamplesError::Label {
                index,
                label,
                classes,
            });
        }
        Ok(Self {
            images,
            labels,
            class_names,
            files: None,
        })
    }

    /// The same, knowing the file of each image; as many as there are images, or none are kept.
    /// They are for people and are no part of the fingerprint.
    pub fn with_files(mut self, files: Vec<String>) -> Self {
        self.files = (files.len() == self.len()).then(|| files.into());
        self
    }

    /// The file of each image, where each has one of its own.
    pub fn files(&self) -> Option<&[String]> {
        self.files.as_deref()
    }

    /// The images.
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// One label for each image, all below [`Samples::classes`].
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The names of the classes; a label is an index into them.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Samples of each class.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for &label in self.labels.iter() {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    /// A copy of the samples at `indices`, in that order; indices past the end are left out.
    pub fn select(&self, indices: &[usize]) -> Self {
        let kept: Vec<usize> = indices
            .iter()
            .copied()
            .filter(|&index| index < self.len())
            .collect();
        Self {
            images: self.images.select(&kept),
            labels: kept.iter().map(|&index| self.labels[index]).collect(),
            class_names: Arc::clone(&self.class_names),
            files: self.files.as_ref().map(|files| {
                let files = kept.iter().map(|&index| files[index].clone());
                files.collect()
            }),
        }
    }

    /// The samples without those at `indices`, which ascend; in place where nobody else holds the
    /// images.
    pub fn without(self, indices: &[usize]) -> Self {
        fn kept<T: Clone>(of: &[T], left_out: &[usize]) -> Arc<[T]> {
            let mut left_out = left_out.iter().copied().peekable();
            of.iter()
                .enumerate()
                .filter(|(index, _)| left_out.next_if_eq(index).is_none())
                .map(|(_, value)| value.clone())
                .collect()
        }
        Self {
            images: self.images.without(indices),
            labels: kept(&self.labels, indices),
            class_names: self.class_names,
            files: self.files.map(|files| kept(&files, indices)),
        }
    }

    /// What a recipe needs to know about these samples before training.
    pub fn data_shape(&self) -> DataShape {
        DataShape {
            image: self.images.shape(),
            classes: self.classes(),
            train: self.len(),
        }
    }

    /// SHA-256 over shape, class names, labels and pixels, in hexadecimal: two parts
    /// with the same fingerprint hold the same samples in the same order.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(b"bakeoff samples v1\0");
        let shape = self.images.shape();
        for number in [shape.channels, shape.height, shape.width, self.len()] {
            hasher.update((number as u64).to_le_bytes());
        }
        for name in self.class_names.iter() {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
        }
        for &label in self.labels.iter() {
            hasher.update(label.to_le_bytes());
        }
        hasher.update(self.images.pixels());
        to_hex(&hasher.finalize())
    }
}

/// A named dataset with its fixed split. The test part is used only for reporting.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    train: Samples,
    validation: Option<Samples>,
    test: Samples,
    fingerprint: String,
    pixel_range: Option<[f64; 2]>,
}

impl Dataset {
    /// Combines the two parts of a dataset and computes its fingerprint.
    ///
    /// # Errors
    /// If the parts differ in image shape or class names.
    pub fn new(
        name: impl Into<String>,
        train: Samples,
        test: Samples,
    ) -> Result<Self, SamplesError> {
        check_parts(&train, &test)?;
        let mut hasher = Sha256::new();
        hasher.update(train.fingerprint());
        hasher.update(test.fingerprint());
        let fingerprint = to_hex(&hasher.finalize());
        Ok(Self {
            name: name.into(),
            train,
            validation: None,
            test,
            fingerprint,
            pixel_range: None,
        })
    }

    /// The same with a validation part of its own, which changes the fingerprint.
    ///
    /// # Errors
    /// If the part differs in image shape or class names.
    pub fn with_validation(self, validation: Samples) -> Result<Self, SamplesError> {
        check_parts(&self.train, &validation)?;
        let mut hasher = Sha256::new();
        hasher.update(&self.fingerprint);
        hasher.update(b"validation");
        hasher.update(validation.fingerprint());
        Ok(Self {
            validation: Some(validation),
            fingerprint: to_hex(&hasher.finalize()),
            ..self
        })
    }

    /// The same, with the numbers that stood for black and white in its training part, where that is of
    /// numbers. They are no part of the fingerprint.
    pub fn with_pixel_range(self, pixel_range: Option<[f64; 2]>) -> Self {
        Self {
            pixel_range,
            ..self
        }
    }

    /// The numbers that stand for black and white in the training part, where it is of numbers: a model
    /// that learned from it has to see others in the same way.
    pub fn pixel_range(&self) -> Option<[f64; 2]> {
        self.pixel_range
    }

    /// The training, the validation and the test part, for one who has no more use for the whole.
    pub fn into_parts(self) -> (Samples, Option<Samples>, Samples) {
        (self.train, self.validation, self.test)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The training part. What is held out to validate on is taken from it, unless there is
    /// a [`Dataset::validation`] part.
    pub fn train(&self) -> &Samples {
        &self.train
    }

    /// The validation part that comes with the data; most have none.
    pub fn validation(&self) -> Option<&Samples> {
        self.validation.as_ref()
    }

    /// The test part.
    pub fn test(&self) -> &Samples {
        &self.test
    }

    /// Hash over all parts, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Refuses two parts of one dataset that do not match.
fn check_parts(train: &Samples, other: &Samples) -> Result<(), SamplesError> {
    let (a, b) = (train.images().shape(), other.images().shape());
    if a != b {
        return Err(SamplesError::Parts {
            what: "image shape",
            train: a.to_string(),
            test: b.to_string(),
        });
    }
    if train.class_names() != other.class_names() {
        return Err(SamplesError::Parts {
            what: "class names",
            train: train.class_names().join(", "),
            test: other.class_names().join(", "),
        });
    }
    Ok(())
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({} training{} and {} of {}, {} classes)",
            self.name,
            count(self.train.len() as u64),
            self.validation.as_ref().map_or_else(String::new, |part| {
                format!(", {} validation", count(part.len() as u64))
            }),
            counted(self.test.len() as u64, "test image", "test images"),
            self.train.images().shape(),
            self.train.classes()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| i.to_string()).collect()
    }

    fn samples(labels: &[u16]) -> Result<Samples, SamplesError> {
        let images = Images::new(ImageShape::new(1, 1, 1), vec![7; labels.len()])
            .map_err(|_| SamplesError::Classes { classes: 0 })?;
        Samples::new(images, labels, names(3))
    }

    #[test]
    fn a_label_out_of_range_is_rejected_with_its_place() {
        assert_eq!(
            samples(&[0, 3]).map(|_| ()),
            Err(SamplesError::Label {
                index: 1,
                label: 3,
                classes: 3
            })
        );
    }

    #[test]
    fn the_fingerprint_depends_on_every_part() -> Result<(), SamplesError> {
        let a = samples(&[0, 1])?;
        assert_eq!(a.fingerprint(), samples(&[0, 1])?.fingerprint());
        assert_ne!(a.fingerprint(), samples(&[1, 0])?.fingerprint());
        let renamed = Samples::new(
            a.images().clone(),
            vec![0, 1],
            vec!["a".into(), "b".into(), "c".into()],
        )?;
        assert_ne!(a.fingerprint(), renamed.fingerprint());
        Ok(())
    }

    #[test]
    fn class_counts_include_absent_classes() -> Result<(), SamplesError> {
        assert_eq!(samples(&[0, 2, 2])?.class_counts(), [1, 0, 2]);
        Ok(())
    }

    #[test]
    fn a_validation_part_is_in_the_fingerprint() -> Result<(), SamplesError> {
        let a = samples(&[0, 1])?;
        let plain = Dataset::new("x", a.clone(), a.clone())?;
        let with = plain.clone().with_validation(samples(&[1])?)?;
        assert_ne!(with.fingerprint(), plain.fingerprint());
        assert_eq!(with.validation().map(Samples::len), Some(1));
        let other = Samples::new(a.images().clone(), vec![0, 1], names(4))?;
        assert!(plain.with_validation(other).is_err());
        Ok(())
    }

    #[test]
    fn parts_of_different_classes_are_rejected() -> Result<(), SamplesError> {
        let a = samples(&[0, 1])?;
        let b = Samples::new(a.images().clone(), vec![0, 1], names(4))?;
        assert!(Dataset::new("x", a, b).is_err());
        Ok(())
    }
}
