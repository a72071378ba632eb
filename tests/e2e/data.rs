//! Datasets of one's own: looked at, trained on, evaluated on, refused with reasons.

use std::{fs, io::Cursor, path::Path};

use bakeoff_core::{Dataset, ImageShape, Images, Samples};
use bakeoff_tests::toy;
use serde_json::Value;

use crate::support::{
    SHAPES, comparison, gzip, idx_bytes, leaderboard, only_entry, read_json, run, scratch, shapes,
    write_folder,
};

#[test]
fn test_images_that_were_trained_on_are_found_and_told_beside_the_answer() {
    let folder = scratch("leak");
    let (clean, known) = (shapes(), shapes());
    // Every second test image is a training image.
    let images: Vec<usize> = (0..40).collect();
    let own = clean.test().select(&images);
    let seen = known.train().select(&images);
    let pixels = [own.images().pixels(), seen.images().pixels()].concat();
    let labels = [own.labels(), seen.labels()].concat();
    let images = Images::new(own.images().shape(), pixels).unwrap();
    let test = Samples::new(images, labels, own.class_names().to_vec()).unwrap();
    let leak = Dataset::new("leak", clean.train().clone(), test).unwrap();
    write_folder(&folder.join("leak"), &leak);

    let checked = run(&folder, &["data", "check", "./leak", "--json"])
        .expect(0)
        .json();
    let expected: Vec<u32> = (40..80).collect();
    assert_eq!(checked["repeats"]["seen"], serde_json::json!(expected));
    assert_eq!(checked["preparation"]["kind"], "plain");
    let says = |arguments: &[&str], words: &str| {
        let said = run(&folder, arguments).expect(0).stdout;
        assert!(said.contains(words), "{said}");
    };
    says(
        &["data", "check", "./leak"],
        "40 of 80 test images are training images too",
    );
    says(
        &["run", "quick", "--dataset", "./leak", "--models", "knn"],
        "40 of 80 test images are training images too, to the last pixel, so that scores are too \
         good. On the other 40, accuracies are: knn",
    );

    write_folder(&folder.join("clean"), &clean);
    says(
        &["data", "check", "./clean"],
        "Nothing is wrong with these 320 images.",
    );
}

#[test]
fn a_folder_is_shown_with_its_counts_and_a_sheet() {
    let folder = scratch("show");
    write_folder(&folder.join("shapes"), &shapes());
    let arguments = [
        "data",
        "show",
        "./shapes",
        "--json",
        "--sheet",
        "sheet.png",
        "--per-class",
        "5",
    ];
    let shown = run(&folder, &arguments).expect(0).json();
    assert_eq!(shown["name"], "shapes");
    assert_eq!(
        shown["shape"],
        serde_json::json!({ "channels": 1, "height": 12, "width": 10 })
    );
    assert_eq!((&shown["train"], &shown["test"]), (&240.into(), &80.into()));
    assert_eq!(
        shown["fingerprint"].as_str().unwrap(),
        shapes().fingerprint()
    );
    let classes = shown["classes"].as_array().unwrap();
    for (class, name) in classes.iter().zip(SHAPES) {
        assert_eq!(
            *class,
            serde_json::json!({ "name": name, "train": 60, "test": 20 })
        );
    }

    let sheet = fs::read(folder.join("sheet.png")).unwrap();
    let mut reader = png::Decoder::new(Cursor::new(sheet)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    // Five images of 10 and four of 12, with lines of a pixel between them.
    let (width, height) = (5 * 10 + 4, 4 * 12 + 3);
    assert_eq!((reader.info().width, reader.info().height), (width, height));
    let dataset = shapes();
    let first = dataset
        .train()
        .labels()
        .iter()
        .position(|&label| label == 0)
        .unwrap();
    let expected = &dataset.train().images().get(first).unwrap()[..10];
    assert_eq!(
        &pixels[..10],
        expected,
        "the first image of the first class"
    );

    let text = run(&folder, &["data", "show", "shapes"]).expect(0).stdout;
    for word in ["cross & line", "240", "80", "fingerprint"] {
        assert!(text.contains(word), "{text}");
    }
    let text = run(&folder, &["data", "list"]).expect(0).stdout;
    assert!(text.contains("mnist") && text.contains("idx"), "{text}");
    let list = run(&folder, &["data", "list", "--json"]).expect(0).json();
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .any(|builtin| builtin["name"] == "mnist")
    );
}

/// The four families in a size that suits small images.
const TINY: &str = r#"
[[models]]
family = "logistic"
[[models]]
family = "knn"
k = 5
[[models]]
family = "ann"
hidden = [16]
epochs = 15
batch_size = 16
[[models]]
family = "cnn"
layers = ["conv 8 3", "max-pool 2", "dense 16"]
epochs = 15
batch_size = 16
"#;

#[test]
fn every_family_learns_other_pictures_than_mnist() {
    let folder = scratch("tiny");
    write_folder(&folder.join("shapes"), &shapes());
    fs::write(folder.join("tiny.toml"), TINY).unwrap();
    run(&folder, &["run", "tiny.toml", "--dataset", "shapes"]).expect(0);
    let run_folder = only_entry(&folder.join("reports"));
    let rows = leaderboard(&run_folder);
    assert_eq!(rows.len(), 4);
    for row in &rows {
        assert_eq!(
            (&row["status"], &row["dataset"]),
            (&"ok".into(), &"shapes".into())
        );
        assert!(row["accuracy"].as_f64().unwrap() > 0.9, "{row:#}");
    }
    let manifest = read_json(&folder.join("models/shapes/cnn/manifest.json"));
    assert_eq!(manifest["class_names"], serde_json::json!(SHAPES));
    let page = fs::read_to_string(run_folder.join("report.html")).unwrap();
    assert!(page.contains("cross &#38; line") || page.contains("cross &amp; line"));

    // On the data it was trained on, a saved model gives the scores that were recorded.
    let evaluated = run(
        &folder,
        &[
            "evaluate",
            "--model",
            "cnn",
            "--dataset",
            "shapes",
            "--json",
        ],
    )
    .expect(0)
    .json();
    let row = rows.iter().find(|row| row["model"] == "cnn").unwrap();
    assert_eq!(evaluated["samples"], 80);
    for key in ["accuracy", "macro_f1", "macro_auc", "log_loss"] {
        let (a, b) = (evaluated[key].as_f64().unwrap(), row[key].as_f64().unwrap());
        assert!((a - b).abs() < 1e-9, "{key}: {a}, recorded {b}");
    }
    // On other data of the same shape, classes of other names are refused.
    let others = ["left", "right", "up", "down"];
    write_folder(&folder.join("others"), &shapes());
    fs::write(folder.join("others/classes.txt"), others.join("\n")).unwrap();
    let output = run(
        &folder,
        &["evaluate", "-m", "shapes/cnn", "--dataset", "others"],
    )
    .expect(1);
    output.complains_of(&["unknown to the model", "matched by name"]);
    output.complains_of(&others);
}

/// A toy dataset of other shape or classes.
fn other(shape: ImageShape, classes: usize) -> Dataset {
    let spec = toy::ToySpec {
        shape,
        classes,
        ..toy::ToySpec::default()
    };
    toy::prototypes(spec).unwrap()
}

#[test]
fn data_that_does_not_fit_a_model_is_refused() {
    let folder = scratch("misfits");
    let models = comparison().folder.join("models");
    let evaluate = |dataset: &str| {
        let models = models.to_str().unwrap();
        run(
            &folder,
            &[
                "evaluate",
                "--model",
                "knn",
                "--dataset",
                dataset,
                "--models-dir",
                models,
            ],
        )
    };
    // Some of the model's classes, known by name, are no misfit.
    write_folder(&folder.join("four"), &other(ImageShape::new(1, 28, 28), 4));
    let said = evaluate("four").expect(0).stdout;
    assert!(said.contains("80 test images of `four`"), "{said}");

    write_folder(
        &folder.join("twelve"),
        &other(ImageShape::new(1, 28, 28), 12),
    );
    evaluate("twelve").expect(1).complains_of(&[
        "mnist-3000/knn",
        "10 classes",
        "`twelve` has 12 (0, 1, 2, 3",
    ]);

    write_folder(
        &folder.join("small"),
        &other(ImageShape::new(1, 12, 10), 10),
    );
    evaluate("small")
        .expect(1)
        .complains_of(&["mnist-3000/knn", "small", "1×28×28", "1×12×10"]);

    evaluate("nowhere").expect(1).complains_of(&["nowhere"]);
    run(
        &folder,
        &["evaluate", "--model", "nobody", "--dataset", "mnist"],
    )
    .expect(1)
    .complains_of(&["no saved model `nobody`"]);
}

/// A folder like [`write_folder`]'s, broken in one way.
fn broken(folder: &Path, how: &dyn Fn(&Path)) {
    write_folder(folder, &shapes());
    how(folder);
}

#[test]
fn a_broken_folder_is_refused_with_file_and_remedy() {
    let root = scratch("broken");
    let (images, labels) = idx_bytes(shapes().train());
    let few = idx_bytes(&shapes().train().select(&[0, 1, 2])).1;
    type Break<'a> = (&'a str, Box<dyn Fn(&Path) + 'a>, &'a [&'a str]);
    let cases: Vec<Break<'_>> = vec![
        (
            "missing",
            Box::new(|folder| fs::remove_file(folder.join("t10k-labels-idx1-ubyte")).unwrap()),
            &["t10k-labels-idx1-ubyte", "not found"],
        ),
        (
            "truncated",
            Box::new(|folder| {
                let path = folder.join("train-images-idx3-ubyte.gz");
                fs::write(path, gzip(&images[..images.len() / 2])).unwrap();
            }),
            &["train-images-idx3-ubyte.gz", "28816"],
        ),
        (
            "cut-gzip",
            Box::new(|folder| {
                let path = folder.join("train-images-idx3-ubyte.gz");
                let whole = fs::read(&path).unwrap();
                fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            }),
            &["train-images-idx3-ubyte.gz"],
        ),
        (
            "web-page",
            Box::new(|folder| {
                fs::write(
                    folder.join("train-labels-idx1-ubyte"),
                    "<!DOCTYPE html><html>404",
                )
                .unwrap();
            }),
            &[
                "train-labels-idx1-ubyte",
                "web page",
                "fetch the file again",
            ],
        ),
        (
            "counts",
            Box::new(|folder| fs::write(folder.join("train-labels-idx1-ubyte"), &few).unwrap()),
            &["240", "3 labels", "do not belong together"],
        ),
        (
            "label",
            Box::new(|folder| {
                let mut labels = labels.clone();
                labels[8 + 17] = 9;
                fs::write(folder.join("train-labels-idx1-ubyte"), labels).unwrap();
            }),
            &[
                "train-labels-idx1-ubyte",
                "label 9 of sample 17",
                "classes.txt",
            ],
        ),
        (
            "empty",
            Box::new(|folder| {
                fs::remove_dir_all(folder).unwrap();
                fs::create_dir(folder).unwrap();
            }),
            &["no dataset is recognised", "train/CLASS/"],
        ),
    ];
    for (name, how, words) in &cases {
        broken(&root.join(name), how.as_ref());
        let place = format!("./{name}");
        for arguments in [
            vec!["data", "show", &place],
            vec!["run", "quick", "--dataset", &place],
            vec!["plan", "quick", "--dataset", &place],
        ] {
            let output = run(&root, &arguments).expect(1);
            output.complains_of(words);
            output.complains_of(&[*name]);
        }
    }
    assert!(
        !root.join("reports").exists(),
        "a run was begun on broken data"
    );
    run(&root, &["data", "show", "minst"])
        .expect(1)
        .complains_of(&["there is no dataset `minst`", "did you mean `mnist`?"]);
}

#[test]
fn mnist_is_inside_the_program() {
    let shown = run(&scratch("mnist"), &["data", "show", "mnist", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&shown["train"], &shown["test"]),
        (&60_000.into(), &10_000.into())
    );
    let count = |part: &str| -> Vec<u64> {
        shown["classes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|class: &Value| class[part].as_u64().unwrap())
            .collect()
    };
    // As published with the dataset.
    assert_eq!(
        count("train"),
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    );
    assert_eq!(
        count("test"),
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
}
