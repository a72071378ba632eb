//! Image files with their labels, not decoded.

use std::{collections::BTreeMap, path::Path};

use bakeoff_core::OpenOptions;
use bakeoff_data::{FilePart, LabelledFiles, Listed, open_listed, open_to_evaluate};

use crate::support::*;

fn listed(path: &Path, options: &OpenOptions) -> LabelledFiles {
    match open_listed(path.to_str().unwrap(), options, None).unwrap() {
        Listed::Files(files) => *files,
        Listed::Pixels(_) => panic!("{} has files", path.display()),
    }
}

/// The bytes and the name of the class of each file of a part.
fn content(files: &LabelledFiles, part: FilePart<'_>) -> BTreeMap<String, (Vec<u8>, String)> {
    let labelled = part.files.iter().zip(part.labels);
    let labelled = labelled.map(|(file, &label)| {
        let bytes = files.read(file).unwrap().into_owned();
        let class = files.class_names()[usize::from(label)].clone();
        (file.clone(), (bytes, class))
    });
    labelled.collect()
}

/// What is listed is what is read: the same files, labels and classes in each part, and decoding
/// nothing changes nothing of that.
#[test]
fn files_are_listed_as_they_are_read() {
    let folder = class_folders(&[("train", 4), ("test", 2)], "images/");
    let table = Folder::new();
    let mut rows = String::from("file,label\n");
    for i in 0..6 {
        table.put(&format!("{i}.png"), png(i));
        rows += &format!("{i}.png,{}\n", ["cat", "dog"][i % 2]);
    }
    table.put("labels.csv", rows);
    for folder in [&folder, &table] {
        let (_kept, archives) = archives(folder);
        let paths = [folder.path().to_path_buf()].into_iter().chain(archives);
        let options = plain();
        let stated = OpenOptions {
            test_fraction: Some(0.5),
            ..plain()
        };
        let mut found = Vec::new();
        for path in paths {
            for options in [&options, &stated] {
                let opened = open_to_evaluate(path.to_str().unwrap(), options, None).unwrap();
                let files = listed(&path, options);
                let dataset = opened.dataset;
                for (samples, part) in [
                    (dataset.train(), files.train()),
                    (dataset.test(), files.test()),
                ] {
                    assert_eq!(samples.labels(), part.labels);
                    assert_eq!(samples.files().unwrap_or_default(), part.files);
                }
                assert_eq!(dataset.test().class_names(), files.class_names());
                assert_eq!(dataset.name(), files.name());
                assert_eq!(opened.notes, files.notes());
            }
            let files = listed(&path, &options);
            let inside: BTreeMap<_, _> = content(&files, files.test());
            found.push(inside);
        }
        // A folder, and the same in a zip and in a tar.
        assert!(!found[0].is_empty());
        assert!(found.windows(2).all(|pair| {
            let bytes = |at: usize| pair[at].values().cloned().collect::<Vec<_>>();
            bytes(0) == bytes(1)
        }));
    }
}

#[test]
fn sizes_that_differ_and_damaged_images_are_no_matter() {
    let folder = Folder::new();
    folder
        .put("a.png", png(0))
        .put("b.png", &png(1)[..20])
        .put("c.png", b"no image")
        .put("labels.csv", "file,label\na.png,x\nb.png,y\nc.png,x\n");
    let files = listed(folder.path(), &plain());
    assert_eq!(files.test().files, ["a.png", "b.png", "c.png"]);
    assert_eq!(files.test().labels, [0, 1, 0]);
    assert_eq!(*files.read("c.png").unwrap(), b"no image"[..]);
    assert!(files.read("d.png").is_err());
}

#[test]
fn arrays_and_what_is_built_in_are_no_files() {
    let images = |count: usize| idx(&[count, 6, 6], &vec![value(1); 36 * count]);
    let folder = idx_folder("", images, 0);
    for source in [folder.path().to_str().unwrap(), "mnist"] {
        let opened = open_listed(source, &OpenOptions::default(), None).unwrap();
        assert!(matches!(opened, Listed::Pixels(_)), "{source}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn rows_of_parquet_have_names_and_bytes() {
    let folder = Folder::new();
    for part in ["train", "test"] {
        let file = format!("{part}-00000-of-00001.parquet");
        folder.put(&format!("data/{file}"), fixture(&format!("hub-{file}")));
    }
    let files = listed(folder.path(), &plain());
    let test = files.test();
    assert!(test.files[0].ends_with("row 0"), "{:?}", test.files);
    for file in test.files {
        let bytes = files.read(file).unwrap();
        assert!(bakeoff_picture::RawPicture::decode(&bytes).is_ok());
    }
}
