//! IDX, NumPy, batches of CIFAR, pickles and parquet.

use std::fs;

use bakeoff_core::{ImageShape, OpenOptions};

use crate::support::*;

#[test]
fn idx_in_its_shapes() {
    let of = |count: usize, dims: &[usize]| {
        let each: usize = dims.iter().product();
        let data: Vec<u8> = (0..count).flat_map(|i| vec![value(i); each]).collect();
        idx(&[&[count], dims].concat(), &data)
    };
    let grey = |count| of(count, &[6, 6]);
    reads(idx_folder("", grey, 0).open(&plain()), GREY, &[]);
    reads(
        idx_folder("MNIST/raw/", grey, 0).open(&plain()),
        GREY,
        &["MNIST/raw"],
    );
    reads(
        idx_folder("", |count| of(count, &[3, 6, 6]), 0).open(&plain()),
        [3, 6, 6],
        &[],
    );
    reads(
        idx_folder("", |count| of(count, &[6, 6, 3]), 0).open(&plain()),
        [3, 6, 6],
        &[],
    );
    let opened = reads(
        idx_folder("", grey, 1).open(&plain()),
        GREY,
        &["no class 0"],
    );
    assert_eq!(opened.dataset.train().class_names(), ["1", "2"]);
    let folder = idx_folder("emnist-letters-", |count| of(count, &[6, 5]), 1);
    folder.put("emnist-letters-mapping.txt", "1 65 97\n2 66 98\n3 67 99\n");
    let opened = reads(
        folder.open(&plain()),
        [1, 5, 6],
        &["mapping file", "exchanged"],
    );
    assert_eq!(opened.dataset.train().class_names(), ["Aa", "Bb"]);
}

#[test]
fn arrays_of_numpy() {
    for (name, shape, validation) in [
        ("keras.npz", GREY, false),
        ("medmnist.npz", [3, 6, 6], true),
    ] {
        let folder = Folder::new();
        folder.put(name, fixture(name));
        let opened = reads(folder.open(&plain()), shape, &[]);
        assert_eq!(opened.dataset.validation().is_some(), validation);
        reads(open(&folder.path().join(name), &plain()), shape, &[]);
    }
}

#[test]
fn an_npy_file_for_each_class() {
    let folder = Folder::new();
    folder
        .put("cat.npy", npy("4, 36", &[9; 144]))
        .put("dog.npy", npy("4, 36", &[99; 144]));
    let stated = OpenOptions {
        test_fraction: Some(0.5),
        ..plain()
    };
    let opened = folder.open(&stated).unwrap();
    assert!(
        opened.notes[0].text().contains("taken as a class"),
        "{:?}",
        opened.notes
    );
    let test = opened.dataset.test();
    assert_eq!(
        (test.class_counts(), test.class_names()),
        (vec![2, 2], &["cat".into(), "dog".into()][..])
    );
    assert_eq!(test.images().shape(), ImageShape::new(1, 6, 6));
    // Pairs of files, as Keras' arrays and KMNIST's are saved.
    let folder = Folder::new();
    for (part, count) in [("train", 4), ("test", 2)] {
        let pixels: Vec<u8> = (0..count).flat_map(|i| [value(i); 36]).collect();
        let labels: Vec<u8> = (0..count).map(|i| i as u8 % 2).collect();
        folder.put(
            &format!("{part}-imgs.npy"),
            npy(&format!("{count}, 6, 6"), &pixels),
        );
        folder.put(
            &format!("{part}-labels.npy"),
            npy(&format!("{count},"), &labels),
        );
    }
    reads(folder.open(&plain()), GREY, &[]);
    fs::remove_file(folder.path().join("test-labels.npy")).unwrap();
    refused(folder.open(&plain()), &["test part has no array of labels"]);
}

#[test]
fn batches_of_cifar_and_pickles() {
    let folder = Folder::new();
    for protocol in [2, 4] {
        folder.put("data_batch_1", fixture(&format!("cifar-{protocol}")));
        folder
            .put("test_batch", fixture(&format!("cifar-{protocol}")))
            .put("batches.meta", fixture("cifar-meta"));
        let dataset = folder.open(&plain()).unwrap().dataset;
        check(dataset.train(), 4, ImageShape::new(3, 32, 32));
        check(dataset.test(), 4, ImageShape::new(3, 32, 32));
        assert_eq!(dataset.test().class_names(), ["cat", "dog"]);
    }
    for (before, train, test) in [
        (1, "data_batch_1.bin", "test_batch.bin"),
        (2, "train.bin", "test.bin"),
    ] {
        let batch = |count: usize| -> Vec<u8> {
            (0..count)
                .flat_map(|i| {
                    [vec![9; before - 1], vec![i as u8 % 2], vec![value(i); 3072]].concat()
                })
                .collect()
        };
        let folder = Folder::new();
        folder.put(train, batch(4)).put(test, batch(2));
        let notes: &[&str] = if before == 2 { &["second (fine)"] } else { &[] };
        reads(folder.open(&plain()), [3, 32, 32], notes);
        folder.put(test, &batch(2)[1..]);
        refused(folder.open(&plain()), &["whole number of CIFAR's images"]);
    }
    let folder = Folder::new();
    folder.put("mnist.pkl.gz", fixture("pairs.pkl.gz"));
    let opened = reads(folder.open(&plain()), GREY, &["multiplied by 255"]);
    check(
        opened.dataset.validation().unwrap(),
        2,
        ImageShape::new(1, 6, 6),
    );
}

#[test]
fn parquet_of_the_hub() {
    let folder = Folder::new();
    for part in ["train", "test"] {
        let file = format!("{part}-00000-of-00001.parquet");
        folder.put(&format!("data/{file}"), fixture(&format!("hub-{file}")));
    }
    if cfg!(feature = "parquet") {
        let opened = reads(folder.open(&plain()), GREY, &["the data are in"]);
        assert_eq!(opened.dataset.train().class_names(), ["cat", "dog"]);
        folder.put("data/train-00000-of-00001.parquet", b"PAR1 damaged PAR1");
        refused(folder.open(&plain()), &["train-00000", "parquet"]);
    } else {
        refused(folder.open(&plain()), &["--features parquet"]);
    }
}
