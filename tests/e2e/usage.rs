//! Exit codes, help, completions, and what the program says of mistakes.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use crate::support::{bakeoff, comparison, run, scratch};

/// The commands that `--help` lists below this heading, with their purposes.
fn listed_commands(help: &str) -> Vec<(String, String)> {
    help.lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(name, purpose)| (name.to_owned(), purpose.trim().to_owned()))
        .collect()
}

#[test]
fn every_command_explains_itself() {
    let folder = scratch("help");
    let help = run(&folder, &["--help"]).expect(0).stdout;
    assert!(help.contains("Which classifier should I use"), "{help}");
    assert!(
        help.contains("Exit codes: 0 fine, 1 something failed, 2"),
        "{help}"
    );
    let commands = listed_commands(&help);
    let names: Vec<&str> = commands.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "run",
        "plan",
        "trial",
        "status",
        "submit",
        "models",
        "predict",
        "evaluate",
        "serve",
        "report",
        "diff",
        "rank",
        "export",
        "import",
        "export-model",
        "data",
        "completions",
        "man",
    ] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let mut paths: Vec<(Vec<&str>, &str)> = commands
        .iter()
        .map(|(name, purpose)| (vec![name.as_str()], purpose.as_str()))
        .collect();
    let data = listed_commands(&run(&folder, &["data", "--help"]).expect(0).stdout);
    paths.extend(
        data.iter()
            .map(|(name, purpose)| (vec!["data", name.as_str()], purpose.as_str())),
    );
    assert!(paths.len() > commands.len());
    for (path, purpose) in paths {
        let help = run(&folder, &[&path[..], &["--help"]].concat())
            .expect(0)
            .stdout;
        assert!(help.starts_with(purpose), "{path:?}:\n{help}");
        assert!(
            help.contains(&format!("Usage: bakeoff {}", path.join(" "))),
            "{help}"
        );
        // Every option says what it is for.
        let lines: Vec<&str> = help.lines().collect();
        for (position, line) in lines.iter().enumerate() {
            let option = line.trim_start();
            if option.starts_with("--") || option.starts_with("-h") {
                let words = option.split_once("  ").map(|(_, words)| words.trim());
                let next = lines.get(position + 1).map_or("", |next| next.trim());
                let explained = words.is_some_and(|words| !words.is_empty())
                    || (!next.is_empty() && !next.starts_with('-'));
                assert!(explained, "{path:?}: {option}");
            }
        }
    }
    let version = run(&folder, &["--version"]).expect(0).stdout;
    assert_eq!(version, format!("bakeoff {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_right() {
    let folder = scratch("wrong-usage");
    for (arguments, words) in [
        (&["run", "--epoch", "3"][..], &["--epoch", "--epochs"][..]),
        (&["run", "--epochs", "0"], &["--epochs", "0"]),
        (&["run", "--epochs", "many"], &["--epochs", "many"]),
        (&["run", "--limit-train", "0"], &["a whole number from 1"]),
        (
            &["run", "--folds", "1"],
            &["`--folds` is 1; allowed: a whole number from 2 to 100"],
        ),
        (
            &["plan", "quick", "--seed", "3,3"],
            &["`--seed` has the item 3 twice"],
        ),
        (&["run", "--retry-failed"], &["--resume"]),
        (&["run", "--quiet", "--json"], &["--quiet", "--json"]),
        (&["predict", "--model", "cnn"], &["<IMAGE>"]),
        (&["evaluate", "--model", "cnn"], &["--dataset"]),
        (&["plan"], &["<EXPERIMENT>"]),
        (&["trial"], &["<RUN>"]),
        (&["diff", "a"], &["<RUN_B>"]),
        (&["diff", "a", "b", "--metric", "kappa"], &["macro-f1"]),
        (&["rank"], &["<RUN>"]),
        (&["export", "a", "--format", "pdf"], &["latex"]),
        (&["data"], &["show", "list"]),
        (&["completions", "cobol"], &["bash", "fish", "zsh"]),
        (&["ru"], &["'run'"]),
        (&[], &["Usage: bakeoff"]),
    ] {
        run(&folder, arguments).expect(2).complains_of(words);
    }
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        0,
        "something was written"
    );
}

#[test]
fn a_broken_experiment_is_shown_where_it_is_broken() {
    let folder = scratch("broken-experiments");
    for (text, words) in [
        (
            "[[models]]\nfamily = \"knn\"\n\nmetrc = \"cosine\"\n",
            &[
                "broken.toml:4:1: knn has no setting `metrc`",
                "did you mean `metric`?",
                "4 | metrc = \"cosine\"",
            ][..],
        ),
        (
            "[[models]]\nfamily = \"cnm\"\n",
            &["broken.toml:2:1:", "`cnm`", "did you mean `cnn`?"],
        ),
        (
            "limit_train = -5\n[[models]]\nfamily = \"knn\"\n",
            &[
                "broken.toml:1:15:",
                "`limit_train` is -5",
                "a whole number from 1",
            ],
        ),
        (
            "[[models]]\nfamily = \"ann\"\nepochs = \"ten\"\n",
            &["broken.toml:3:", "`epochs`"],
        ),
        (
            "[[models]]\nfamily = \"cnn\"\nlayers = [\"conv 32 3\", \"max-poll 2\"]\n",
            &["broken.toml:3:", "max-poll 2"],
        ),
        (
            "[[models]]\nfamily = \"knn\"\nengine = \"linfa-nn\"\nmetric = \"cosine\"\n",
            &["broken.toml:", "linfa-nn", "metric"],
        ),
        ("name = \"unfinished\n", &["broken.toml:1:"]),
        ("datasets = [\"mnist\"]\n", &["no models", "[[models]]"]),
    ] {
        fs::write(folder.join("broken.toml"), text).unwrap();
        for command in ["run", "plan"] {
            run(&folder, &[command, "broken.toml"])
                .expect(1)
                .complains_of(words);
        }
    }
    // Refused by what the data is like, before anything is trained.
    let deep = "[[models]]\nfamily = \"cnn\"\nlayers = [\"max-pool 2\", \"max-pool 2\", \"max-pool 2\", \"max-pool 2\", \"max-pool 2\"]\n";
    fs::write(folder.join("broken.toml"), deep).unwrap();
    run(&folder, &["run", "broken.toml"])
        .expect(1)
        .complains_of(&["cnn", "max-pool 2"]);

    run(&folder, &["run", "no-such-file.toml"])
        .expect(1)
        .complains_of(&["no-such-file.toml", "default, quick"]);
    run(&folder, &["run", "quick", "--models", "knn,cn"])
        .expect(1)
        .complains_of(&[
            "no model `cn`",
            "did you mean `cnn`?",
            "logistic, knn, ann, cnn",
        ]);
    run(&folder, &["run", "quick", "--epochs", "1000000"])
        .expect(1)
        .complains_of(&["epochs"]);
    assert!(!folder.join("reports").exists(), "a run was begun");
    run(&folder, &["models", "--settings", "kn"])
        .expect(1)
        .complains_of(&["`kn`", "did you mean `knn`?"]);
}

#[test]
fn settings_are_listed_with_defaults() {
    let folder = scratch("settings");
    for family in ["logistic", "knn", "ann", "cnn"] {
        let text = run(&folder, &["models", "--settings", family])
            .expect(0)
            .stdout
            .replace(" (not in this build)", "");
        let json = run(&folder, &["models", "--settings", family, "--json"])
            .expect(0)
            .json();
        let engines: Vec<&str> = json["engines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|engine| engine["engine"].as_str().unwrap())
            .collect();
        let line = format!(
            "\nengine = {}\n",
            engines.join(" | ").replacen(" |", " (default) |", 1)
        );
        assert!(engines.len() > 1 && text.contains(&line), "{text}");
        let settings = json["settings"].as_array().unwrap();
        assert!(!settings.is_empty());
        for setting in settings {
            let key = setting["setting"].as_str().unwrap();
            assert!(
                text.contains(&format!("\n{key} = ")),
                "{key} is not in\n{text}"
            );
        }
    }
}

#[test]
fn shells_can_complete_the_commands() {
    let folder = scratch("completions");
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&folder, &["completions", shell]).expect(0).stdout;
        for word in ["bakeoff", "predict", "limit-train"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

#[test]
fn manual_pages_are_written() {
    let folder = scratch("man");
    run(&folder, &["man", "man1"]).expect(0);
    for (name, words) in [
        ("bakeoff.1", "Which classifier should I use"),
        ("bakeoff-run.1", "seeds"),
        ("bakeoff-data-show.1", "overview"),
    ] {
        let page = fs::read_to_string(folder.join("man1").join(name)).unwrap();
        assert!(page.contains(words), "{name}: {page}");
    }
    fs::write(folder.join("file"), "").unwrap();
    run(&folder, &["man", "file"])
        .expect(1)
        .complains_of(&["cannot write manual pages to file"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    for arguments in [
        &["models"][..],
        &["data", "show", "mnist"],
        &["completions", "bash"],
    ] {
        let mut child = bakeoff(&comparison().folder)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // `| head -0`: gone before the first line is written.
        drop(child.stdout.take());
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(said, "", "{arguments:?}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
    // `| head -1`, in the middle of much.
    let mut child = bakeoff(&comparison().folder)
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(!line.is_empty());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((said.as_str(), child.wait().unwrap().code()), ("", Some(0)));
}
