//! Labelled images as files that are not decoded, for callers that prepare each of them in their
//! own way.
//!
//! A format reads folders, tables and labels as it always does, and what it hands over for each
//! image is one black pixel. Rejected: handing a function to the formats that prepares the images
//! (the training part would be prepared for nothing, and again for each model); walking the
//! folders a second time (two rules of which image has which label).

use std::{borrow::Cow, collections::HashMap};

use bakeoff_core::{Dataset, Samples};
use bakeoff_picture::MAX_FILE_BYTES;

use crate::{error::DataError, listing::Listing, notes::Note};

/// Where the bytes of listed images are.
pub(crate) struct FileReader {
    pub(crate) listing: Listing,
    /// Those that are in no file of their own, by their names.
    pub(crate) held: HashMap<String, Vec<u8>>,
}

/// A dataset whose images are files: what each is called and which class it shows.
pub struct LabelledFiles {
    /// Its images stand in for those that are not decoded.
    dataset: Dataset,
    notes: Vec<Note>,
    reader: FileReader,
}

/// The files of one part.
#[derive(Clone, Copy, Debug)]
pub struct FilePart<'a> {
    /// The class of each, a position among the class names.
    pub labels: &'a [u16],
    /// Their paths in the dataset, as many as labels.
    pub files: &'a [String],
}

impl<'a> FilePart<'a> {
    fn of(samples: &'a Samples) -> Self {
        Self {
            labels: samples.labels(),
            files: samples.files().unwrap_or_default(),
        }
    }
}

impl LabelledFiles {
    pub(crate) fn new(dataset: Dataset, notes: Vec<Note>, reader: FileReader) -> Self {
        Self {
            dataset,
            notes,
            reader,
        }
    }

    /// The dataset's name.
    pub fn name(&self) -> &str {
        self.dataset.name()
    }

    /// The names of the classes.
    pub fn class_names(&self) -> &[String] {
        self.dataset.test().class_names()
    }

    /// What was skipped or assumed.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The training part; empty where there is one part alone.
    pub fn train(&self) -> FilePart<'_> {
        FilePart::of(self.dataset.train())
    }

    /// The validation part, where the data have one.
    pub fn validation(&self) -> Option<FilePart<'_>> {
        self.dataset.validation().map(FilePart::of)
    }

    /// The test part.
    pub fn test(&self) -> FilePart<'_> {
        FilePart::of(self.dataset.test())
    }

    /// The bytes of a file of a part, at most one more than are decoded.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn read(&self, file: &str) -> Result<Cow<'_, [u8]>, DataError> {
        match self.reader.held.get(file) {
            Some(bytes) => Ok(bytes.into()),
            None => {
                let bytes = self.reader.listing.read(file, MAX_FILE_BYTES as u64)?;
                Ok(bytes.into())
            }
        }
    }
}
