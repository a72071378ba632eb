//! The rows of a table of pixels.

use std::path::{Path, PathBuf};

use bakeoff_core::{ImageShape, Images};

use super::values::Values;
use crate::{
    error::DataError,
    parts::{Labels, Part},
    words::Role,
};

/// The rows of a table.
pub(super) struct Rows {
    pub(super) path: PathBuf,
    pub(super) shape: ImageShape,
    /// The names of the columns say that the colours are planes.
    pub(super) planes: bool,
    pub(super) values: Values,
    pub(super) labels: Option<Vec<String>>,
    pub(super) usage: Option<Vec<Role>>,
    pub(super) groups: Option<Vec<String>>,
    /// The name of the column that numbers the rows, and its values.
    pub(super) ids: Option<(String, Vec<String>)>,
    /// The line of the first row.
    pub(super) first: u64,
}

impl Rows {
    pub(super) fn into_part(self, values: Vec<u16>) -> Result<Part, DataError> {
        let none = |_| DataError::no_pictures(&self.path);
        Ok(Part {
            images: Images::new(self.shape, self.values.into_bytes(1.0)).map_err(none)?,
            labels: Labels {
                path: self.path.clone(),
                values,
                unit: "line",
                first: self.first,
            },
            groups: self.groups,
            files: None,
            path: self.path,
        })
    }

    /// The rows at these positions.
    pub(super) fn select(&self, indices: &[usize]) -> Self {
        let each = self.shape.pixels();
        let texts = |texts: &Option<Vec<String>>| {
            texts
                .as_ref()
                .map(|texts| indices.iter().map(|&i| texts[i].clone()).collect())
        };
        let values = match &self.values {
            Values::Bytes(v) => Values::Bytes(
                indices
                    .iter()
                    .flat_map(|&i| &v[i * each..(i + 1) * each])
                    .copied()
                    .collect(),
            ),
            Values::Floats(v) => Values::Floats(
                indices
                    .iter()
                    .flat_map(|&i| &v[i * each..(i + 1) * each])
                    .copied()
                    .collect(),
            ),
        };
        Self {
            path: self.path.clone(),
            shape: self.shape,
            planes: self.planes,
            values,
            labels: texts(&self.labels),
            usage: None,
            groups: texts(&self.groups),
            ids: None,
            first: self.first,
        }
    }
}

/// The name of a table in a note.
pub(super) fn shown(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
