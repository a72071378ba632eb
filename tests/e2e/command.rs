//! Models that are programs: trained, measured, saved and asked like any other; and programs that do harm.

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
fn programs_that_do_harm_are_failed_rows_and_leave_nothing() {
    let folder = prepared("command-faults", "");
    let ids = folder.join("ids");
    let shown = ids.display();
    let mut text = String::from(
        "datasets = [\"data/shapes\"]\ntime_limit_seconds = 5\nmemory_limit_mb = 300\n\
         [[models]]\nfamily = \"knn\"\n",
    );
    text += CENTROID;
    let hang = format!(
        "echo $$ >{shown}\necho still working\nsh -c 'echo $$ >>{shown}; exec sleep 1000' &\nsleep 1000\n"
    );
    text += &script(&folder, "hangs", &hang);
    text += &script(
        &folder,
        "crashes",
        "printf 'it \\033[31mbroke\\007' >&2; exit 7\n",
    );
    // It asks for more at once than one process may.
    text += &script(
        &folder,
        "greedy",
        "exec awk 'BEGIN { s = \"x\"; while (1) s = s s }'\n",
    );
    // Each asks for less than the limit, all of them together for more.
    text += &script(
        &folder,
        "greedy-family",
        "for i in 1 2 3 4 5 6; do\n\
         awk 'BEGIN { s = \"x\"; while (length(s) < 60000000) s = s s; system(\"sleep 100\") }' &\n\
         done\nwait\n",
    );
    // Shared memory counts, once for all that share it: a gigabyte is too much, and what five
    // processes have together is not.
    let python = finish(std::process::Command::new("python3").arg("--version"));
    let shares = python.code == Some(0);
    if shares {
        for (name, megabytes, waits) in [("shm", 1000, 1), ("shared", 150, 0)] {
            let program = format!(
                "exec python3 -S -c 'if 1:\n\
                 \x20 import mmap, os, time\n\
                 \x20 m = mmap.mmap(-1, {megabytes}000000)\n\
                 \x20 m[::4096] = bytes(len(m[::4096]))\n\
                 \x20 for i in range(4):\n\
                 \x20   if os.fork() == 0: sum(m[::4096]); time.sleep(0.3); os._exit(0)\n\
                 \x20 for i in range(4): os.wait()\n\
                 \x20 time.sleep({waits}); os._exit(9)'\n"
            );
            text += &script(&folder, name, &program);
        }
    }
    text +=
        "[[models]]\nname = \"absent\"\nfamily = \"command\"\ncommand = [\"no-such-program\"]\n";
    fs::write(folder.join("e.toml"), text).unwrap();
    let output = run(&folder, &["run", "e.toml"]).expect(1);
    let run_folder = only_entry(&folder.join("reports"));
    let rows = leaderboard(&run_folder);
    for model in ["knn", "centroid"] {
        assert_eq!(row(&rows, model)["status"], "ok", "{}", output.said());
    }
    for (model, cause, reason) in [
        (
            "hangs",
            Some("time-limit"),
            "5 s (time_limit_seconds) while it ran `sh programs/hangs.sh`; it said: still working",
        ),
        (
            "crashes",
            None,
            "exit code 7 while it fitted; it said: it \\u{1b}[31mbroke\\u{7}",
        ),
        ("greedy", Some("memory-limit"), "300 MB"),
        ("greedy-family", Some("memory-limit"), "300 MB"),
        ("absent", None, "`no-such-program` cannot be started"),
    ] {
        let failed = record(&run_folder, model);
        assert_eq!(
            failed["cause"]["kind"].as_str(),
            cause,
            "{model}: {failed:#}"
        );
        let said = failed["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{model}: {said}");
    }
    if shares {
        let failed = record(&run_folder, "shm");
        assert_eq!(failed["cause"]["kind"], "memory-limit", "{failed:#}");
        let failed = record(&run_folder, "shared")["reason"].to_string();
        assert!(failed.contains("exit code 9 while it fitted"), "{failed}");
    }
    all_end(&fs::read_to_string(&ids).unwrap());
    let hidden = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with('.');
    let left: Vec<_> = entries(&run_folder);
    let left: Vec<_> = left
        .iter()
        .filter(hidden)
        .filter(|it| it.is_dir())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The folders that programs work in, below a folder for temporary files.
#[cfg(target_os = "linux")]
fn work_folders(temporary: &Path) -> Vec<PathBuf> {
    let mut found = entries(temporary);
    found.retain(|it| it.to_string_lossy().contains("bakeoff-command-"));
    found
}

#[cfg(target_os = "linux")]
fn kill(signal: &str, process: &str) {
    let mut kill = std::process::Command::new("kill");
    assert_eq!(finish(kill.args([signal, process.trim()])).code, Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_no_program_and_one_signal_to_a_program_is_an_accident() {
    let folder = prepared("command-killed", "");
    let (ids, allowed) = (folder.join("ids"), folder.join("allowed"));
    // A child in a group of its own is of the program, too.
    let body = format!(
        "[ -e {} ] && exec sh {} \"$@\"\n\
         sh -c 'echo $$; exec sleep 1000' >{ids}.child &\n\
         while [ ! -s {ids}.child ]; do :; done\necho $$ >{ids}.own\n\
         cat {ids}.own {ids}.child >{ids}; sleep 1000\n",
        allowed.display(),
        root().join("integrations/shell/centroid.sh").display(),
        ids = ids.display()
    );
    let text = "datasets = [\"data/shapes\"]\n".to_owned() + &script(&folder, "waits", &body);
    fs::write(folder.join("e.toml"), text).unwrap();
    let temporary = folder.join("tmp");
    fs::create_dir(&temporary).unwrap();
    let start = || {
        let _ = fs::remove_file(&ids);
        let child = bakeoff(&folder)
            .args(["run", "e.toml", "--resume"])
            .env("TMPDIR", &temporary)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        (child, written(&ids))
    };
    let parent = |process: &str| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest.split(' ').nth(1).unwrap().to_owned()
    };
    for (whom, signal, code) in [
        ("run", "-KILL", None),
        ("run", "-INT", Some(130)),
        ("run", "-TERM", Some(143)),
        ("run", "-HUP", Some(129)),
        // Nothing of it can end what it started.
        ("trial", "-KILL", Some(137)),
    ] {
        if code.is_some_and(|code| crate::survival::is_ignored(code - 128)) {
            continue;
        }
        let (mut child, processes) = start();
        let program = processes.lines().next().unwrap();
        match whom {
            "run" => kill(signal, &child.id().to_string()),
            _ => kill(signal, &parent(program)),
        }
        assert_eq!(child.wait().unwrap().code(), code, "{whom} {signal}");
        all_end(&processes);
        let run_folder = only_entry(&folder.join("reports"));
        assert!(
            !record_path(&run_folder, "waits").exists(),
            "{whom} {signal}"
        );
    }
    let (child, processes) = start();
    fs::write(&allowed, "").unwrap();
    kill("-TERM", processes.lines().next().unwrap());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("begins again: `sh programs/waits.sh` was ended by signal 15"),
        "{said}"
    );
    all_end(&processes);
    let run_folder = only_entry(&folder.join("reports"));
    assert!(record(&run_folder, "waits")["scores"].is_object());
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_asked_ends_with_whoever_asks_and_nothing_of_it_stays() {
    let folder = prepared("command-asked", "");
    let (ids, hang) = (folder.join("ids"), folder.join("hang"));
    // It answers as the document's shortest program does, until the file is there.
    let body = format!(
        "case $1 in\nfit) echo x >\"$2/model/x\" ;;\n\
         predict) [ -e {} ] && {{ echo $$ >{}; sleep 1000; }}\n\
         k=$BAKEOFF_CLASSES\n\
         while read -r n; do awk -v n=$n -v k=$k 'BEGIN {{ for (i = 0; i < n; i++) {{ for (j = 0; j < k; j++) printf \"%s \", 1 / k; print \"\" }} }}' \\\n\
         >\"$2/answers.csv\"; echo done; done ;;\nesac\n",
        hang.display(),
        ids.display()
    );
    let text = "datasets = [\"data/shapes\"]\n".to_owned() + &script(&folder, "same", &body);
    fs::write(folder.join("e.toml"), text).unwrap();
    image(&folder);
    run(&folder, &["run", "e.toml", "--quiet"]).expect(0);
    fs::write(&hang, "").unwrap();
    let temporary = folder.join("tmp");
    fs::create_dir(&temporary).unwrap();
    for (signal, code, leaves) in [
        ("-INT", Some(130), 0),
        ("-TERM", Some(143), 0),
        ("-HUP", Some(129), 0),
        ("-KILL", None, 1),
        // The next one removes what that one could not.
        ("-TERM", Some(143), 0),
    ] {
        if code.is_some_and(|code| crate::survival::is_ignored(code - 128)) {
            continue;
        }
        let _ = fs::remove_file(&ids);
        let mut child = bakeoff(&folder)
            .args(["predict", "--model", "same", "one.png"])
            .env("TMPDIR", &temporary)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let process = written(&ids);
        for work in work_folders(&temporary) {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&work).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "others could read the images");
        }
        kill(signal, &child.id().to_string());
        assert_eq!(child.wait().unwrap().code(), code, "{signal}");
        all_end(&process);
        assert_eq!(work_folders(&temporary).len(), leaves, "{signal}");
    }
}

#[test]
fn a_program_that_always_ends_itself_by_a_signal_has_a_failed_row() {
    let folder = prepared("command-signalled", "");
    let tries = folder.join("tries");
    let mut text = "datasets = [\"data/shapes\"]\n".to_owned();
    let body = format!(
        "echo x >>{}\necho bye >&2\nkill -TERM $$\n",
        tries.display()
    );
    text += &script(&folder, "itself", &body);
    text += &script(&folder, "group", "trap 'trap - TERM; kill 0' EXIT\n");
    text += CENTROID;
    fs::write(folder.join("e.toml"), text).unwrap();
    run(&folder, &["run", "e.toml"]).expect(1);
    let run_folder = only_entry(&folder.join("reports"));
    for model in ["itself", "group"] {
        let said = record(&run_folder, model)["reason"].to_string();
        let why = format!(
            "each of 3 attempts ended by a signal; the last: `sh programs/{model}.sh` was ended by signal 15"
        );
        assert!(said.contains(&why), "{said}");
    }
    assert!(
        record(&run_folder, "itself")["reason"]
            .to_string()
            .contains("it said: bye")
    );
    assert_eq!(fs::read_to_string(&tries).unwrap().lines().count(), 3);
    assert_eq!(row(&leaderboard(&run_folder), "centroid")["status"], "ok");
    // It stays failed.
    run(&folder, &["run", "e.toml", "--resume"]).expect(1);
    assert_eq!(fs::read_to_string(&tries).unwrap().lines().count(), 3);
}

#[test]
fn a_trial_that_fails_leaves_the_earlier_model_of_its_name() {
    let folder = prepared("command-keeps", CENTROID);
    image(&folder);
    run(&folder, &["run", "e.toml", "--quiet"]).expect(0);
    let ask = || {
        run(
            &folder,
            &["predict", "--model", "centroid", "one.png", "--json"],
        )
    };
    let before = ask().expect(0).stdout;
    let manifest = folder.join("models/shapes/centroid/manifest.json");
    let saved = fs::read(&manifest).unwrap();
    // Another program under the same name, whose second process answers other than its first.
    let body = "case $1 in\nfit) echo 0 >\"$2/model/x\" ;;\n\
                predict) s=$(cat \"$2/model/x\"); echo $((s + 1)) >\"$2/model/x\"\n\
                while read -r n; do awk -v n=$n -v k=$BAKEOFF_CLASSES -v s=$s 'BEGIN { for (i = 0; i < n; i++) { for (j = 0; j < k; j++) printf \"%s \", (j == s); print \"\" } }' \\\n\
                >\"$2/answers.csv\"; echo done; done ;;\nesac\n";
    let other = script(&folder, "centroid", body);
    fs::write(
        folder.join("e.toml"),
        "datasets = [\"data/shapes\"]\n".to_owned() + &other,
    )
    .unwrap();
    let output = run(&folder, &["run", "e.toml", "--quiet"]).expect(1);
    output.complains_of(&[
        "answers the same images differently",
        "`sh programs/centroid.sh`",
    ]);
    assert_eq!(fs::read(&manifest).unwrap(), saved);
    assert_eq!(ask().expect(0).stdout, before);
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
