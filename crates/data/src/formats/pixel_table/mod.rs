//! Images as rows of numbers: `…train….csv` and `…test….csv`, or one table.
//!
//! This is how MNIST and its successors are passed around as tables: 785 columns, the label and
//! 784 pixels, row by row. A header says which column is the label, numbers the rows or names
//! the part; without one the label is the first or the last column: the one whose commonest value is at most
//! half as common as the other's, else the one that alone has every whole number from 0 or 1 to
//! its highest; a table where neither tells is refused. Images are square, grey or RGB, or
//! have the sides that the last column's name says (`28x28`); fer2013 has all pixels of an image
//! in one field.
//!
//! Pixels are whole numbers from 0 to 255. Fractions from 0 to 1 are multiplied by 255; any
//! other range has to be stated (`pixel_max`), because a table does not say whether 16 is white
//! or nearly black.

mod columns;
mod row_reader;
mod unlabelled;
mod values;

use std::{collections::HashMap, path::Path};

use bakeoff_core::{ImageShape, Images};

pub use self::unlabelled::{TableImages, is_pixel_table, open_table};
use self::{
    columns::{Columns, columns, is_header, looks_like_labels, shape_of},
    row_reader::RowReader,
    values::Values,
};
use crate::{
    class_names,
    colour_order::{Order, order, to_planes},
    context::Context,
    error::DataError,
    format::Format,
    formats::labelled,
    listing::Listing,
    notes::some,
    parts::{Labels, Part, Raw, numbered},
    table::{Table, first_row, is_table, lower},
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
    first.len() > 4 && columns(&first, is_header(&first), None).is_ok()
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
    let mut tables = Vec::new();
    for role in Role::ALL {
        if let Some(file) = named.get(role) {
            tables.push((role, read(listing, file, context)?));
        }
    }
    match (tables.is_empty(), alone.as_slice()) {
        (true, [file]) => tables.push((Role::Train, read(listing, file, context)?)),
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

fn shown(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The rows of a table.
struct Rows {
    path: std::path::PathBuf,
    shape: ImageShape,
    values: Values,
    labels: Option<Vec<String>>,
    usage: Option<Vec<Role>>,
    groups: Option<Vec<String>>,
    /// The name of the column that numbers the rows, and its values.
    ids: Option<(String, Vec<String>)>,
    /// The line of the first row.
    first: u64,
}

impl Rows {
    fn into_part(self, values: Vec<u16>) -> Result<Part, DataError> {
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
    fn select(&self, indices: &[usize]) -> Self {
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
            values,
            labels: texts(&self.labels),
            usage: None,
            groups: texts(&self.groups),
            ids: None,
            first: self.first,
        }
    }
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

/// Makes all values bytes, by one rule for all parts.
fn scale(parts: &mut [(Role, Rows)], context: &mut Context<'_>) -> Result<(), DataError> {
    let max = parts
        .iter()
        .map(|(_, rows)| rows.values.max())
        .fold(0.0, f32::max);
    let fractions = parts.iter().any(|(_, rows)| rows.values.has_fractions());
    let factor = match context.options.pixel_max {
        Some(most) => {
            context.note(format!(
                "pixels from 0 to {most} were multiplied to 0 to 255, as stated"
            ));
            255.0 / most as f32
        }
        None if fractions && max <= 1.0 => {
            context.note("pixels are fractions from 0 to 1 and were multiplied by 255");
            255.0
        }
        None => {
            if fractions {
                context.note("pixels that are no whole numbers were rounded");
            }
            context.brightest(f64::from(max));
            1.0
        }
    };
    for (_, rows) in parts.iter_mut() {
        let values = std::mem::replace(&mut rows.values, Values::new());
        rows.values = Values::Bytes(values.into_bytes(factor));
    }
    // Together, so that all parts are read alike.
    let colour: Vec<usize> = (0..parts.len())
        .filter(|&i| parts[i].1.shape.channels == 3)
        .collect();
    let Some(&first) = colour.first() else {
        return Ok(());
    };
    let rows = &parts[first].1;
    let Values::Bytes(bytes) = &rows.values else {
        return Ok(());
    };
    let Some(order) = order(bytes, rows.shape) else {
        let problem = "it is not clear whether the three colours of a pixel are together or in three planes: save the images as PNG files or as npz";
        return Err(DataError::invalid(&rows.path, problem));
    };
    context.note(match order {
        Order::Planes => "the pixels are taken as three planes, one for each colour, because that makes neighbours alike",
        Order::Pixels => "the three colours of each pixel are taken as being together, because that makes neighbours alike",
    });
    if order == Order::Pixels {
        for at in colour {
            let rows = &mut parts[at].1;
            if let Values::Bytes(bytes) = &rows.values {
                rows.values = Values::Bytes(to_planes(bytes, rows.shape));
            }
        }
    }
    Ok(())
}

fn read(listing: &Listing, file: &str, context: &mut Context<'_>) -> Result<Rows, DataError> {
    let table = Table::load(listing, file, u64::MAX)?;
    let mut columns = layout(&table, context)?;
    let Some((first, header)) = columns.take() else {
        return Err(DataError::no_pictures(table.path()));
    };
    let mut reader = RowReader {
        table: &table,
        most: context.options.pixel_max.unwrap_or(255.0) as f32,
        values: Values::new(),
        labels: first.label.map(|_| Vec::new()),
        usage: first.usage.map(|_| Vec::new()),
        groups: first.group.map(|_| Vec::new()),
        ids: first.id.as_ref().map(|_| Vec::new()),
        each: 0,
        columns: first,
    };
    let mut first_line = None;
    let mut skip = header;
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
    let shape = shape_of(reader.each, reader.columns.sides).ok_or_else(|| {
        let problem = format!("{} pixels, which are no square image", reader.each);
        DataError::line(table.path(), first, problem)
    })?;
    Ok(Rows {
        path: table.path().into(),
        shape,
        values: reader.values,
        labels: reader.labels,
        usage: reader.usage,
        groups: reader.groups,
        ids: reader.columns.id.map(|(_, name)| name).zip(reader.ids),
        first,
    })
}

/// What the columns are, and whether the first row is a header; `None` for an empty table.
fn layout(table: &Table, context: &mut Context<'_>) -> Result<Option<(Columns, bool)>, DataError> {
    let mut found = None;
    // The label is the first or the last of the pixels: both are looked at.
    let (mut firsts, mut lasts) = (Vec::new(), Vec::new());
    let group = context.options.group.as_deref();
    let looked = table.each_row(|record, line| {
        let (columns, _) = match &found {
            Some(found) => found,
            None => {
                let row = lower(record);
                let header = is_header(&row);
                let mut columns = columns(&row, header, group)
                    .map_err(|problem| DataError::line(table.path(), line, problem))?;
                if let Some((at, name)) = &mut columns.id {
                    // As it is written there.
                    *name = table.text(record, *at, line)?.to_owned();
                }
                found = Some((columns, header));
                if header {
                    return Ok(());
                }
                // Just set.
                let Some(found) = &found else { return Ok(()) };
                found
            }
        };
        if !columns.undecided {
            // Enough was seen.
            return Err(DataError::line(table.path(), 0, ""));
        }
        let field = |at: Option<&usize>| {
            let field = at.and_then(|&at| record.get(at));
            field.unwrap_or_default().to_vec()
        };
        firsts.push(field(columns.pixels.first()));
        lasts.push(field(columns.pixels.last()));
        Ok(())
    });
    match (looked, &found) {
        (Ok(_), _) => {}
        (Err(_), Some((columns, _))) if !columns.undecided => {}
        (Err(problem), _) => return Err(problem),
    }
    let Some((mut columns, header)) = found else {
        return Ok(None);
    };
    if columns.undecided && !firsts.is_empty() {
        let like = |values: &[Vec<u8>]| looks_like_labels(values.iter().map(Vec::as_slice));
        // Of classes none has most of the images; of the pixels of a border most are alike.
        let (a, b) = (most_alike(&firsts), most_alike(&lasts));
        let (by_first, by_last) = (2 * a <= b, 2 * b <= a);
        let last = match (like(&firsts), like(&lasts)) {
            _ if by_first => false,
            _ if by_last => true,
            (true, false) => false,
            (false, true) => true,
            // One row alone, or rows that are all the same: the usual order.
            _ if a == firsts.len() && b == lasts.len() => false,
            _ => {
                let problem = "it is not clear whether the first or the last column is the label: add a first line of column names with `label` among them";
                return Err(DataError::line(table.path(), 1, problem));
            }
        };
        if last {
            columns.label = columns.pixels.pop();
            context.note(format!(
                "{}: the last column is taken as the label, because the first is none",
                shown(table.path())
            ));
        } else {
            columns.label = Some(columns.pixels.remove(0));
        }
    }
    Ok(Some((columns, header)))
}

/// How often the commonest value occurs.
fn most_alike(values: &[Vec<u8>]) -> usize {
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_values().max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
