//! Archives, images without labels, what is named only, and damaged bytes.

use std::{
    fs,
    io::{Read as _, Write as _},
};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use crate::support::*;

#[test]
fn archives_are_read_in_place() {
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    let of_folder = folder.open(&plain()).unwrap().dataset;
    let (out, paths) = archives(&folder);
    for path in &paths {
        let opened = open(path, &plain()).unwrap();
        assert_eq!(opened.dataset.fingerprint(), of_folder.fingerprint());
        assert_eq!(opened.dataset.name(), "packed");
    }
    refused(
        open(out.path(), &plain()),
        &["packed.tar.gz, packed.zip are archives", "name the one"],
    );
    fs::remove_file(&paths[1]).unwrap();
    reads(open(out.path(), &plain()), GREY, &["packed.zip"]);
    // A gzip stream of zeros is a thousandth of what it unpacks to.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 300 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    let folder = Folder::new();
    folder.put("train.csv.gz", &bomb).put("test.csv.gz", &bomb);
    refused(folder.open(&plain()), &["200 times its size"]);
    for cut in [100, fs::metadata(&paths[0]).unwrap().len() as usize / 2] {
        let bytes = fs::read(&paths[0]).unwrap();
        folder.put("cut.zip", &bytes[..cut.min(bytes.len())]);
        refused(
            open(&folder.path().join("cut.zip"), &plain()),
            &["cut.zip", "damaged"],
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_do_not_panic(at in 0_usize..2000, byte: u8, cut in 0_usize..2000) {
        let table = table(Some(format!("id,{},label", names("p"))), 4, |i, label, pixels| {
            format!("{i},{},{label}", pixels.join(","))
        });
        let folder = class_folders(&[("train", 4), ("test", 2)], "");
        let (_out, [zip, tar]) = archives(&folder);
        for (name, bytes) in [
            ("t.csv", table.into_bytes()),
            ("a.npz", fixture("keras.npz")),
            ("a.pkl.gz", fixture("pairs.pkl.gz")),
            ("a.zip", fs::read(zip).unwrap()),
            ("a.tar.gz", fs::read(tar).unwrap()),
        ] {
            let mut bytes = bytes;
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let folder = Folder::new();
            folder.put(name, &bytes);
            let _ = open(&folder.path().join(name), &plain());
            folder.put(name, &bytes[..cut.min(bytes.len())]);
            let _ = open(&folder.path().join(name), &plain());
        }
    }
}

#[test]
fn images_without_labels_are_named() {
    let folder = Folder::new();
    folder
        .put("train/cat.0.png", png(0))
        .put("test/dog.0.png", png(1));
    refused(
        folder.open(&plain()),
        &["test, train", "labels.csv", "folder for each class"],
    );
}

#[test]
fn what_is_not_read_is_named_with_a_conversion() {
    for (file, bytes, words) in [
        ("train.tfrecord", &b"\0"[..], ["TFRecord", "numpy.savez"]),
        (
            "digits.db",
            b"SQLite format 3\0",
            ["SQLite", "folder for each class"],
        ),
        ("mnist.arff", b"@RELATION m\n", ["ARFF", "CSV"]),
        (
            "train_32x32.mat",
            b"MATLAB 5.0 MAT-file",
            ["MATLAB", "scipy.io.loadmat"],
        ),
        ("data.h5", b"\x89HDF\r\n\x1a\n", ["HDF5", "h5py"]),
        ("data.7z", b"7z\xbc\xaf\x27\x1c", ["7-Zip", "zip"]),
        ("000.cls", b"3", ["webdataset", "folder for each class"]),
    ] {
        let folder = Folder::new();
        folder.put(file, bytes);
        refused(folder.open(&plain()), &[file, words[0], words[1]]);
    }
}

#[test]
fn what_an_archive_holds_and_is_not_read_is_said() {
    let folder = class_folders(&[("train", 4), ("test", 2)], "");
    let (out, [zip, tar_gz]) = archives(&folder);
    // A zip with a name twice: the directory at its end is written again with one entry more.
    let mut bytes = fs::read(&zip).unwrap();
    let end = bytes.len() - 22;
    let count = u16::from_le_bytes([bytes[end + 10], bytes[end + 11]]) + 1;
    bytes[end + 10..end + 12].copy_from_slice(&count.to_le_bytes());
    fs::write(&zip, bytes).unwrap();
    assert!(open(&zip, &plain()).is_err());
    // A tar whose test part is a hard link, with a path that points out of it and a symbolic link.
    let mut packed = Vec::new();
    flate2::read::GzDecoder::new(&fs::read(&tar_gz).unwrap()[..])
        .read_to_end(&mut packed)
        .unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    let mut first = None;
    for entry in tar::Archive::new(&packed[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let mut header = entry.header().clone();
        builder.append_data(&mut header, &path, &bytes[..]).unwrap();
        first.get_or_insert(path);
    }
    let first = first.unwrap();
    let link = first.with_file_name("link.png");
    for (kind, path, target) in [
        (tar::EntryType::Link, link.as_path(), first.as_path()),
        (
            tar::EntryType::Symlink,
            std::path::Path::new("soft.png"),
            first.as_path(),
        ),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        builder.append_link(&mut header, path, target).unwrap();
    }
    let path = out.path().join("links.tar");
    fs::write(&path, builder.into_inner().unwrap()).unwrap();
    let opened = open(&path, &plain()).unwrap();
    let all = open(&tar_gz, &plain()).unwrap().dataset;
    let count = |dataset: &bakeoff_core::Dataset| dataset.train().len() + dataset.test().len();
    assert_eq!(count(&opened.dataset), count(&all) + 1);
    let notes: Vec<String> = opened.notes.iter().map(ToString::to_string).collect();
    let said = "entries of the archive are left out (links: 1)";
    assert!(notes.iter().any(|note| note == said), "{notes:?}");
}
