//! `bakeoff prepare`: what is done to an image, step by step, as files to look at.

use std::{
    fs::{self, File, OpenOptions},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use bakeoff_core::ImageShape;
use bakeoff_picture::encode_png;

use crate::support::{bakeoff, comparison, entries, finish, run, scratch};

const WIDTH: usize = 300;
const HEIGHT: usize = 260;

fn write(path: &Path, pixels: &[u8]) {
    let shape = ImageShape::new(1, HEIGHT, WIDTH);
    fs::write(path, encode_png(shape, pixels).unwrap()).unwrap();
}

/// A seven on ruled paper with a speck.
fn write_seven(path: &Path) {
    let ink = |x: usize, y: usize| {
        let bar = (90..180).contains(&x) && (60..72).contains(&y);
        let stem = (165..180).contains(&x) && (60..200).contains(&y);
        let speck = (250..253).contains(&x) && (30..33).contains(&y);
        let line = y % 50 < 2;
        match (bar || stem || speck, line) {
            (true, _) => 10,
            (false, true) => 120,
            (false, false) => 245,
        }
    };
    let pixels: Vec<u8> = (0..WIDTH * HEIGHT)
        .map(|at| ink(at % WIDTH, at / WIDTH))
        .collect();
    write(path, &pixels);
}

/// The names of the files in a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    entries(folder)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// What [`write_seven`]'s image leaves behind.
const STAGES: [&str; 6] = [
    "seven-1-read.png",
    "seven-2-ink.png",
    "seven-3-lines.png",
    "seven-4-specks.png",
    "seven-5-prepared.png",
    "sheet.png",
];

#[test]
fn preparing_shows_every_stage() {
    let folder = scratch("prepare");
    write_seven(&folder.join("seven.png"));
    run(&folder, &["prepare", "seven.png", "--out", "stages"]).expect(0);
    assert_eq!(files(&folder.join("stages")), STAGES);
    write(&folder.join("blank.png"), &vec![245; WIDTH * HEIGHT]);
    let arguments = ["prepare", "seven.png", "blank.png", "--out", "both"];
    let output = run(&folder, &arguments).expect(4);
    for words in [
        "decoded a PNG of 300×260",
        "erased 6 line(s)",
        "erased 1 speck(s)",
        "not prepared: nothing drawn",
        "sheet.png",
    ] {
        assert!(output.stdout.contains(words), "{words}: {}", output.said());
    }
}

#[test]
fn no_picture_that_is_read_is_overwritten() {
    let folder = scratch("prepare-in-place");
    let own = folder.join("own");
    fs::create_dir(&own).unwrap();
    // What a person may call an image, and what a stage of it would be called.
    for name in ["sheet.png", "seven.png", "seven-1-read.png"] {
        write_seven(&own.join(name));
    }
    let picture = fs::read(own.join("sheet.png")).unwrap();
    let refused = |pictures: &[&str], out: &str, file: &str| {
        let before = files(&folder);
        let arguments = [&["prepare"], pictures, &["--out", out]].concat();
        let output = run(&folder, &arguments).expect(1);
        output.complains_of(&[file, "overwritten", "--out"]);
        assert_eq!(output.stdout, "", "nothing was begun");
        assert_eq!(files(&folder), before);
        assert_eq!(
            files(&own),
            ["seven-1-read.png", "seven.png", "sheet.png"],
            "nothing was written"
        );
        for path in entries(&own) {
            assert!(fs::read(&path).unwrap() == picture, "{}", path.display());
        }
    };
    refused(&["own/sheet.png"], "own", "own/sheet.png");
    refused(
        &["own/seven.png", "own/seven-1-read.png"],
        "own",
        "own/seven-1-read.png",
    );
    // In any order, by any path, as a folder or a pattern; and not in the middle of the work.
    refused(
        &["own/seven-1-read.png", "own/../own/seven.png"],
        "./own/.",
        "seven-1-read.png",
    );
    refused(&["own"], "own", "own/seven-1-read.png");
    refused(&["own/s*t.png"], "own", "own/sheet.png");

    // Beside the images there is room for what replaces none that is read.
    let output = run(&folder, &["prepare", "own/seven.png", "--out", "beside"]).expect(0);
    assert!(output.stdout.contains("beside/sheet.png"));
    run(&folder, &["prepare", "own/seven.png", "--out", "beside"]).expect(0);
    assert_eq!(files(&folder.join("beside")), STAGES);
}

#[cfg(unix)]
#[test]
fn links_and_standard_input_are_the_files_they_lead_to() {
    let folder = scratch("prepare-links");
    for (name, link) in [("symbolic", true), ("hard", false), ("piped", false)] {
        let out = folder.join(name);
        fs::create_dir(&out).unwrap();
        let picture = folder.join(format!("{name}.png"));
        write_seven(&picture);
        let sheet = out.join("sheet.png");
        match link {
            true => std::os::unix::fs::symlink(&picture, &sheet).unwrap(),
            false => fs::hard_link(&picture, &sheet).unwrap(),
        }
        let before = fs::read(&picture).unwrap();
        let mut command = bakeoff(&folder);
        command.args(["prepare", "--out"]).arg(&out);
        match name {
            "piped" => command.arg("-").stdin(File::open(&picture).unwrap()),
            _ => command.arg(&picture),
        };
        finish(&mut command)
            .expect(1)
            .complains_of(&["sheet.png", "overwritten", "--out"]);
        assert!(fs::read(&picture).unwrap() == before, "{name}");
        assert_eq!(files(&out), ["sheet.png"]);
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_named_and_not_waited_for() {
    let folder = scratch("no-regular-file");
    let fifo = folder.join("fifo.png");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    std::os::unix::fs::symlink(&fifo, folder.join("link.png")).unwrap();
    let mut names = vec!["fifo.png", "link.png"];
    // A socket's path may not be as long as that of a build folder.
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket.png"))
        .inspect(|_| names.push("socket.png"));
    write_seven(&folder.join("seven.png"));
    // Whoever waits all the same is let go, and fails.
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(60));
        OpenOptions::new().write(true).open(fifo)
    });

    let models = comparison().folder.join("models");
    let with = ["--model", "knn", "--models-dir", models.to_str().unwrap()];
    for name in &names {
        run(&folder, &[&["predict"], &with[..], &[name]].concat())
            .expect(1)
            .complains_of(&[name, "is not a regular file"]);
    }
    let all = [&names[..], &["seven.png"]].concat();
    let output = run(&folder, &[&["predict"], &with[..], &all].concat()).expect(1);
    let told = output.stdout.matches("is not a regular file").count();
    assert_eq!(told, names.len(), "{}", output.said());
    let output = run(&folder, &[&["prepare", "--out", "out"], &all[..]].concat()).expect(1);
    for name in &names {
        let told = format!("{name}\n  not prepared: is not a regular file");
        assert!(output.stdout.contains(&told), "{}", output.said());
    }
    assert_eq!(files(&folder.join("out")), STAGES);

    // What never ends is refused by its length, as before.
    run(&folder, &[&["predict"], &with[..], &["/dev/zero"]].concat())
        .expect(1)
        .complains_of(&["/dev/zero", "64 MiB"]);
    // What a shell opened comes through a pipe, which is not a regular file either.
    for path in ["-", "/dev/stdin", "/dev/fd/0"] {
        let mut cat = Command::new("cat")
            .arg(folder.join("seven.png"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut command = bakeoff(&folder);
        command.arg("predict").args(with).arg(path);
        let output = finish(command.stdin(cat.stdout.take().unwrap())).expect(0);
        assert!(output.stdout.contains(": 7 "), "{}", output.said());
        cat.wait().unwrap();
    }
}
