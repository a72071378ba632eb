//! Programs that do harm, and signals.

use super::*;

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
