//! What a store can do.

use std::{
    fmt::Debug,
    path::{Path, PathBuf},
};

use crate::error::BenchError;

/// An object by its name in the store, and a file here.
pub(crate) type Pair = (String, PathBuf);

/// A store of files under names such as `records/1a2b.json`, none of which is ever replaced.
pub(crate) trait Objects: Debug {
    /// The names that begin so, sorted.
    ///
    /// # Errors
    /// When the store does not answer.
    fn names(&self, begin: &str) -> Result<Vec<String>, BenchError>;

    /// Fetches objects into files, each whole or not at all; false where there is no such object.
    ///
    /// # Errors
    /// When the store does not answer, or the disk refuses.
    fn fetch(&self, wanted: &[Pair]) -> Result<Vec<bool>, BenchError>;

    /// Creates objects from files, each whole or not at all; false where there is one of that name
    /// already, which stays.
    ///
    /// # Errors
    /// When the store does not answer, or a file cannot be read.
    fn create(&self, files: &[Pair]) -> Result<Vec<bool>, BenchError>;

    /// The address of an object, for messages.
    fn address(&self, name: &str) -> String;
}

impl dyn Objects {
    /// [`Objects::fetch`] of one.
    ///
    /// # Errors
    /// As it.
    pub(crate) fn fetch_one(&self, name: &str, to: &Path) -> Result<bool, BenchError> {
        let found = self.fetch(&[(name.to_owned(), to.to_owned())])?;
        Ok(found.first() == Some(&true))
    }

    /// [`Objects::create`] of one.
    ///
    /// # Errors
    /// As it.
    pub(crate) fn create_one(&self, name: &str, from: &Path) -> Result<bool, BenchError> {
        let created = self.create(&[(name.to_owned(), from.to_owned())])?;
        Ok(created.first() == Some(&true))
    }
}
