//! From a name or a path to a dataset.

use std::{fs, path::Path};

use bakeoff_core::{Dataset, OpenOptions};

use crate::{
    builtin::builtins,
    context::Context,
    download::{downloaded, downloads},
    error::DataError,
    files::LabelledFiles,
    format::Format,
    formats::{FORMATS, named_only},
    listing::Listing,
    notes::{Note, some},
    parts::{Alone, converted, finish},
};

/// The kinds of folder that [`open`] recognises.
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// A dataset, and what should be known about how it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The dataset.
    pub dataset: Dataset,
    /// What was skipped, assumed or converted.
    pub notes: Vec<Note>,
}

/// Opens a dataset by its built-in name, by the name of a download, or by the path of its folder,
/// archive or file.
///
/// A built-in name, and that of a dataset that was downloaded, comes before a folder of the same name; `./mnist` is the folder.
/// The dataset is named as the built-in, as the folder, or as the file without its ending.
///
/// # Errors
/// Names the file, the place in it, what was found and what to do; see [`DataError`].
pub fn open(source: &str) -> Result<Dataset, DataError> {
    open_with(source, &OpenOptions::default()).map(|opened| opened.dataset)
}

/// [`open`] as a person states it.
///
/// # Errors
/// As [`open`]; and where no test part is there and none is stated.
pub fn open_with(source: &str, options: &OpenOptions) -> Result<Opened, DataError> {
    open_as(&mut Context::new(options), source, Alone::Refused)
}

/// [`open_with`], to measure a saved model that learned from pixels of a range: images without
/// parts are a test part.
///
/// # Errors
/// As [`open`].
pub fn open_to_evaluate(
    source: &str,
    options: &OpenOptions,
    learned: Option<[f64; 2]>,
) -> Result<Opened, DataError> {
    let mut context = Context::new(options);
    context.learned = learned;
    open_as(&mut context, source, Alone::Test)
}

/// A dataset with its images, or the files that they are in.
pub enum Listed {
    /// The images are files, and none of them was decoded.
    Files(Box<LabelledFiles>),
    /// The images are numbers in arrays, tables or IDX files, or built in.
    Pixels(Box<Opened>),
}

/// [`open_to_evaluate`], without decoding images that are files: of the options, those on
/// size, fit and colour are then of no use.
///
/// # Errors
/// As [`open`]; an image that cannot be decoded is none.
pub fn open_listed(
    source: &str,
    options: &OpenOptions,
    learned: Option<[f64; 2]>,
) -> Result<Listed, DataError> {
    let mut context = Context::new(options);
    context.learned = learned;
    context.lists = true;
    let opened = open_as(&mut context, source, Alone::Test)?;
    Ok(match context.listed {
        Some(reader) => {
            let files = LabelledFiles::new(opened.dataset, opened.notes, reader);
            Listed::Files(Box::new(files))
        }
        None => Listed::Pixels(Box::new(opened)),
    })
}

fn open_as(context: &mut Context<'_>, source: &str, alone: Alone) -> Result<Opened, DataError> {
    let options = context.options;
    if let Some(builtin) = builtins().iter().find(|builtin| builtin.name == source) {
        if let Some(most) = options.pixel_max {
            return Err(DataError::invalid(Path::new(source), no_range(most)));
        }
        if options.test_fraction.is_some() {
            context.note(
                "the data have a test part of their own, which is used: the stated fraction is not",
            );
        }
        return Ok(Opened {
            dataset: converted(builtin.open()?, options)?,
            notes: std::mem::take(&mut context.notes),
        });
    }
    let downloaded = downloaded(source);
    let path = downloaded.as_deref().unwrap_or(Path::new(source));
    if let Err(problem) = fs::metadata(path) {
        // A word alone is more likely a misspelt name than a path.
        return Err(match path.components().count() < 2 {
            true => unknown_name(source),
            false => DataError::unreadable(path)(problem),
        });
    }
    let listing = Listing::open(path)?;
    let (listing, format) = find(&listing, context)?;
    let raw = (format.open)(&listing, context)?;
    let special = listing.special();
    if !special.is_empty() {
        context.note(format!(
            "what is neither a file nor a folder (named pipes, sockets, devices) is left out: {}",
            some(&special)
        ));
    }
    if let (Some(most), None) = (options.pixel_max, context.range) {
        return Err(DataError::invalid(listing.path(), no_range(most)));
    }
    let dataset = finish(&listing, raw, alone, context)?;
    Ok(Opened {
        dataset: dataset.with_pixel_range(context.range),
        notes: std::mem::take(&mut context.notes),
    })
}

/// Images that are not read as numbers have a white of their own.
fn no_range(stated: f64) -> String {
    format!(
        "--pixel-max {stated} is for tables and arrays of numbers, and these are images of 8 or 16 bits, whose white is 255 or 65535: leave it out, and save images of other bits so that their white is that"
    )
}

/// How many folders of one folder each are entered.
const DEPTH: usize = 4;

/// The format of a folder, or of the only folder or archive in it.
fn find(
    listing: &Listing,
    context: &mut Context<'_>,
) -> Result<(Listing, &'static Format), DataError> {
    let mut here = listing.clone();
    for _ in 0..=DEPTH {
        if let Some(note) = here.left_out() {
            context.note(note);
        }
        if let Some(format) = FORMATS.iter().find(|format| (format.recognises)(&here)) {
            if here.path() != listing.path() {
                context.note(format!("the data are in {}", here.path().display()));
            }
            return Ok((here, format));
        }
        if let Some(inside) = packed_whole(&here)? {
            here = inside;
            continue;
        }
        if let Some(problem) = named_only(&here) {
            return Err(problem);
        }
        if let Some(file) = here.nested_archive() {
            let problem =
                "this is an archive within an archive, which is not read: unpack the outer one";
            return Err(DataError::invalid(&here.path_of(file), problem));
        }
        if let Some(file) = here.empty_file() {
            return Err(DataError::invalid(&here.path_of(file), "the file is empty"));
        }
        let archives: Vec<&str> = here.files().filter(|file| here.is_archive(file)).collect();
        match archives.as_slice() {
            [] => {}
            [file] => {
                let beside: Vec<&str> = here.folders().collect();
                if !beside.is_empty() {
                    context.note(format!(
                        "the data are read from the archive; folders beside it are left out: {}",
                        some(&beside)
                    ));
                }
                here = here.archive(file)?;
                continue;
            }
            files => {
                let problem = format!(
                    "{} are archives: name the one that is meant, or unpack them into one folder, if they are parts of one dataset",
                    some(files)
                );
                return Err(DataError::invalid(here.path(), problem));
            }
        }
        let only: Vec<String> = here.folders().take(2).map(String::from).collect();
        let [only] = only.as_slice() else { break };
        if here.files().any(|file| here.is_picture(file)) {
            break;
        }
        here = here.inside(only)?;
    }
    Err(DataError::Unrecognised {
        path: listing.path().into(),
        contents: listing.contents(),
    })
}

/// The folder that is all there is, as in a zip of a folder, if its format is known.
fn packed_whole(here: &Listing) -> Result<Option<Listing>, DataError> {
    let only: Vec<&str> = here.folders().take(2).collect();
    let ([only], None) = (only.as_slice(), here.files().next()) else {
        return Ok(None);
    };
    let inside = here.inside(only)?;
    let is_known = FORMATS.iter().any(|format| (format.recognises)(&inside));
    Ok(is_known.then_some(inside))
}

fn unknown_name(name: &str) -> DataError {
    if downloads().iter().any(|download| download.name == name) {
        return DataError::NotDownloaded { name: name.into() };
    }
    DataError::UnknownName {
        name: name.into(),
        builtins: builtins().iter().map(|builtin| builtin.name).collect(),
        downloads: downloads().iter().map(|download| download.name).collect(),
    }
}

#[cfg(test)]
mod tests;
