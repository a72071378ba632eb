//! Images sorted into folders: `train/CLASS/*.png` and `test/CLASS/*.png`.
//!
//! The folders in `train` are the classes, in the order of their names; whole numbers
//! are ordered as numbers. Every class of `test` must be one of them.
//!
//! Rejected: a folder of classes without `train` and `test`. Somebody has to say which
//! images a model may learn from; drawing that split here would make the score of a
//! model depend on which files happen to lie in the folder.

use std::path::PathBuf;

use bakeoff_core::{Dataset, Images};

use crate::{
    error::DataError,
    format::Format,
    listing::Listing,
    parts::{Labels, Part, dataset},
    picture_files::read_all,
};

pub(super) const FORMAT: Format = Format {
    name: "class-folders",
    expects: "a folder with train/CLASS/ and test/CLASS/, each with images (PNG or JPEG, of one size)",
    recognises,
    open,
};

const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 2] = ["test", "testing"];

/// Endings of the files that are read; others, such as notes, are left alone.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Whether both parts are there.
fn recognises(listing: &Listing) -> bool {
    part(listing, &TRAIN).is_some() && part(listing, &TEST).is_some()
}

fn part<'a>(listing: &'a Listing, names: &[&str]) -> Option<&'a str> {
    listing
        .folders()
        .find(|folder| names.contains(&folder.to_lowercase().as_str()))
}

/// Opens the folder.
fn open(listing: &Listing) -> Result<Dataset, DataError> {
    let inside = |names: &[&str]| {
        // `recognises` has found both.
        let folder = part(listing, names).unwrap_or(names[0]);
        Listing::new(&listing.path().join(folder))
    };
    let (train, test) = (inside(&TRAIN)?, inside(&TEST)?);
    let classes = classes(&train)?;
    let (mut paths, train_labels) = pictures(&train, &classes)?;
    let (test_paths, test_labels) = pictures(&test, &classes)?;
    paths.extend(test_paths);
    for (part, labels) in [(&train, &train_labels), (&test, &test_labels)] {
        if labels.is_empty() {
            return Err(DataError::no_pictures(part.path()));
        }
    }
    // Together, because one image with a colour makes all of them RGB.
    let images = read_all(&paths)?;
    let (first, second) = images
        .pixels()
        .split_at(train_labels.len() * images.shape().pixels());
    let part = |folder: &Listing, pixels: &[u8], values| {
        let path = folder.path().to_path_buf();
        let images = Images::new(images.shape(), pixels.to_vec());
        Ok(Part {
            images: images.map_err(|_| DataError::no_pictures(&path))?,
            labels: Labels {
                path: path.clone(),
                values,
                unit: "file",
                first: 1,
            },
            path,
        })
    };
    let train_part = part(&train, first, train_labels)?;
    let test_part = part(&test, second, test_labels)?;
    let names = Some((train.path().into(), classes));
    dataset(
        listing.path(),
        &listing.name(),
        train_part,
        test_part,
        names,
    )
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
fn pictures(part: &Listing, classes: &[String]) -> Result<(Vec<PathBuf>, Vec<u16>), DataError> {
    let (mut paths, mut labels) = (Vec::new(), Vec::new());
    for folder in part.folders() {
        let path = part.path().join(folder);
        let place = classes.iter().position(|class| class == folder);
        let Some(label) = place.and_then(|place| u16::try_from(place).ok()) else {
            let problem = "no training images have this class: is its name different there?";
            return Err(DataError::invalid(&path, problem));
        };
        let inside = Listing::new(&path)?;
        for file in inside.files() {
            let ending = file
                .rsplit_once('.')
                .map(|(_, ending)| ending.to_lowercase());
            if ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
                paths.push(path.join(file));
                labels.push(label);
            }
        }
    }
    Ok((paths, labels))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bakeoff_core::{ImageShape, Samples};
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
