//! Images as rows of numbers: `…train….csv` and `…test….csv`, or one table.
//!
//! This is how MNIST and its successors are passed around as tables: 785 columns, the label and
//! 784 pixels, row by row. A header says which column is the label, numbers the rows or names
//! the part; the only column beside numbered pixels is the label; without a header the label is
//! the first or the last column (see [`label_column`]), and a table where that is not clear is
//! refused. Parts have the same columns, by their names. Images are square, grey or RGB, or
//! have the sides that the last column's name says (`28x28`); fer2013 has all pixels of an image
//! in one field.
//!
//! Pixels are whole numbers from 0 to 255. Fractions from 0 to 1 are multiplied by 255; any
//! other range has to be stated (`pixel_max`), because a table does not say whether 16 is white
//! or nearly black.

mod columns;
mod label_column;
mod layout;
mod pixel_names;
mod row_reader;
mod rows;
mod scale;
mod unlabelled;
mod values;

use std::path::Path;

use bakeoff_core::ImageShape;

pub use self::unlabelled::{TableImages, is_pixel_table, open_table};
use self::{
    columns::{Stated, columns, is_header, shape_of},
    layout::{Layout, layout},
    row_reader::RowReader,
    rows::{Rows, shown},
    scale::scale,
    values::Values,
};
use crate::{
    class_names,
    context::Context,
    error::DataError,
    format::Format,
    formats::labelled,
    listing::Listing,
    notes::some,
    parts::{Raw, numbered},
    table::{Table, first_row, is_table},
    words::{ByRole, Role, words},
};

pub(super) const FORMAT: Format = Format {
    name: "pixel-table",
    expects: "a folder with a train.csv and a test.csv (or mnist_train.csv, …; tab or semicolon, gzip too), in each row the label and then the pixels of a square image; or one such table, or fer2013.csv",
    recognises,
    open,
};

/// Whether there is a table of pixels, or one that is named as a part.
fn recognises(listing: &Listing) -> bool {
    listing.files().any(|file| {
        is_candidate(listing, file) && (Role::of(file).is_some() || has_pixels(listing, file))
    })
}

/// Whether a file is a table, and not one that names files or answers.
fn is_candidate(listing: &Listing, file: &str) -> bool {
    is_table(file)
        && !words(file).iter().any(|word| word == "submission")
        && !labelled::names_files(&first_row(listing, file))
}

/// Whether the first row of a table is a label and pixels, or the names of them.
fn has_pixels(listing: &Listing, file: &str) -> bool {
    let first = first_row(listing, file);
    first.len() > 4 && columns(&first, is_header(&first), Stated::default()).is_ok()
        || first.iter().any(|name| name == "pixels")
}

/// Opens the folder.
fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let candidates: Vec<&str> = listing
        .files()
        .filter(|file| is_candidate(listing, file))
        .collect();
    let named = ByRole::find(listing, candidates.iter().copied())?;
    let alone: Vec<&str> = candidates
        .into_iter()
        .filter(|file| Role::of(file).is_none() && has_pixels(listing, file))
        .collect();
    let options = context.options;
    let stated = Stated {
        label: options.label.as_deref(),
        group: options.group.as_deref(),
        ..Stated::default()
    };
    let mut tables = Vec::new();
    let mut training: Option<Layout> = None;
    for role in Role::ALL {
        if let Some(file) = named.get(role) {
            let (rows, layout) = read(listing, file, stated, training.as_ref(), context)?;
            training.get_or_insert(layout);
            tables.push((role, rows));
        }
    }
    match (tables.is_empty(), alone.as_slice()) {
        (true, [file]) => {
            let (rows, _) = read(listing, file, stated, None, context)?;
            tables.push((Role::Train, rows));
        }
        (true, files) => {
            let problem = format!(
                "{} could each be the dataset: name the file itself, or keep one dataset in one folder",
                files.join(" and ")
            );
            return Err(DataError::invalid(listing.path(), problem));
        }
        (false, []) => {}
        (false, files) => context.note(format!("{} not used: its name says no part", some(files))),
    }
    if named.train.is_none() && named.test.is_some() && listing.only().is_none() {
        return Err(listing.missing("a table train.csv"));
    }
    // A table of images without labels is for answers, not for a test.
    tables.retain(|(role, table)| {
        let kept = table.labels.is_some() || *role == Role::Train;
        if !kept {
            context.note(format!(
                "{} has no column of labels, so that nothing can be measured on it: it is not used",
                shown(&table.path)
            ));
        }
        kept
    });
    if let Some((_, table)) = tables.iter().find(|(_, table)| table.labels.is_none()) {
        let problem = "there is no column of labels (`label`, `class`, `target` or `y`), and nothing to learn from without: `bakeoff predict` answers for such a table";
        return Err(DataError::invalid(&table.path, problem));
    }
    let class_names = class_names::find(listing)?;
    let mut parts = split_by_usage(tables)?;
    scale(&mut parts, context)?;
    let labels: Vec<Vec<String>> = parts
        .iter_mut()
        .map(|(_, table)| table.labels.take().unwrap_or_default())
        .collect();
    let borrowed: Vec<&[String]> = labels.iter().map(Vec::as_slice).collect();
    let (found, numbers) = match &class_names {
        Some((path, names)) => (None, by_names(path, names, &parts, &borrowed)?),
        None => numbered(&borrowed).ok_or_else(|| {
            DataError::invalid(listing.path(), "more than 65536 different labels")
        })?,
    };
    let mut raw = Raw {
        names: class_names.or_else(|| Some((listing.path().into(), found?))),
        ..Raw::default()
    };
    for ((role, table), values) in parts.into_iter().zip(numbers) {
        let part = table.into_part(values)?;
        match role {
            Role::Train => raw.train = Some(part),
            Role::Validation => raw.validation = Some(part),
            Role::Test => raw.test = Some(part),
        }
    }
    Ok(raw)
}

/// Labels as numbers where names are given: numbers, or the names themselves.
fn by_names(
    path: &Path,
    names: &[String],
    parts: &[(Role, Rows)],
    labels: &[&[String]],
) -> Result<Vec<Vec<u16>>, DataError> {
    if let Some((None, numbers)) = numbered(labels) {
        return Ok(numbers);
    }
    let place = |label: &String| {
        let place = names.iter().position(|name| name == label)?;
        u16::try_from(place).ok()
    };
    let one = |(table, labels): (&Rows, &&[String])| {
        let numbers = labels.iter().enumerate().map(|(index, label)| {
            place(label).ok_or_else(|| {
                let problem = format!(
                    "label {label:?} is none of the {} classes in {}",
                    names.len(),
                    path.display()
                );
                DataError::line(&table.path, table.first + index as u64, problem)
            })
        });
        numbers.collect()
    };
    parts
        .iter()
        .map(|(_, table)| table)
        .zip(labels)
        .map(one)
        .collect()
}

/// Several parts of a table whose rows say which they belong to.
fn split_by_usage(tables: Vec<(Role, Rows)>) -> Result<Vec<(Role, Rows)>, DataError> {
    let usage = match tables.as_slice() {
        [(Role::Train, rows)] => rows.usage.clone(),
        _ => None,
    };
    let (Some(usage), Some((_, rows))) = (usage, tables.first()) else {
        return Ok(tables);
    };
    let mut parts = Vec::new();
    for role in Role::ALL {
        let indices: Vec<usize> = (0..usage.len()).filter(|&i| usage[i] == role).collect();
        if !indices.is_empty() {
            parts.push((role, rows.select(&indices)));
        }
    }
    Ok(parts)
}

fn read(
    listing: &Listing,
    file: &str,
    stated: Stated<'_>,
    training: Option<&Layout>,
    context: &mut Context<'_>,
) -> Result<(Rows, Layout), DataError> {
    let table = Table::load(listing, file, u64::MAX)?;
    let layout = layout(&table, stated, training)?;
    for note in &layout.columns.notes {
        context.note(format!("{}: {note}", shown(table.path())));
    }
    let columns = layout.columns.clone();
    let mut reader = RowReader {
        table: &table,
        most: context.most() as f32,
        values: Values::new(),
        labels: columns.label.map(|_| Vec::new()),
        usage: columns.usage.map(|_| Vec::new()),
        groups: columns.group.map(|_| Vec::new()),
        ids: columns.id.as_ref().map(|_| Vec::new()),
        each: 0,
        columns,
    };
    let mut first_line = None;
    let mut skip = layout.header;
    let skipped = table.each_row(|record, line| {
        if std::mem::take(&mut skip) {
            return Ok(());
        }
        first_line.get_or_insert(line);
        reader.row(record, line)
    })?;
    if skipped > 0 {
        context.note(format!(
            "{}: {skipped} empty row(s) skipped",
            shown(table.path())
        ));
    }
    let first = first_line.ok_or_else(|| DataError::no_pictures(table.path()))?;
    let shape = match reader.columns.planes {
        true => shape_of(reader.each / 3, None)
            .map(|plane| ImageShape::new(3, plane.height, plane.width)),
        false => shape_of(reader.each, reader.columns.sides),
    };
    let shape = shape.ok_or_else(|| {
        let problem = format!("{} pixels, which are no square image", reader.each);
        DataError::line(table.path(), first, problem)
    })?;
    let rows = Rows {
        path: table.path().into(),
        shape,
        planes: reader.columns.planes,
        values: reader.values,
        labels: reader.labels,
        usage: reader.usage,
        groups: reader.groups,
        ids: reader.columns.id.map(|(_, name)| name).zip(reader.ids),
        first,
    };
    Ok((rows, layout))
}

#[cfg(test)]
mod tests;
