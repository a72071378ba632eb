//! Nothing from a file or a name reaches a terminal raw, in any command, and nothing that is no file
//! is waited for.

use std::{
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    process::Command,
};

use bakeoff_core::one_line;

use crate::{
    serve::Serving,
    support::{Output, bakeoff, copy_folder, finish, only_entry, run, scratch, shapes},
};

/// Colours, a line of its own, a tab, C1 (which is CSI in one character) and text turned around.
const HOSTILE: &str = "e\u{1b}[31m\nFORGED\t\u{9b}2J\u{202e}x";

/// What a spreadsheet would run.
const FORMULA: &str = "=HYPERLINK(1)";

/// Asserts that a terminal would obey nothing of it.
#[track_caller]
fn is_harmless(text: &str) {
    for line in text.lines() {
        assert_eq!(line, one_line(line), "{text}");
        assert!(!line.starts_with("FORGED"), "{text}");
    }
    assert!(!text.contains('\r'), "{text}");
}

#[track_caller]
fn harmless(output: Output) -> Output {
    is_harmless(&output.stdout);
    is_harmless(&output.stderr);
    output
}

/// A folder of images by class: two of the classes have names that do harm.
fn write_images(folder: &Path) {
    let data = shapes();
    let names = [HOSTILE, "square", FORMULA, "star"];
    for (part, samples) in [("train", data.train()), ("test", data.test())] {
        let shape = samples.images().shape();
        let images = samples.images().iter().zip(samples.labels());
        for (index, (pixels, &label)) in images.enumerate().take(120) {
            let folder = folder.join(part).join(names[usize::from(label)]);
            fs::create_dir_all(&folder).unwrap();
            let png = bakeoff_picture::encode_png(shape, pixels).unwrap();
            fs::write(folder.join(format!("{index}{HOSTILE}.png")), png).unwrap();
        }
    }
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn no_name_reaches_a_terminal_raw() {
    let folder = scratch("escapes");
    write_images(&folder.join("data/pictures"));
    write_images(&folder.join("data").join(HOSTILE));
    fs::write(
        folder.join("e.toml"),
        "datasets = [\"data/pictures\"]\n[[models]]\nfamily = \"knn\"\n[[models]]\nfamily = \"logistic\"\n",
    )
    .unwrap();
    let bad = format!("models = [1, \"{HOSTILE}\"]\n\"\u{1b}[31mkey\" = 1\n");
    fs::write(folder.join("bad.toml"), bad).unwrap();
    fs::write(
        folder.join("key.toml"),
        "\"k\\u001b[31m\\nFORGED\" = 3\n[[models]]\nfamily = \"knn\"\n",
    )
    .unwrap();
    fs::write(
        folder.join("name.toml"),
        "[[models]]\nfamily = \"knn\"\nname = \"m\\u001b[31m\\nFORGED\"\n",
    )
    .unwrap();
    let own = |words: &[&str]| harmless(run(&folder, words));

    // What is asked about data, with a name of the dataset that does harm, too.
    let hostile_data = format!("data/{HOSTILE}");
    for data in ["data/pictures", &hostile_data] {
        let shown = own(&["data", "show", data, "--sheet", &format!("{HOSTILE}.png")]).expect(0);
        assert!(
            shown.stdout.contains(&one_line(HOSTILE)),
            "{}",
            shown.said()
        );
        own(&["data", "check", data]).expect(0);
        let json = own(&["data", "show", data, "--json"]).expect(0).json();
        let classes = json["classes"].as_array().unwrap();
        assert!(
            classes.iter().any(|class| class["name"] == HOSTILE),
            "{json}"
        );
    }
    own(&["data", "show", &format!("no{HOSTILE}")]).expect(1);
    own(&["data", "check", &format!("no/{HOSTILE}")]).expect(1);

    // A run, into folders with such names, and all that is done with it.
    let (reports, models) = (format!("r{HOSTILE}"), format!("m{HOSTILE}"));
    let dirs = ["--out", &reports, "--models-dir", &models];
    let ran = own(&[&["run", "e.toml"][..], &dirs].concat()).expect(0);
    assert!(ran.stdout.contains("Report: "), "{}", ran.said());
    let run_folder = only_entry(&folder.join(&reports));
    let run_path = run_folder.to_str().unwrap();
    own(&[&["run", "e.toml", "--resume"][..], &dirs].concat()).expect(0);
    own(&["plan", "e.toml", "--out", &reports]).expect(0);
    own(&["status", run_path]).expect(0);
    own(&["trial", run_path, "--index", "0", "--models-dir", &models]).expect(0);
    own(&["report", run_path, "--models-dir", &models]).expect(0);
    own(&["report", &reports]).expect(0);
    own(&["diff", run_path, run_path]).expect(0);
    own(&["rank", run_path, run_path]);
    own(&["export", run_path]).expect(0);
    own(&["export", run_path, "--format", "markdown", "--out", "-"]).expect(0);
    own(&["submit", run_path, "--on", "slurm", "--print"]).expect(0);
    own(&["models", "--models-dir", &models]).expect(0);
    own(&["models", "--models-dir", &models, "--json"]).expect(0);
    own(&["models", "--settings", HOSTILE]).expect(1);

    // No cell is a formula.
    for file in [
        "exports/predictions/pictures/knn.csv",
        "exports/label-issues.csv",
        "leaderboard.csv",
    ] {
        let Ok(mut csv) = csv::Reader::from_path(run_folder.join(file)) else {
            assert!(file.contains("label-issues"), "{file}");
            continue;
        };
        for record in csv.records() {
            for cell in record.unwrap().iter() {
                let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
                assert!(!formula || cell.parse::<f64>().is_ok(), "{file}: {cell}");
            }
        }
    }
    let predictions = fs::read_to_string(run_folder.join("exports/predictions/pictures/knn.csv"));
    assert!(predictions.unwrap().contains(&format!("'{FORMULA}")));

    // Answers, and what is wrong with questions.
    let image = fs::read_dir(folder.join("data/pictures/test").join(HOSTILE))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .next()
        .unwrap();
    let image = image.to_str().unwrap();
    let damaged = format!("damaged{HOSTILE}.png");
    fs::write(folder.join(&damaged), b"no image").unwrap();
    let dir = ["--models-dir", &models];
    for which in [&["--all"][..], &["--model", "knn"]] {
        for what in [
            &[image][..],
            &[image, &damaged],
            &[&damaged],
            &[HOSTILE],
            &["data/pictures/test"],
        ] {
            for json in [&[][..], &["--json"]] {
                own(&[&["predict"], which, what, json, &dir].concat());
            }
        }
    }
    own(&[&["predict", "--model", HOSTILE, image][..], &dir].concat()).expect(1);
    own(&[&["prepare", image, &damaged, "--out", HOSTILE][..], &dir].concat());
    for data in ["data/pictures", &hostile_data] {
        own(&[&["evaluate", "--model", "knn", "--dataset", data][..], &dir].concat()).expect(0);
    }
    own(&[
        &["evaluate", "--model", "knn", "--dataset", "mnist"][..],
        &dir,
    ]
    .concat())
    .expect(1);

    // Words, keys and files that are wrong.
    for words in [
        &["run", HOSTILE][..],
        &["run", "bad.toml"],
        &["run", "key.toml"],
        &["run", "name.toml"],
        &["run", "quick", "--models", HOSTILE],
        &["run", "quick", "--dataset", HOSTILE],
        &["status", HOSTILE],
        &["export", HOSTILE],
        &["report", HOSTILE],
        &["diff", HOSTILE, HOSTILE],
        &["rank", HOSTILE],
        &["trial", HOSTILE, "--index", "0"],
        &[HOSTILE],
        &["run", "--\u{1b}[31m"],
        &["run", "--seeds", HOSTILE],
    ] {
        let said = own(words);
        assert_ne!(said.code, Some(0), "{}", said.said());
        assert!(!said.stderr.is_empty(), "{}", said.said());
    }
    let help = finish(
        bakeoff(&folder)
            .args(["models", "--help"])
            .env("BAKEOFF_MODELS_DIR", HOSTILE),
    );
    harmless(help).expect(0);

    // A record and a manifest that others changed.
    let manifest = folder.join(&models).join("pictures/knn/manifest.json");
    fs::write(
        &manifest,
        format!("{{\"format_version\": \"{}\"}}", "\\u001b[31m"),
    )
    .unwrap();
    own(&["models", "--models-dir", &models]).expect(0);
    own(&[&["predict", "--all", image][..], &dir].concat()).expect(0);
    let serving = Serving::start(
        &folder,
        &["--models-dir", &models, "--reports-dir", &reports],
    );
    is_harmless(&serving.said);
    serving.ask_to_end();
    let (_, said) = serving.ended();
    is_harmless(&said);
    assert!(said.contains("left out"), "{said}");
}

#[test]
fn pipes_sockets_and_links_out_are_not_waited_for() {
    let folder = scratch("special-files");
    let data = folder.join("data/pictures");
    write_images(&data);
    let class = data.join("train/square");
    pipe(&class.join("pipe.png"));
    pipe(&data.join("labels.csv"));
    let _socket = UnixListener::bind(folder.join("socket.png")).unwrap();
    fs::rename(folder.join("socket.png"), class.join("socket.png")).unwrap();
    symlink("/dev/zero", class.join("zero.png")).unwrap();
    // Many people build datasets of links.
    let elsewhere = folder.join("elsewhere.png");
    let first = fs::read_dir(&class)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().as_bytes().starts_with(b"1"))
        .unwrap();
    fs::rename(&first, &elsewhere).unwrap();
    symlink(&elsewhere, &first).unwrap();
    let own = |words: &[&str]| run(&folder, words);
    for command in ["show", "check"] {
        let shown = own(&["data", command, "data/pictures"]).expect(0);
        for name in ["pipe.png", "socket.png", "zero.png", "labels.csv"] {
            assert!(shown.stdout.contains(name), "{}", shown.said());
        }
        assert!(shown.stdout.contains("120 training"), "{}", shown.said());
    }
    pipe(&folder.join("pipe.csv"));
    own(&["data", "show", "pipe.csv"]).expect(1);

    let run_words = [
        "run",
        "--dataset",
        "data/pictures",
        "--models",
        "knn,logistic",
    ];
    own(&run_words).expect(0);
    let run_folder = only_entry(&folder.join("reports"));
    let run_path = run_folder.to_str().unwrap();

    // Models: a named pipe, a link to another person's file, a link to another folder of models.
    let models = folder.join("models/pictures");
    let outside = scratch("special-files-outside");
    copy_folder(&models.join("knn"), &outside.join("other/knn"));
    symlink(outside.join("other"), folder.join("models/linked")).unwrap();
    copy_folder(&models.join("knn"), &models.join("piped"));
    fs::remove_file(models.join("piped/manifest.json")).unwrap();
    pipe(&models.join("piped/manifest.json"));
    copy_folder(&models.join("knn"), &models.join("out"));
    fs::rename(models.join("out/manifest.json"), outside.join("m.json")).unwrap();
    symlink(outside.join("m.json"), models.join("out/manifest.json")).unwrap();
    let listed = own(&["models"]).expect(0);
    let (_, refused) = listed.stdout.split_once("Cannot be read:").unwrap();
    for name in ["linked/knn", "pictures/piped", "pictures/out"] {
        assert!(refused.contains(name), "{}", listed.said());
    }
    let image = elsewhere.to_str().unwrap();
    let answered = own(&["predict", "--all", image]).expect(0);
    answered.complains_of(&["linked/knn: left out", "pictures/piped: left out"]);

    // A run: its records, its plan, the index beside it, and the report that the page shows.
    fs::rename(run_folder.join("report.html"), outside.join("r.html")).unwrap();
    symlink(outside.join("r.html"), run_folder.join("report.html")).unwrap();
    let name = run_folder.file_name().unwrap().to_str().unwrap();
    let serving = Serving::start(&folder, &[]);
    let address = format!("/reports/{name}");
    let answer = serving.client().get(&address);
    assert_ne!(answer.status, 200, "{}", answer.text());
    assert!(
        answer.text().contains("link out of its folder"),
        "{}",
        answer.text()
    );
    drop(serving);
    let records = run_folder.join("records");
    let ends_in = |ending: &str| -> PathBuf {
        let mut found = fs::read_dir(&records).unwrap().map(|it| it.unwrap().path());
        found
            .find(|path| path.to_str().unwrap().ends_with(ending))
            .unwrap()
    };
    let sidecar = ends_in(".safetensors");
    fs::remove_file(&sidecar).unwrap();
    pipe(&sidecar);
    own(&["status", run_path]);
    let record = ends_in(".json");
    fs::remove_file(&record).unwrap();
    pipe(&record);
    for words in [
        &["status", run_path][..],
        &["report", run_path],
        &["export", run_path],
    ] {
        own(words);
    }
    fs::remove_file(folder.join("reports/index.html")).unwrap();
    pipe(&folder.join("reports/index.html"));
    own(&["report", "reports"]).expect(1);
    fs::rename(&records, outside.join("records")).unwrap();
    symlink(outside.join("records"), &records).unwrap();
    own(&["status", run_path])
        .expect(1)
        .complains_of(&["link out of the run's folder"]);
    fs::remove_file(run_folder.join("plan.jsonl")).unwrap();
    pipe(&run_folder.join("plan.jsonl"));
    own(&["status", run_path]).expect(1);
}
