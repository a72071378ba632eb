//! The images of one table, to ask a model about them: no labels are needed.

use std::path::Path;

use bakeoff_core::{Colour, ImageShape, Images, OpenOptions};

use super::{
    columns::Stated,
    read,
    rows::{Rows, shown},
    scale,
};
use crate::{
    context::Context, error::DataError, listing::Listing, notes::Note, resize::convert,
    table::is_table, words::Role,
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

/// Reads a table of pixels, such as the `test.csv` of a competition, to ask a model of images of
/// the shape `asked`, which learned from pixels of the range `learned`
/// (`Dataset::pixel_range`). Labels are left out, if there are some; images of another
/// size are resampled by area.
///
/// # Errors
/// As [`open`](crate::open).
pub fn open_table(
    path: &Path,
    options: &OpenOptions,
    asked: ImageShape,
    learned: Option<[f64; 2]>,
) -> Result<TableImages, DataError> {
    let mut context = Context::new(options);
    context.learned = learned;
    let listing = Listing::open(path)?;
    let Some(file) = listing.only() else {
        return Err(DataError::invalid(path, "this is no table"));
    };
    let stated = Stated {
        label: options.label.as_deref(),
        image: Some(asked.pixels()),
        ..Stated::default()
    };
    let (rows, _) = read(&listing, file, stated, None, &mut context)?;
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
    let images = images.map_err(|_| DataError::no_pictures(&path))?;
    let resampled = OpenOptions {
        size: Some([asked.height, asked.width]),
        colour: match asked.channels {
            1 => Colour::Grey,
            _ => Colour::Rgb,
        },
        ..options.clone()
    };
    let images = convert(images, &resampled);
    if shape != asked {
        context.note(format!(
            "the images are {shape} and are brought to {asked}, as the model learned them"
        ));
    }
    Ok(TableImages {
        images,
        ids,
        notes: context.notes,
    })
}
