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

/// QMNIST: labels are the first of eight 32-bit integers.
#[test]
fn labels_of_several_integers() {
    let folder = idx_folder(
        "qmnist-",
        |count| {
            let data: Vec<u8> = (0..count).flat_map(|i| vec![value(i); 36]).collect();
            idx(&[count, 6, 6], &data)
        },
        0,
    );
    let labels = |values: &[i32]| {
        let mut bytes = vec![0, 0, 0x0c, 2];
        bytes.extend((values.len() as u32).to_be_bytes());
        bytes.extend(3_u32.to_be_bytes());
        for value in values {
            bytes.extend([value.to_be_bytes(), 4000_i32.to_be_bytes(), [0xff; 4]].concat());
        }
        bytes
    };
    let names = ["train", "t10k"].map(|part| format!("qmnist-{part}-labels"));
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        if names.iter().any(|start| name.starts_with(start)) {
            fs::remove_file(file).unwrap();
        }
    }
    folder
        .put("qmnist-train-labels-idx2-int", labels(&[0, 1, 0, 1]))
        .put("qmnist-t10k-labels-idx2-int.gz", gzip(&labels(&[0, 1])));
    reads(folder.open(&plain()), GREY, &[]);
    folder.put("qmnist-train-labels-idx2-int", labels(&[0, 1, 700, 1]));
    refused(folder.open(&plain()), &["labels-idx2-int", "row 2", "700"]);
    folder.put("qmnist-train-labels-idx2-int", &labels(&[0, 1, 0, 1])[..50]);
    refused(folder.open(&plain()), &["labels-idx2-int", "byte 50"]);
}

#[test]
fn files_of_libsvm() {
    let lines = |count: usize, label: &dyn Fn(usize) -> String, pixel: &dyn Fn(usize) -> String| {
        let line = |i| {
            let pixels = (1..=36).map(|at| format!("{at}:{}", pixel(i)));
            format!("{} {}\n", label(i), pixels.collect::<Vec<_>>().join(" "))
        };
        (0..count).map(line).collect::<String>()
    };
    let from_zero = |i: usize| (i % 2).to_string();
    let byte = |i: usize| value(i).to_string();
    // As bytes; LIBSVM's own test parts end in .t.
    let folder = Folder::new();
    folder
        .put("things", lines(4, &from_zero, &byte))
        .put("things.t", gzip(lines(2, &from_zero, &byte).as_bytes()));
    reads(folder.open(&plain()), GREY, &["highest index is 36"]);
    // From −1 to 1, with labels from 1 and named classes, as USPS has them.
    let folder = Folder::new();
    let from_one = |i: usize| format!("{}.0", i % 2 + 1);
    let signed = |i: usize| (f64::from(value(i)) / 127.5 - 1.0).to_string();
    folder
        .put("train.libsvm", lines(4, &from_one, &signed))
        .put("test.libsvm", lines(2, &from_one, &signed))
        .put("classes.txt", "zero\none\n");
    let opened = reads(folder.open(&plain()), GREY, &["−1 to 1", "no class 0"]);
    assert_eq!(opened.dataset.train().class_names(), ["zero", "one"]);
    fs::remove_file(folder.path().join("classes.txt")).unwrap();
    let opened = reads(folder.open(&plain()), GREY, &["−1 to 1", "no class 0"]);
    assert_eq!(opened.dataset.train().class_names(), ["1", "2"]);
    // Pixels of 0 are left out, at the end too.
    let folder = Folder::new();
    folder
        .put("train.svm", "0 2:0.2 3:1 4:0.4 7:0.6\n1 1:1 2:1 3:1 8:1\n")
        .put("test.svm", "0 1:1 2:1 3:1 4:1\n");
    let opened = folder.open(&plain()).unwrap().dataset;
    assert_eq!(opened.train().images().shape(), ImageShape::new(1, 3, 3));
    assert_eq!(
        opened.train().images().pixels(),
        [
            0, 51, 255, 102, 0, 0, 153, 0, 0, 255, 255, 255, 0, 0, 0, 0, 255, 0
        ]
    );
    for (text, words) in [
        (
            "0 1:1 2:1 3:1 4:1\n0 1:1 x\n",
            ["line 2", "\"x\" is not index:value"],
        ),
        (
            "0 1:1 2:1 3:1 4:1\n0 2:1 1:1\n",
            ["line 2", "must increase"],
        ),
        ("0 1:1 2:1 3:1 4:1\n\n1 1:1\n", ["line 2", "empty"]),
        ("0 1:1 2:1 3:1 4:300\n1 1:1\n", ["line 1", "--pixel-max"]),
    ] {
        let folder = Folder::new();
        folder
            .put("train.svm", text)
            .put("test.svm", "1 1:1 2:1 3:1 4:1\n");
        refused(folder.open(&plain()), &["train.svm", words[0], words[1]]);
    }
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
