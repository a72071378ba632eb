//! What a fitted model writes when it is saved and reads when it is loaded.
//!
//! Models speak of named tensors only. The crate `store` decides where they end up
//! (safetensors on disk, a buffer in a test); checksums, versions and atomic writes
//! are handled there once instead of in every family.

use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::ImageShape;

/// Why a model cannot be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file that is damaged, of another kind or of another version.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A tensor is missing.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape or type.
    #[error("tensor `{name}` is {got}, expected {expected}")]
    Tensor {
        /// The tensor.
        name: String,
        /// The stored one.
        got: String,
        /// What the model needs.
        expected: String,
    },
    /// Weights that contradict the model's settings, or are not finite.
    #[error("{0}")]
    Inconsistent(String),
}

impl StoreError {
    /// Makes an error of the operating system one about this file or folder.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// A file that is damaged, with what is wrong with it and what to do.
    pub fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// The same error with the name of its file.
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        match self {
            Self::Io { .. } | Self::Damaged { .. } => self,
            other => Self::Damaged {
                path: path.into(),
                reason: other.to_string(),
            },
        }
    }
}

/// The values of a tensor, row-major.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TensorData<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// Bytes.
    U8(&'a [u8]),
    /// 16-bit unsigned integers.
    U16(&'a [u16]),
    /// 32-bit unsigned integers.
    U32(&'a [u32]),
}

/// Takes a model's tensors one by one.
pub trait ModelWriter {
    /// Adds a tensor. Names are unique within a model; `shape` multiplies to the length.
    ///
    /// # Errors
    /// If the name was used before, the shape does not match the length, or writing fails.
    fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        data: TensorData<'_>,
    ) -> Result<(), StoreError>;

    /// The same for bytes that are given away, of which a writer needs no copy.
    ///
    /// # Errors
    /// As [`ModelWriter::tensor`].
    fn bytes(&mut self, name: &str, shape: &[usize], bytes: Vec<u8>) -> Result<(), StoreError> {
        self.tensor(name, shape, TensorData::U8(&bytes))
    }

    /// The same for bytes in one dimension that are read when the model is written, so that a writer
    /// need not have them in memory. `open` begins at the first of them, each time it is called.
    ///
    /// # Errors
    /// As [`ModelWriter::tensor`], and when they cannot be read.
    fn stream(&mut self, name: &str, length: usize, open: OpenBytes) -> Result<(), StoreError> {
        let mut bytes = Vec::with_capacity(length);
        open()
            .and_then(|mut from| from.read_to_end(&mut bytes))
            .map_err(StoreError::io(Path::new(name)))?;
        self.bytes(name, &[length], bytes)
    }
}

/// Opens bytes that are read later.
pub type OpenBytes = Box<dyn Fn() -> io::Result<Box<dyn io::Read>> + Send>;

/// What a model needs to know before its tensors are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelHeader {
    /// The shape of the images that it accepts.
    pub input_shape: ImageShape,
    /// Number of classes.
    pub classes: usize,
}

/// Reads a model's tensors by name.
///
/// Each method checks that the stored shape is exactly `shape` and that floats are finite,
/// so a model does not need to check them again.
pub trait ModelReader {
    /// The shape of a stored tensor, for models whose sizes are not in their settings.
    ///
    /// # Errors
    /// [`StoreError::Missing`].
    fn shape(&mut self, name: &str) -> Result<Vec<usize>, StoreError>;
    /// 32-bit floats.
    ///
    /// # Errors
    /// When it is missing, of another shape or type, or not finite.
    fn f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, StoreError>;
    /// Bytes.
    ///
    /// # Errors
    /// When it is missing, or of another shape or type.
    fn u8(&mut self, name: &str, shape: &[usize]) -> Result<Cow<'_, [u8]>, StoreError>;
    /// Writes the bytes of a tensor of one dimension to `out`, which a reader need not have in
    /// memory.
    ///
    /// # Errors
    /// As [`ModelReader::u8`], and of `out`.
    fn copy_u8(
        &mut self,
        name: &str,
        length: usize,
        out: &mut dyn io::Write,
    ) -> Result<(), StoreError> {
        let bytes = self.u8(name, &[length])?;
        out.write_all(&bytes)
            .map_err(StoreError::io(Path::new(name)))
    }
    /// 16-bit unsigned integers.
    ///
    /// # Errors
    /// When it is missing, or of another shape or type.
    fn u16(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u16>, StoreError>;

    /// 32-bit unsigned integers.
    ///
    /// # Errors
    /// When it is missing, or of another shape or type.
    fn u32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<u32>, StoreError>;
}
