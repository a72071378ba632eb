//! The images of one table, to ask a model about them: no labels are needed.

use std::path::Path;

use bakeoff_core::{Images, OpenOptions};

use super::{Rows, read, scale, shown};
use crate::{
    context::Context, error::DataError, listing::Listing, notes::Note, table::is_table, words::Role,
};

/// The images of a table.
#[derive(Debug)]
pub struct TableImages {
    /// A row each.
    pub images: Images,
    /// The name of the column that numbers the rows, and its values, where there is one.
    pub ids: Option<(String, Vec<String>)>,
    /// What was skipped, assumed or converted.
    pub notes: Vec<Note>,
}

/// Whether a file is a table, by its name.
pub fn is_pixel_table(path: &Path) -> bool {
    path.is_file() && path.to_str().is_some_and(is_table)
}

/// Reads a table of pixels with a header, such as the `test.csv` of a competition. Labels are
/// left out, if there are some.
///
/// # Errors
/// As [`open`](crate::open).
pub fn open_table(path: &Path, options: &OpenOptions) -> Result<TableImages, DataError> {
    let mut context = Context {
        options,
        notes: Vec::new(),
        brightest: None,
    };
    let listing = Listing::open(path)?;
    let Some(file) = listing.only() else {
        return Err(DataError::invalid(path, "this is no table"));
    };
    let rows = read(&listing, file, &mut context)?;
    if rows.labels.is_some() {
        context.note(format!("{}: the labels are not used", shown(&rows.path)));
    }
    let mut parts = [(Role::Test, rows)];
    scale(&mut parts, &mut context)?;
    let [(_, rows)] = parts;
    let Rows {
        path,
        shape,
        values,
        ids,
        ..
    } = rows;
    let images = Images::new(shape, values.into_bytes(1.0));
    Ok(TableImages {
        images: images.map_err(|_| DataError::no_pictures(&path))?,
        ids,
        notes: context.notes,
    })
}
