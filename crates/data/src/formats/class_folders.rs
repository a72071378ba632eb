//! Images sorted into folders: `train/CLASS/*.png` and `test/CLASS/*.png`, or `CLASS/*.png`.
//!
//! The folders in `train` are the classes, in the order of their names; whole numbers
//! are ordered as numbers. Every class of `test` must be one of them. Images may lie deeper
//! (`CLASS/images/`), and so may the classes (`seg_train/seg_train/CLASS`).
//!
//! Classes without parts need a stated split: drawing one here would make the score of a model
//! depend on which files happen to lie in the folder.

use std::path::PathBuf;

use crate::{
    archive::join,
    context::Context,
    error::DataError,
    format::Format,
    listing::Listing,
    parts::{Labels, Part, Raw},
    picture_files::{LeftOut, Picture, is_picture, read_parts},
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
    let named = listing.folders().any(|folder| Role::of(folder).is_some());
    match named {
        true => listing
            .folders()
            .filter(|folder| Role::of(folder).is_some())
            .any(|folder| has_classes(listing, folder)),
        false => is_flat(listing),
    }
}

/// Whether the folder of a part has folders.
fn has_classes(listing: &Listing, folder: &str) -> bool {
    listing
        .inside(folder)
        .is_ok_and(|inside| inside.folders().next().is_some())
}

/// Whether the folders are classes: two or more of them have images.
fn is_flat(listing: &Listing) -> bool {
    let with_images = listing.folders().filter(|folder| {
        listing
            .inside(folder)
            .is_ok_and(|inside| has_pictures(&inside, 2))
    });
    with_images.take(2).count() == 2
}

fn has_pictures(listing: &Listing, depth: usize) -> bool {
    listing.files().any(is_picture)
        || (depth > 0
            && listing.folders().take(20).any(|folder| {
                listing
                    .inside(folder)
                    .is_ok_and(|inside| has_pictures(&inside, depth - 1))
            }))
}

/// The folder of a part's classes, from the dataset's.
struct Root {
    role: Role,
    listing: Listing,
    folder: String,
}

/// Opens the folder.
fn open(listing: &Listing, context: &mut Context<'_>) -> Result<Raw, DataError> {
    let parts = listing
        .folders()
        .filter(|folder| Role::of(folder).is_some());
    let named = ByRole::find(listing, parts)?;
    let mut roots = Vec::new();
    for role in Role::ALL {
        if let Some(folder) = named.get(role) {
            roots.push(class_root(listing, role, folder)?);
        }
    }
    match roots.first() {
        None => roots.push(Root {
            role: Role::Train,
            listing: listing.clone(),
            folder: String::new(),
        }),
        Some(first) if first.role != Role::Train => {
            return Err(listing.missing("a folder train with a folder for each class"));
        }
        Some(_) => {
            let others: Vec<&str> = listing
                .folders()
                .filter(|folder| Role::of(folder).is_none())
                .collect();
            if !others.is_empty() {
                context.note(format!(
                    "folders whose names say no part are left out: {}",
                    crate::notes::some(&others)
                ));
            }
        }
    }
    let classes = classes(&roots[0].listing)?;
    let mut left_out = LeftOut::default();
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
    let images = read_parts(listing, &files, context)?;
    let names: (PathBuf, Vec<String>) = (roots[0].listing.path().into(), classes);
    let mut raw = Raw {
        names: Some(names),
        ..Raw::default()
    };
    for ((root, images), values) in roots.into_iter().zip(images).zip(labels) {
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
        if root.listing.files().any(is_picture) {
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
) -> Result<(Vec<Picture>, Vec<u16>), DataError> {
    let (mut pictures, mut labels) = (Vec::new(), Vec::new());
    for file in root.listing.files() {
        left_out.add(file);
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
        pictures.extend(files.into_iter().map(Picture::File));
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
        match is_picture(file) {
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
mod tests {
    use std::fs;

    use bakeoff_core::{Dataset, ImageShape, Samples};
    use tempfile::TempDir;

    use super::*;

    fn png(value: u8, side: usize) -> Vec<u8> {
        bakeoff_picture::encode_png(ImageShape::new(1, side, side), &vec![value; side * side])
            .unwrap()
    }

    /// A folder with images of 3×3, all of the grey level given.
    fn folder(files: &[(&str, u8)]) -> TempDir {
        let dir = TempDir::new().unwrap();
        for (name, value) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, png(*value, 3)).unwrap();
        }
        dir
    }

    const GOOD: [(&str, u8); 5] = [
        ("train/cat/b.png", 2),
        ("train/cat/a.PNG", 1),
        ("train/ant/c.png", 3),
        ("test/ant/d.png", 4),
        ("test/cat/e.png", 5),
    ];

    fn open_dir(dir: &TempDir) -> Result<Dataset, DataError> {
        crate::open(dir.path().to_str().unwrap())
    }

    #[test]
    fn folders_are_classes() {
        let dir = folder(&GOOD);
        fs::write(dir.path().join("train/cat/notes.txt"), "not an image").unwrap();
        let dataset = open_dir(&dir).unwrap();
        assert_eq!(dataset.train().class_names(), ["ant", "cat"]);
        assert_eq!(dataset.train().labels(), [0, 1, 1]);
        assert_eq!(dataset.test().labels(), [0, 1]);
        let first = |samples: &Samples| -> Vec<u8> {
            samples.images().iter().map(|pixels| pixels[0]).collect()
        };
        assert_eq!(first(dataset.train()), [3, 1, 2]);
        assert_eq!(first(dataset.test()), [4, 5]);
    }

    #[test]
    fn numbers_are_ordered_as_numbers() {
        let dir = folder(&[
            ("train/10/a.png", 1),
            ("train/9/b.png", 2),
            ("test/10/c.png", 3),
        ]);
        let dataset = open_dir(&dir).unwrap();
        assert_eq!(dataset.train().class_names(), ["9", "10"]);
        assert_eq!(dataset.test().labels(), [1]);
    }

    #[test]
    fn what_makes_no_dataset_is_refused_by_name() {
        let one = folder(&[("train/cat/a.png", 1), ("test/cat/b.png", 2)]);
        let message = open_dir(&one).unwrap_err().to_string();
        assert!(message.contains("train: 1 class(es)"), "{message}");
        let other = folder(&[GOOD[0], GOOD[2], ("test/Cat/b.png", 2)]);
        let message = open_dir(&other).unwrap_err().to_string();
        assert!(message.contains("Cat: no training images"), "{message}");
        let empty = folder(&[GOOD[0], GOOD[2]]);
        fs::create_dir_all(empty.path().join("test/cat")).unwrap();
        let message = open_dir(&empty).unwrap_err().to_string();
        assert!(message.contains("test: there are no images"), "{message}");
    }

    #[test]
    fn an_unreadable_picture_is_named() {
        let dir = folder(&GOOD);
        let path = dir.path().join("test/cat/e.png");
        fs::write(&path, &png(1, 3)[..30]).unwrap();
        let message = open_dir(&dir).unwrap_err().to_string();
        assert!(
            message.contains("e.png") && message.contains("damaged"),
            "{message}"
        );
        fs::write(&path, png(1, 4)).unwrap();
        let message = open_dir(&dir).unwrap_err().to_string();
        assert!(message.contains("e.png: 4×4"), "{message}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(dir.path().join("test/cat/f.png"), b"").unwrap();
        let message = open_dir(&dir).unwrap_err().to_string();
        assert!(
            message.contains("f.png") && message.contains("empty"),
            "{message}"
        );
    }
}
