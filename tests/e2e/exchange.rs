//! Machines without a shared disk: packed data, and runs in a store. Here the store is a folder;
//! `integrations/store` has a server of S3.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use crate::support::{
    Output, bakeoff, copy_folder, damage, finish, leaderboard, only_entry, read_json, record_path,
    run, scratch, shapes, sidecar, write_folder,
};

const MODELS: &str = "\
datasets = [\"data/shapes\"]
folds = 2
[[models]]
family = \"logistic\"
[[models]]
family = \"knn\"
[[models]]
name = \"too-fast\"
family = \"ann\"
hidden = [64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64]
learning_rate = 10.0
epochs = 3
";

/// A planned run that is in a store, with its data and folder out of the nodes' sight.
struct Cluster {
    folder: PathBuf,
    /// The run, where nodes do not look.
    run: PathBuf,
}

impl Cluster {
    fn new(name: &str) -> Self {
        let folder = scratch(name);
        write_folder(&folder.join("data/shapes"), &shapes());
        fs::write(folder.join("e.toml"), MODELS).unwrap();
        run(&folder, &["plan", "e.toml"]).expect(0);
        let planned = only_entry(&folder.join("reports"));
        let cluster = Self {
            run: folder.join("away").join(planned.file_name().unwrap()),
            folder,
        };
        let pushed = cluster.push(&planned, "store").expect(0);
        assert!(pushed.stdout.contains("Data: "), "{}", pushed.said());
        fs::create_dir(cluster.folder.join("away")).unwrap();
        fs::rename(&planned, &cluster.run).unwrap();
        fs::rename(
            cluster.folder.join("data"),
            cluster.folder.join("away/data"),
        )
        .unwrap();
        cluster
    }

    fn push(&self, planned: &Path, store: &str) -> Output {
        run(&self.folder, &["push", planned.to_str().unwrap(), store])
    }

    fn url(&self, store: &str) -> String {
        format!("file://{}", self.folder.join(store).display())
    }

    /// A command about the store on a machine of that name.
    fn command(
        &self,
        node: &str,
        command: &str,
        store: &str,
        rest: &[&str],
    ) -> std::process::Command {
        let home = self.folder.join("nodes").join(node);
        fs::create_dir_all(&home).unwrap();
        let mut words = bakeoff(&home);
        words
            .env("BAKEOFF_CACHE", home.join("cache"))
            .arg(command)
            .arg(self.url(store))
            .args(rest);
        words
    }

    fn on(&self, node: &str, command: &str, store: &str, rest: &[&str]) -> Output {
        finish(&mut self.command(node, command, store, rest))
    }

    fn pull(&self, to: &str, store: &str) -> Output {
        let models = self.folder.join(to).join("models");
        let words = [
            "pull",
            &format!("{to}/run"),
            store,
            "--models-dir",
            models.to_str().unwrap(),
        ];
        run(&self.folder, &words)
    }

    fn records(&self, store: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join(store).join("records")).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.sort();
        paths
    }
}

/// Every file of a folder's records that does not differ between attempts: the probabilities.
fn probabilities(run: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(run.join("records")).unwrap();
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|ending| ending == "safetensors")
        })
        .map(|entry| {
            let name = entry.file_name().to_str().unwrap().to_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn data_travel_as_a_file_of_their_fingerprint() {
    let folder = scratch("packs");
    write_folder(&folder.join("data/shapes"), &shapes());
    let show = |source: &str| {
        run(&folder, &["data", "show", source, "--json"])
            .expect(0)
            .json()
    };
    let packed = run(
        &folder,
        &["data", "pack", "data/shapes", "--out", "packs", "--json"],
    );
    let packed = packed.expect(0).json();
    let file = packed["file"].as_str().unwrap();
    assert!(file.contains(packed["fingerprint"].as_str().unwrap()));
    let (before, after) = (show("data/shapes"), show(file));
    for key in ["name", "fingerprint", "shape", "classes"] {
        assert_eq!(before[key], after[key], "{key}");
    }

    fs::write(folder.join("e.toml"), MODELS).unwrap();
    let plan = |rest: &[&str]| {
        let out = run(&folder, &[&["plan", "e.toml", "--json"], rest].concat());
        PathBuf::from(out.expect(0).json()["run"].as_str().unwrap())
    };
    let (plain, with_data) = (plan(&[]), plan(&["--pack"]));
    fs::rename(folder.join("data"), folder.join("away")).unwrap();
    let trial = |run_folder: &Path, rest: &[&str]| {
        let words = ["trial", run_folder.to_str().unwrap(), "--index", "0"];
        run(&folder, &[&words, rest].concat())
    };
    trial(&plain, &[]).expect(75).complains_of(&["data/shapes"]);
    trial(&with_data, &[]).expect(0);
    trial(&plain, &["--packs", "packs"]).expect(0);
    assert_eq!(
        fs::read(sidecar(&folder.join(&plain), "logistic")).unwrap(),
        fs::read(sidecar(&folder.join(&with_data), "logistic")).unwrap()
    );
    // A damaged one is named, together with the path that is not there either.
    damage(&folder.join(file));
    let words = [
        "trial",
        plain.to_str().unwrap(),
        "--index",
        "1",
        "--packs",
        "packs",
    ];
    run(&folder, &words)
        .expect(75)
        .complains_of(&[file, "data/shapes"]);
    // Data of the plan that are back are used.
    fs::rename(folder.join("away"), folder.join("data")).unwrap();
    run(&folder, &words).expect(0);
}

#[test]
fn a_run_goes_through_a_store_and_is_that_of_one_machine() {
    let cluster = Cluster::new("exchange");
    let trial = |node: &str, which: &str| cluster.on(node, "trial", "store", &["--indices", which]);
    cluster.on("desk", "status", "store", &[]).expect(75);
    trial("a", "0-3").expect(1);
    let again = trial("b", "0").expect(0);
    assert!(again.stdout.contains("done already"), "{}", again.said());
    let status = cluster
        .on("desk", "status", "store", &["--json"])
        .expect(75)
        .json();
    assert_eq!(
        (&status["done"], &status["failed"]),
        (&3.into(), &1.into()),
        "{status}"
    );
    // A first look, before the rest is there.
    cluster.pull("desk", "store").expect(0);
    trial("b", "0-8").expect(1);
    cluster.on("desk", "status", "store", &[]).expect(1);
    let pulled = cluster.pull("desk", "store").expect(0);
    assert!(
        pulled.stdout.contains("5 new records, 4 here already"),
        "{}",
        pulled.said()
    );
    let again = cluster.pull("desk", "store").expect(0);
    assert!(
        again
            .stdout
            .contains("0 new records, 9 here already, 0 replaced, 0 new models"),
        "{}",
        again.said()
    );

    // The same on one machine.
    fs::rename(
        cluster.folder.join("away/data"),
        cluster.folder.join("data"),
    )
    .unwrap();
    run(&cluster.folder, &["run", "e.toml", "--out", "local", "-q"]).expect(1);
    let local = only_entry(&cluster.folder.join("local"));
    let desk = cluster.folder.join("desk/run");
    assert_eq!(probabilities(&desk), probabilities(&local));
    assert!(!probabilities(&local).is_empty());
    run(
        &cluster.folder,
        &["report", "desk/run", "--models-dir", "desk/models"],
    )
    .expect(0);
    let accuracies = |folder: &Path| {
        let rows = leaderboard(folder);
        rows.iter()
            .map(|row| (row["model"].clone(), row["accuracy"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(accuracies(&desk), accuracies(&local));
    // The models came, too, and answer as those of this machine.
    let models = |folder: &str| {
        let out = run(&cluster.folder, &["models", "--models-dir", folder]).expect(0);
        ["logistic", "knn"].map(|name| out.stdout.contains(&format!("shapes/{name}")))
    };
    assert_eq!(models("desk/models"), [true, true]);
    assert_eq!(models("models"), [true, true]);

    // What is there can be put there again, and another run cannot.
    let pushed = cluster.push(&cluster.run, "store").expect(0);
    assert!(pushed.stdout.contains("0 new records"), "{}", pushed.said());
    cluster
        .push(&local, "store")
        .expect(1)
        .complains_of(&["another run is there"]);
    run(&cluster.folder, &["pull", local.to_str().unwrap(), "store"])
        .expect(1)
        .complains_of(&["another run"]);
    // A run that is done here, with its models, into another store.
    let pushed = cluster.push(&local, "second").expect(0);
    assert!(pushed.stdout.contains("9 new records"), "{}", pushed.said());
    let pulled = cluster.pull("third", "second").expect(0);
    assert!(pulled.stdout.contains("2 new models"), "{}", pulled.said());
}

#[test]
fn attempts_that_meet_or_end_early_leave_one_record() {
    let cluster = Cluster::new("attempts-meet");
    let twin = cluster.folder.join("twin");
    copy_folder(&cluster.folder.join("store"), &twin);
    let trial = |node: &str, store: &str| cluster.on(node, "trial", store, &["--index", "0"]);

    // An attempt that ended before it could send its record: the next one on that machine does.
    trial("a", "twin").expect(0);
    let made = fs::read(&cluster.records("twin")[0]).unwrap();
    let sent = trial("a", "store").expect(0);
    assert!(sent.stdout.contains("done already"), "{}", sent.said());
    assert!(made == fs::read(&cluster.records("store")[0]).unwrap());

    // One that finds another's record there takes it.
    let other = cluster.folder.join("other");
    copy_folder(&twin, &other);
    fs::remove_file(&cluster.records("other")[0]).unwrap();
    trial("b", "other").expect(0);
    assert!(made != fs::read(&cluster.records("other")[0]).unwrap());
    trial("b", "store").expect(0);
    assert!(made == fs::read(&cluster.records("store")[0]).unwrap());
    let cache = only_entry(&cluster.folder.join("nodes/b/cache"));
    assert!(made == fs::read(record_path(&cache, "logistic")).unwrap());

    // Two attempts at the same time: both succeed, whichever record is kept.
    let start = |node: &str, index: &str| {
        let mut command = cluster.command(node, "trial", "store", &["--index", index]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [start("c", "1"), start("d", "1")].map(|child| child.wait_with_output().unwrap());
    for output in &both {
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(cluster.records("store").len(), 2);
    cluster.pull("desk", "store").expect(0);

    // Killed at any moment, what has a record is whole.
    for pause in [5, 20, 40, 60, 80, 100, 140, 200] {
        for node in [format!("killed-{pause}"), "e".into()] {
            let mut child = start(&node, "3");
            std::thread::sleep(Duration::from_millis(pause));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let status = cluster.on("looker", "status", "store", &[]).expect(75);
        // `submit` needs a folder.
        assert!(!status.stdout.contains("submit"), "{}", status.said());
        assert!(!status.stderr.contains("warning"), "{}", status.said());
    }
    cluster
        .on("e", "trial", "store", &["--index", "3"])
        .expect(0);
    assert_eq!(cluster.records("store").len(), 3);
    cluster.pull("desk", "store").expect(0);
    run(&cluster.folder, &["status", "desk/run"]).expect(75);
}

#[test]
fn a_damaged_object_is_named_and_replaced_by_a_successor() {
    let cluster = Cluster::new("damaged-objects");
    let trial = |node: &str, index: &str| cluster.on(node, "trial", "store", &["--index", index]);
    trial("a", "0").expect(0);
    trial("a", "1").expect(0);
    cluster.pull("early", "store").expect(0);
    let [first, second] = [0, 1].map(|place| cluster.records("store")[place].clone());
    // A record, and a file that another one names.
    damage(&first);
    let named = read_json(&second)["probabilities"]["file"].clone();
    damage(&second.with_file_name(named.as_str().unwrap()));
    let status = cluster.on("desk", "status", "store", &[]).expect(75);
    status.complains_of(&[first.to_str().unwrap(), second.to_str().unwrap(), "missing"]);
    cluster
        .pull("desk", "store")
        .expect(1)
        .complains_of(&["warning"]);
    for index in ["0", "1"] {
        trial("b", index).expect(0).complains_of(&["is replaced"]);
    }
    assert_eq!(cluster.records("store").len(), 4);
    let again = trial("c", "0").expect(0);
    assert!(again.stdout.contains("done already"), "{}", again.said());
    let pulled = cluster.pull("desk", "store").expect(0);
    assert!(pulled.stdout.contains("2 new records"), "{}", pulled.said());
    // Who has an earlier record gets its successor, and keeps the earlier one aside.
    let pulled = cluster.pull("early", "store").expect(0);
    assert!(pulled.stdout.contains("2 replaced"), "{}", pulled.said());
    let early = cluster.folder.join("early/run");
    let aside = record_path(&early, "logistic").with_extension("json.damaged");
    assert!(aside.exists());
    assert_eq!(
        probabilities(&early),
        probabilities(&cluster.folder.join("desk/run"))
    );
}

#[test]
fn what_a_store_lacks_is_said() {
    let cluster = Cluster::new("store-lacks");
    // No data there and none at the planned path.
    fs::remove_dir_all(cluster.folder.join("store/data")).unwrap();
    let trial = |rest: &[&str]| {
        let words = [&["--index", "0"], rest].concat();
        cluster.on("a", "trial", "store", &words)
    };
    trial(&[]).expect(75).complains_of(&["data/shapes"]);
    let packs = cluster.folder.join("packs");
    let data = cluster.folder.join("away/data/shapes");
    let words = [
        "data",
        "pack",
        data.to_str().unwrap(),
        "--out",
        packs.to_str().unwrap(),
    ];
    run(&cluster.folder, &words).expect(0);
    trial(&["--packs", packs.to_str().unwrap(), "--no-models"]).expect(0);
    // A model that stayed on its machine is missed and not passed over.
    let pulled = cluster.pull("desk", "store").expect(0);
    assert!(
        pulled.stdout.contains("The models of 1 trial are"),
        "{}",
        pulled.said()
    );
    cluster
        .on("a", "trial", "nowhere", &["--index", "0"])
        .expect(75)
        .complains_of(&["has no run.json", "bakeoff push"]);
    let ftp = ["trial", "ftp://x/y", "--index", "0"];
    run(&cluster.folder, &ftp)
        .expect(75)
        .complains_of(&["s3://BUCKET/PREFIX"]);
    let mut no_keys = bakeoff(&cluster.folder);
    no_keys
        .args(["status", "s3://bucket/run"])
        .env_remove("AWS_ACCESS_KEY_ID");
    finish(&mut no_keys)
        .expect(1)
        .complains_of(&["AWS_ACCESS_KEY_ID"]);
}
