//! Images sorted into folders: `train/CLASS/*.png` and `test/CLASS/*.png`, or `CLASS/*.png`.
//!
//! The folders in `train` are the classes, in the order of their names; whole numbers
//! are ordered as numbers. Every class of `test` must be one of them. Images may lie deeper
//! (`CLASS/images/`), and so may the classes (`seg_train/seg_train/CLASS`).
//!
//! Classes without parts need a stated split: drawing one here would make the score of a model
//! depend on which files happen to lie in the folder.

mod flat;

use std::path::PathBuf;

use self::flat::{check_flat, is_flat};
use crate::{
    archive::join,
    context::Context,
    endings::is_picture,
    error::DataError,
    format::Format,
    listing::Listing,
    notes::some,
    parts::{Labels, Part, Raw},
    picture_files::{LeftOut, Picture, read_parts},
    words::{ByRole, Role},
};

pub(super) const FORMAT: Format = Format {
    name: "class-folders",
    expects: "a folder with train/CLASS/ and test/CLASS/ (and perhaps val/CLASS/), each with images; or CLASS/ folders alone, with a stated split",
    recognises,
    open,
};

/// Images may be this many folders below that of their class.
const DEPTH: usize = 6;

/// Whether there are folders of classes.
fn recognises(listing: &Listing) -> bool {
    has_parts(listing) || is_flat(listing)
}

/// Whether a folder that is named as a part has folders of classes.
fn has_parts(listing: &Listing) -> bool {
    let mut parts = listing
        .folders()
        .filter(|folder| Role::of(folder).is_some());
    parts.any(|folder| has_classes(listing, folder))
}

/// Whether the folder of a part has folders.
fn has_classes(listing: &Listing, folder: &str) -> bool {
    // A folder that cannot be read is, so that opening it says why.
    let inside = listing.inside(folder);
    inside.map_or(true, |inside| inside.folders().next().is_some())
}

/// The folder of a part's classes, from the dataset's.
struct Root {
    role: Role,
    listing: Listing,
    folder: String,
}

/// Opens the folder.
fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let named = match has_parts(listing) {
        true => ByRole::find(listing, listing.folders())?,
        false => ByRole::default(),
    };
    let mut left_out = LeftOut::default();
    let mut roots = Vec::new();
    for role in Role::ALL {
        if let Some(folder) = named.get(role) {
            roots.push(class_root(listing, role, folder)?);
        }
    }
    match roots.first() {
        None => {
            check_flat(listing, context)?;
            roots.push(Root {
                role: Role::Train,
                listing: listing.clone(),
                folder: String::new(),
            });
        }
        Some(_) => {
            for file in listing.files().filter(|file| is_picture(file)) {
                left_out.add_stray(file.into());
            }
            let others: Vec<&str> = listing
                .folders()
                .filter(|folder| Role::of(folder).is_none())
                .collect();
            if !others.is_empty() {
                context.note(format!(
                    "folders whose names say no part are left out: {}",
                    some(&others)
                ));
            }
        }
    }
    let classes = classes(&roots[0].listing)?;
    let mut files = Vec::with_capacity(roots.len());
    let mut labels = Vec::with_capacity(roots.len());
    for root in &roots {
        let (found, values) = pictures(root, &classes, &mut left_out)?;
        if values.is_empty() {
            return Err(DataError::no_pictures(root.listing.path()));
        }
        files.push(found);
        labels.push(values);
    }
    left_out.say(context);
    // Together, because one image with a colour makes all of them RGB.
    let pictures: Vec<Vec<Picture>> = files
        .iter()
        .map(|files| files.iter().cloned().map(Picture::File).collect())
        .collect();
    let images = read_parts(listing, pictures, context)?;
    let names: (PathBuf, Vec<String>) = (roots[0].listing.path().into(), classes);
    let mut raw = Raw {
        names: Some(names),
        ..Raw::default()
    };
    for (((root, images), values), files) in roots.into_iter().zip(images).zip(labels).zip(files) {
        let path = root.listing.path().to_path_buf();
        let part = Some(Part {
            images,
            labels: Labels {
                path: path.clone(),
                values,
                unit: "file",
                first: 1,
            },
            groups: None,
            files: Some(files),
            path,
        });
        match root.role {
            Role::Train => raw.train = part,
            Role::Validation => raw.validation = part,
            Role::Test => raw.test = part,
        }
    }
    Ok(raw)
}

/// The folder whose folders are the classes of a part: a folder alone in it that has folders
/// itself is no class.
fn class_root(listing: &Listing, role: Role, folder: &str) -> Result<Root, DataError> {
    let mut root = Root {
        role,
        listing: listing.inside(folder)?,
        folder: folder.into(),
    };
    for _ in 0..DEPTH {
        let only: Vec<String> = root.listing.folders().take(2).map(String::from).collect();
        let [only] = only.as_slice() else { break };
        if root
            .listing
            .files()
            .any(|file| root.listing.is_picture(file))
        {
            break;
        }
        let inside = root.listing.inside(only)?;
        if inside.folders().take(2).count() < 2 {
            break;
        }
        root.folder = join(&root.folder, only);
        root.listing = inside;
    }
    Ok(root)
}

/// The names of the classes, in their order.
fn classes(train: &Listing) -> Result<Vec<String>, DataError> {
    let mut names: Vec<String> = train.folders().map(String::from).collect();
    if names.iter().all(|name| name.parse::<u16>().is_ok()) {
        names.sort_by_key(|name| name.parse::<u16>().unwrap_or_default());
    }
    if !(2..=usize::from(u16::MAX) + 1).contains(&names.len()) {
        let problem = format!(
            "{} class(es), one for each folder: a classifier needs 2 to 65536. It holds {}",
            names.len(),
            train.contents()
        );
        return Err(DataError::invalid(train.path(), problem));
    }
    Ok(names)
}

/// The images of one part and their labels, class by class, in the order of their names.
fn pictures(
    root: &Root,
    classes: &[String],
    left_out: &mut LeftOut,
) -> Result<(Vec<String>, Vec<u16>), DataError> {
    let (mut pictures, mut labels) = (Vec::new(), Vec::new());
    for file in root.listing.files() {
        match is_picture(file) {
            true => left_out.add_stray(join(&root.folder, file)),
            false => left_out.add(file),
        }
    }
    for folder in root.listing.folders() {
        let place = classes.iter().position(|class| class == folder);
        let Some(label) = place.and_then(|place| u16::try_from(place).ok()) else {
            let problem = "no training images have this class: is its name different there?";
            return Err(DataError::invalid(&root.listing.path_of(folder), problem));
        };
        let mut files = Vec::new();
        let inside = root.listing.inside(folder)?;
        walk(
            &inside,
            &join(&root.folder, folder),
            DEPTH,
            &mut files,
            left_out,
        )?;
        labels.extend(std::iter::repeat_n(label, files.len()));
        pictures.extend(files);
    }
    Ok((pictures, labels))
}

/// The images of a folder and of those in it, as paths from the dataset's folder.
fn walk(
    listing: &Listing,
    path: &str,
    depth: usize,
    files: &mut Vec<String>,
    left_out: &mut LeftOut,
) -> Result<(), DataError> {
    for file in listing.files() {
        match listing.is_picture(file) {
            true => files.push(join(path, file)),
            false => left_out.add(file),
        }
    }
    for folder in listing.folders() {
        if depth == 0 {
            let problem =
                "images are looked for six folders below that of their class, and no deeper";
            return Err(DataError::invalid(listing.path(), problem));
        }
        walk(
            &listing.inside(folder)?,
            &join(path, folder),
            depth - 1,
            files,
            left_out,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
