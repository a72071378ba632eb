//! Archives, images without labels, what is named only, and damaged bytes.

use std::{fs, io::Write as _};

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
