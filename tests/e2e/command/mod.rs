//! Models that are programs: trained, measured, saved and asked like any other.

mod harm;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::{
    serve::Serving,
    support::{
        bakeoff, entries, finish, leaderboard, only_entry, record, record_path, root, row, run,
        scratch, shapes, trial_ids, write_folder,
    },
};

/// A new folder with data, the script of the documents beside the experiment, and this experiment.
fn prepared(name: &str, models: &str) -> PathBuf {
    let folder = scratch(name);
    write_folder(&folder.join("data/shapes"), &shapes());
    let script = root().join("integrations/shell/centroid.sh");
    fs::create_dir(folder.join("programs")).unwrap();
    fs::copy(script, folder.join("programs/centroid.sh")).unwrap();
    let head = "datasets = [\"data/shapes\"]\n";
    fs::write(folder.join("e.toml"), head.to_owned() + models).unwrap();
    folder
}

const CENTROID: &str = "\
[[models]]
name = \"centroid\"
family = \"command\"
command = [\"sh\", \"programs/centroid.sh\"]
format = \"text\"
";

/// A model whose program is this script, given as TOML's literal text.
fn script(folder: &Path, name: &str, text: &str) -> String {
    fs::write(folder.join(format!("programs/{name}.sh")), text).unwrap();
    format!(
        "[[models]]\nname = \"{name}\"\nfamily = \"command\"\nformat = \"text\"\n\
         command = [\"sh\", \"programs/{name}.sh\"]\n"
    )
}

/// Waits until no process of these numbers lives, or fails.
fn all_end(processes: &str) {
    let lives = |process: &str| {
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.trim()));
        stat.is_ok_and(|it| !it.contains(") Z "))
    };
    assert!(processes.lines().count() > 0);
    let end = Instant::now() + Duration::from_secs(60);
    while processes.lines().any(lives) {
        assert!(Instant::now() < end, "still there: {processes}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What a file holds, once it holds something.
fn written(path: &Path) -> String {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text;
        }
        assert!(Instant::now() < end, "{} stays empty", path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

/// An image of the test part, as a person would have it.
fn image(folder: &Path) -> PathBuf {
    let shapes = shapes();
    let images = shapes.test().images();
    let png = bakeoff_picture::encode_png(images.shape(), images.get(0).unwrap()).unwrap();
    let path = folder.join("one.png");
    fs::write(&path, png).unwrap();
    path
}

#[test]
fn a_program_is_trained_measured_saved_and_asked_like_any_model() {
    let head = "calibrate = \"temperature\"\nrobustness = [\"noise\"]\nfolds = 2\n\
                [[models]]\nfamily = \"logistic\"\n";
    let folder = prepared("command", &(head.to_owned() + CENTROID));
    image(&folder);
    run(&folder, &["run", "e.toml"]).expect(0);
    let run_folder = only_entry(&folder.join("reports"));
    let rows = leaderboard(&run_folder);
    let accuracy = row(&rows, "centroid")["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    let measured = record(&run_folder, "centroid");
    let costs = &measured["costs"];
    assert_eq!(costs["parameters"], 0);
    assert!(costs["model_bytes"].as_u64().unwrap() > 1000, "{costs:#}");
    // Of awk, which is another process.
    assert!(costs["fit_cpu_ns"].as_u64().unwrap() > 0, "{costs:#}");
    assert!(costs["fit_peak_rss_bytes"].as_u64() > costs["rss_before_fit_bytes"].as_u64());
    assert_eq!(measured["robustness"].as_array().unwrap().len(), 5);
    assert!(measured["calibration"]["temperature"].as_f64().unwrap() > 0.0);
    let page = fs::read_to_string(run_folder.join("report.html")).unwrap();
    assert!(page.contains("centroid.sh (") && page.contains("format"));
    // Nothing of the work is left in the run's folder.
    let hidden = |path: &&PathBuf| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(".scratch")
    };
    assert_eq!(entries(&run_folder).iter().filter(hidden).count(), 0);

    // It answers after the folder of its script is gone, alone and in the page.
    fs::remove_dir_all(folder.join("programs")).unwrap();
    let asked = ["predict", "--model", "centroid", "one.png", "--json"];
    let answer = run(&folder, &asked).expect(0).json();
    let evaluated = ["evaluate", "data/shapes", "--model", "centroid", "--json"];
    let evaluated = run(&folder, &evaluated).expect(0).json();
    assert!(
        (evaluated["accuracy"].as_f64().unwrap() - accuracy).abs() < 1e-9,
        "{evaluated:#}"
    );
    let serving = Serving::start(&folder, &[]);
    let png = fs::read(folder.join("one.png")).unwrap();
    let mut client = serving.client();
    for _ in 0..2 {
        let served = client.predict(&png, Some("shapes/centroid")).ok();
        assert!(served.to_string().contains("shapes/centroid"), "{served:#}");
    }
    assert!(answer.to_string().contains("shapes/centroid"), "{answer:#}");
    serving.ask_to_end();
    serving.ended();

    // Its list of settings, for people.
    let listed = run(&folder, &["models", "--settings", "command"]).expect(0);
    for word in [
        "command = []",
        "files = ",
        "answer_seconds = 600",
        "docs/command.md",
    ] {
        assert!(listed.stdout.contains(word), "{}", listed.said());
    }
}

#[test]
fn a_model_from_elsewhere_runs_nothing_without_consent() {
    let folder = prepared("command-trust", CENTROID);
    image(&folder);
    run(&folder, &["run", "e.toml", "--quiet"]).expect(0);
    let ask = |state: &str, more: &[&str]| {
        let mut command = bakeoff(&folder);
        command.env("XDG_STATE_HOME", folder.join(state));
        finish(
            command
                .args(["predict", "one.png", "--model", "centroid"])
                .args(more),
        )
    };
    ask("state", &[]).expect(0);
    ask("of-another-user", &[]).expect(1).complains_of(&[
        "was not trained here by this user",
        "--allow-commands",
        "shapes/centroid",
    ]);
    ask("of-another-user", &["--allow-commands"]).expect(0);
    // Consent is for once.
    ask("of-another-user", &[]).expect(1);
    let mut command = bakeoff(&folder);
    command.env("XDG_STATE_HOME", folder.join("of-another-user"));
    let all = finish(command.args(["evaluate", "data/shapes", "--all"]));
    all.expect(1).complains_of(&["--allow-commands"]);
    // A report needs none, because it runs nothing.
    let run_folder = only_entry(&folder.join("reports"));
    let mut command = bakeoff(&folder);
    command.env("XDG_STATE_HOME", folder.join("of-another-user"));
    finish(command.arg("report").arg(&run_folder)).expect(0);
    let page = fs::read_to_string(run_folder.join("report.html")).unwrap();
    assert!(!page.contains("its file is damaged"));
}

#[test]
fn a_list_of_trusted_models_that_cannot_be_used_is_said() {
    let folder = prepared("command-list", CENTROID);
    image(&folder);
    let state = folder.join("own-state");
    fs::write(&state, "a file").unwrap();
    let asked = |arguments: &[&str]| {
        let mut command = bakeoff(&folder);
        finish(command.env("XDG_STATE_HOME", &state).args(arguments))
    };
    let predict = ["predict", "one.png", "--model", "centroid"];
    let warning = "cannot be noted as trained by you";
    asked(&["run", "e.toml"])
        .expect(0)
        .complains_of(&[warning, "own-state"]);
    asked(&predict).expect(1).complains_of(&[
        "it cannot be known whether it was trained here",
        "own-state",
    ]);
    fs::remove_file(&state).unwrap();
    fs::create_dir_all(state.join("bakeoff")).unwrap();
    let list = state.join("bakeoff/trusted-commands");
    let made = std::process::Command::new("mkfifo").arg(&list).status();
    assert!(made.unwrap().success());
    asked(&predict)
        .expect(1)
        .complains_of(&["it is no regular file"]);
    fs::remove_file(&list).unwrap();
    fs::write(&list, b"\xff\xfe rubbish without an end").unwrap();
    asked(&predict)
        .expect(1)
        .complains_of(&["was not trained here by this user"]);
    let again = asked(&["run", "e.toml"]).expect(0);
    assert!(!again.stderr.contains(warning), "{}", again.said());
    asked(&predict).expect(0);
}

#[test]
fn another_script_is_another_trial_and_mistakes_have_their_line() {
    let folder = prepared("command-plan", CENTROID);
    let ids = |out: &str| {
        run(&folder, &["plan", "e.toml", "--out", out]).expect(0);
        trial_ids(&only_entry(&folder.join(out)))
    };
    let first = ids("a");
    // Wherever the experiment lies, it is the same trial.
    assert_eq!(first, ids("b"));
    let path = folder.join("programs/centroid.sh");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + "# another\n").unwrap();
    assert_ne!(first, ids("c"));
    for (models, said) in [
        ("[[models]]\nfamily = \"command\"\n", "the program first"),
        (
            "[[models]]\nfamily = \"command\"\ncommand = [\"sh\"]\nfiles = [\"absent.sh\"]\n",
            "absent.sh is no file",
        ),
        (
            "[[models]]\nfamily = \"command\"\ncommand = [\"sh\"]\nsettings = 3\n",
            "e.toml:5",
        ),
        ("[[models]]\nfamily = \"knn\"\nk = { a = 1 }\n", "e.toml:4"),
    ] {
        let text = "datasets = [\"data/shapes\"]\n".to_owned() + models;
        fs::write(folder.join("e.toml"), text).unwrap();
        run(&folder, &["plan", "e.toml"])
            .expect(1)
            .complains_of(&[said]);
    }
}
