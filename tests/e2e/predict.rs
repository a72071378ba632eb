//! `bakeoff predict`: a person's image in, an answer out.

mod digits;
mod doubt;
mod names;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use bakeoff_core::{Dataset, ImageShape};
use bakeoff_picture::encode_png;
use serde_json::Value;

use crate::support::{
    Output, bakeoff, comparison, damage, finish, only_entry, run, scratch, shapes, sidecar,
    write_folder,
};

/// A trained CNN, and the first test digits of MNIST as files.
struct Trained {
    folder: PathBuf,
    run: PathBuf,
    pictures: Vec<PathBuf>,
}

const PICTURES: usize = 100;

fn mnist() -> &'static Dataset {
    static MNIST: OnceLock<Dataset> = OnceLock::new();
    MNIST.get_or_init(|| bakeoff_data::open("mnist").unwrap())
}

/// Writes a test digit of MNIST as PNG.
fn write_digit(index: usize, path: &Path) {
    let images = mnist().test().images();
    let png = encode_png(images.shape(), images.get(index).unwrap()).unwrap();
    fs::write(path, png).unwrap();
}

fn trained() -> &'static Trained {
    static TRAINED: OnceLock<Trained> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let folder = scratch("trained");
        let experiment = "\
limit_train = 12000
[[models]]
family = \"cnn\"
epochs = 4
batch_size = 64
schedule = \"one-cycle\"
learning_rate = 0.003
";
        fs::write(folder.join("good.toml"), experiment).unwrap();
        run(&folder, &["run", "good.toml"]).expect(0);
        let pictures = (0..PICTURES)
            .map(|index| {
                let path = folder.join(format!("digit-{index:03}.png"));
                write_digit(index, &path);
                path
            })
            .collect();
        Trained {
            run: only_entry(&folder.join("reports")),
            folder,
            pictures,
        }
    })
}

/// `predict` with these arguments, then these images.
fn predict(folder: &Path, arguments: &[&str], pictures: &[PathBuf]) -> Output {
    let pictures = pictures.iter().map(|path| path.to_str().unwrap());
    let all: Vec<&str> = ["predict"]
        .into_iter()
        .chain(arguments.iter().copied())
        .chain(pictures)
        .collect();
    run(folder, &all)
}

#[test]
fn a_cnn_is_right_on_98_of_100_digits_from_files() {
    let trained = trained();
    let arguments = ["--model", "mnist-12000/cnn", "--json", "--top", "10"];
    let lines = predict(&trained.folder, &arguments, &trained.pictures)
        .expect(0)
        .json_lines();
    assert_eq!(lines.len(), PICTURES);

    // What the trial recorded for the same images, straight from the dataset.
    let bytes = fs::read(sidecar(&trained.run, "cnn")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let recorded = file.tensor("probabilities").unwrap();
    assert_eq!(recorded.shape(), [10_000, 10]);
    let recorded: Vec<f32> = recorded
        .data()
        .as_chunks()
        .0
        .iter()
        .map(|&b| f32::from_le_bytes(b))
        .collect();

    let labels = mnist().test().labels();
    let mut right = 0;
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(
            line["image"],
            trained.pictures[index].to_str().unwrap(),
            "in the order given"
        );
        assert!(line.get("warnings").is_none(), "{line}");
        let answer = &line["predictions"][0];
        assert_eq!(answer["model"], "mnist-12000/cnn");
        let class: u16 = answer["class"].as_str().unwrap().parse().unwrap();
        right += usize::from(class == labels[index]);
        let top = answer["top"].as_array().unwrap();
        assert_eq!(top.len(), 10);
        assert_eq!(
            (&top[0]["class"], &top[0]["probability"]),
            (&answer["class"], &answer["probability"])
        );
        let given: Vec<f64> = top
            .iter()
            .map(|candidate| candidate["probability"].as_f64().unwrap())
            .collect();
        assert!(given.is_sorted_by(|a, b| a >= b), "{given:?}");
        for candidate in top {
            let class: usize = candidate["class"].as_str().unwrap().parse().unwrap();
            let expected = f64::from(recorded[index * 10 + class]);
            let found = candidate["probability"].as_f64().unwrap();
            // An image alone and one among many are added up in another order.
            assert!(
                (found - expected).abs() < 1e-5,
                "digit {index}, class {class}: {found}, recorded {expected}"
            );
        }
    }
    assert!(right >= 98, "{right} of {PICTURES} right");
}

#[test]
fn people_read_one_line_for_a_picture_and_a_table_for_several() {
    let trained = trained();
    let pictures = &trained.pictures[..2];
    // A short name, where only one dataset has it.
    let output = predict(&trained.folder, &["--model", "cnn"], &pictures[..1]).expect(0);
    assert_eq!(output.stdout.lines().count(), 1, "{}", output.said());
    // The first test digits of MNIST are 7 and 2.
    let begins = format!("{}: 7  ", pictures[0].display());
    assert!(output.stdout.starts_with(&begins), "{}", output.said());
    assert!(output.stdout.contains("then "), "{}", output.said());
    assert_eq!(output.stdout.matches('%').count(), 3, "{}", output.said());

    let output = predict(&trained.folder, &["--model", "cnn"], pictures).expect(0);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", output.said());
    assert!(lines[0].starts_with("image"), "{}", output.said());
    for (line, (picture, class)) in lines[1..].iter().zip(pictures.iter().zip(["7", "2"])) {
        let begins = format!("{}  {class}  ", picture.display());
        assert!(line.starts_with(&begins), "{line}");
        assert_eq!(line.matches('%').count(), 3, "three candidates: {line}");
    }
    let output = predict(&trained.folder, &["--model", "cnn", "--top", "1"], pictures).expect(0);
    assert_eq!(output.stdout.matches('%').count(), 2, "{}", output.said());
}

#[test]
fn every_saved_model_answers_side_by_side() {
    let comparison = comparison();
    let picture = scratch("side-by-side").join("seven.png");
    write_digit(0, &picture);
    let pictures = [picture];
    let output = predict(&comparison.folder, &["--all"], &pictures).expect(0);
    for name in ["ann", "cnn", "knn", "logistic"] {
        assert!(
            output.stdout.contains(&format!("mnist-3000/{name}")),
            "{}",
            output.said()
        );
    }
    let lines = predict(
        &comparison.folder,
        &["--all", "--json", "--top", "2"],
        &pictures,
    )
    .expect(0)
    .json_lines();
    let answers = lines[0]["predictions"].as_array().unwrap();
    assert_eq!(answers.len(), 4);
    for answer in answers {
        assert_eq!(answer["class"], "7", "{answer}");
        assert_eq!(answer["top"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_bad_picture_is_named_and_the_others_are_answered() {
    let folder = scratch("bad-pictures");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let good = folder.join("good.png");
    write_digit(0, &good);
    let png = fs::read(&good).unwrap();
    let blank = encode_png(ImageShape::new(1, 40, 40), &[255; 1600]).unwrap();
    let pictures = [
        (folder.join("not-there.png"), "cannot be read"),
        (
            write("letter.png", b"Dear Sir or Madam,\nthis is no image.\n"),
            "not a PNG or JPEG",
        ),
        (write("cut.png", &png[..png.len() / 2]), "damaged"),
        (write("blank.png", &blank), "nothing drawn"),
        (write("empty.png", b""), "empty"),
    ];
    let mut paths: Vec<PathBuf> = pictures.iter().map(|(path, _)| path.clone()).collect();
    paths.push(good.clone());
    let models = comparison().folder.join("models");
    let with = ["--model", "knn", "--models-dir", models.to_str().unwrap()];

    let output = predict(&folder, &with, &paths).expect(1);
    let row = |path: &Path| {
        let begins = format!("{} ", path.display());
        let mut lines = output.stdout.lines();
        lines
            .find(|line| line.starts_with(&begins))
            .unwrap_or_else(|| panic!("{} is not named\n{}", path.display(), output.said()))
    };
    for (path, reason) in &pictures {
        assert!(row(path).contains(reason), "{}", row(path));
    }
    assert!(row(&good).contains(" 7 "), "{}", row(&good));
    assert!(
        output.stdout.contains("No answer to 5 of 6 images"),
        "{}",
        output.said()
    );
    // Alone, an image's reason is an error like any other.
    for (path, reason) in &pictures {
        let code = if reason.contains("drawn") { 4 } else { 1 };
        let output = predict(&folder, &with, std::slice::from_ref(path)).expect(code);
        output.complains_of(&[reason]);
        assert_eq!(output.stdout, "");
    }

    let output = predict(&folder, &[&with[..], &["--json"]].concat(), &paths).expect(1);
    let lines = output.json_lines();
    assert_eq!(lines.len(), paths.len());
    for ((_, reason), line) in pictures.iter().zip(&lines) {
        assert!(line["error"].as_str().unwrap().contains(reason), "{line}");
        assert_eq!(line["predictions"], Value::Array(Vec::new()));
    }
    assert_eq!(lines.last().unwrap()["predictions"][0]["class"], "7");
}

/// What `predict --json` says of these arguments: for each image its name and class.
fn classes(folder: &Path, arguments: &[&str], code: i32) -> Vec<(String, String)> {
    let output = run(folder, &[&["predict", "--json"], arguments].concat()).expect(code);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    output
        .json_lines()
        .iter()
        .map(|line| (text(&line["image"]), text(&line["predictions"][0]["class"])))
        .collect()
}

#[test]
fn folders_patterns_and_standard_input_are_pictures_too() {
    let folder = scratch("many-pictures");
    let models = comparison().folder.join("models");
    let with = ["--model", "knn", "--models-dir", models.to_str().unwrap()];
    for inner in ["scans", "empty"] {
        fs::create_dir(folder.join(inner)).unwrap();
    }
    write_digit(0, &folder.join("scans/b.PNG"));
    write_digit(1, &folder.join("scans/a.png"));
    fs::write(folder.join("scans/notes.txt"), "no image").unwrap();
    fs::create_dir(folder.join("scans/inner.png")).unwrap();

    let named = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let own = |text: &str| text.to_owned();
        pairs.iter().map(|(a, b)| (own(a), own(b))).collect()
    };
    let ask = |pictures: &[&str], code| classes(&folder, &[&with[..], pictures].concat(), code);
    assert_eq!(
        ask(&["scans"], 0),
        named(&[("scans/a.png", "2"), ("scans/b.PNG", "7")])
    );
    assert_eq!(ask(&["scans/*.png"], 0), named(&[("scans/a.png", "2")]));
    assert_eq!(
        ask(&["scans/?.*", "scans/a.png"], 0),
        named(&[
            ("scans/a.png", "2"),
            ("scans/b.PNG", "7"),
            ("scans/a.png", "2")
        ])
    );
    // A file whose name looks like a pattern is that file.
    write_digit(2, &folder.join("[1].png"));
    assert_eq!(ask(&["[1].png"], 0), named(&[("[1].png", "1")]));

    // Nothing found is an answer of its own, and a failure is worse.
    assert_eq!(ask(&["empty"], 4), named(&[("empty", "")]));
    assert_eq!(ask(&["none-*.png", "scans/a.png"], 4).len(), 2);
    assert_eq!(ask(&["empty", "not-there.png"], 1).len(), 2);

    let mut piped = bakeoff(&folder);
    let file = fs::File::open(folder.join("scans/b.PNG")).unwrap();
    piped
        .args(["predict", "--json"])
        .args(with)
        .arg("-")
        .stdin(file);
    let line = finish(&mut piped).expect(0).json();
    assert_eq!(line["image"], "-");
    assert_eq!(line["predictions"][0]["class"], "7");
    // Nothing at all on standard input.
    run(&folder, &[&["predict"], &with[..], &["-"]].concat())
        .expect(1)
        .complains_of(&["empty"]);
}

#[test]
fn all_models_on_several_pictures_are_one_table() {
    let comparison = comparison();
    let folder = scratch("all-and-several");
    let models = comparison.folder.join("models");
    let pictures = [folder.join("seven.png"), folder.join("cut.png")];
    write_digit(0, &pictures[0]);
    fs::write(&pictures[1], &fs::read(&pictures[0]).unwrap()[..60]).unwrap();
    let with = ["--all", "--models-dir", models.to_str().unwrap()];
    let output = predict(&folder, &with, &pictures).expect(1);
    let lines: Vec<&str> = output.stdout.lines().collect();
    for name in ["ann", "cnn", "knn", "logistic"] {
        assert!(
            lines[0].contains(&format!("mnist-3000/{name}")),
            "{}",
            lines[0]
        );
    }
    assert_eq!(lines[1].matches("7  ").count(), 4, "{}", output.said());
    assert_eq!(lines[2].matches('–').count(), 4, "{}", output.said());
    assert!(lines[2].contains("damaged"), "{}", output.said());
}

#[test]
fn a_terminal_shows_what_the_models_saw() {
    let folder = scratch("preview");
    let models = comparison().folder.join("models");
    let picture = folder.join("seven.png");
    write_digit(0, &picture);
    let ask = |plain: &str, when: &str| {
        let mut command = bakeoff(&folder);
        command
            .args(["predict", "--model", "knn", "--preview", when])
            .arg("--models-dir")
            .arg(&models)
            .arg(&picture)
            .env("NO_COLOR", plain)
            .env("TERM", "xterm-256color");
        finish(&mut command).expect(0).stdout
    };
    // Into a pipe there is none unless it is asked for.
    assert_eq!(ask("", "auto").lines().count(), 1);
    assert_eq!(ask("", "never").lines().count(), 1);
    let coloured = ask("", "always");
    assert_eq!(coloured.lines().count(), 15, "{coloured}");
    assert_eq!(coloured.matches('▀').count(), 28 * 14, "{coloured}");
    let plain = ask("1", "always");
    assert_eq!(plain.lines().count(), 15, "{plain}");
    assert!(plain.contains('█') && !plain.contains('\x1b'), "{plain}");
}

#[test]
fn a_persons_own_labelled_pictures_are_evaluated() {
    let folder = scratch("corrections");
    let own = folder.join("corrections");
    fs::create_dir(&own).unwrap();
    // The first test digits of MNIST are 7, 2 and 1.
    for index in 0..3 {
        write_digit(index, &own.join(format!("{index}.png")));
    }
    let table = "file,label,predicted,model,time\n\
                 0.png,7,1,mnist/cnn,2026-01-02T03:04:05Z\n\
                 1.png,2,2,mnist/cnn,2026-01-02T03:04:06Z\n\
                 2.png,4,1,mnist/cnn,2026-01-02T03:04:07Z\n";
    fs::write(own.join("labels.csv"), table).unwrap();
    let models = comparison().folder.join("models");
    let evaluate = |arguments: &[&str]| {
        let always = ["evaluate", "--model", "knn", "--dataset", "corrections"];
        let models = ["--models-dir", models.to_str().unwrap()];
        run(&folder, &[&always[..], &models, arguments].concat())
    };
    let result = evaluate(&["--json"]).expect(0).json();
    assert_eq!(result["samples"], 3);
    // The third is labelled wrongly on purpose.
    let accuracy = result["accuracy"].as_f64().unwrap();
    assert!((accuracy - 2.0 / 3.0).abs() < 1e-12, "{result}");
    let output = evaluate(&[]).expect(0);
    assert!(output.stdout.contains("3 test images"), "{}", output.said());
    // There is nothing to learn from.
    run(&folder, &["run", "quick", "--dataset", "corrections"])
        .expect(1)
        .complains_of(&["0 training"]);
    fs::write(own.join("labels.csv"), "file,label\n0.png,7\n1.png\n").unwrap();
    evaluate(&[])
        .expect(1)
        .complains_of(&["labels.csv", "line 3"]);
}
