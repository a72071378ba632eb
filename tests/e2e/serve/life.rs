//! From the start of a server to its end.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{PATIENCE, Serving, drawn, server_says, shell_says};
use crate::support::{comparison, copy_folder, damage, entries, run, scratch};

#[test]
fn it_answers_as_the_shell_does_and_ends_when_asked() {
    let folder = scratch("serve-life");
    let serving = Serving::of_comparison(&folder, &[]);
    for word in ["mnist-3000/cnn", "mnist-3000/knn", "Ctrl-C"] {
        assert!(serving.said.contains(word), "{}", serving.said);
    }
    assert!(serving.address.ip().is_loopback());
    let mut client = serving.client();
    assert_eq!(client.get("/api/v1/health").ok()["models"], 4);
    let shell = shell_says(&folder, &comparison().folder.join("models"), 20, &["--all"]);
    for (index, expected) in shell.iter().enumerate() {
        let answer = client.predict(&drawn(index), None).ok();
        // The same numbers, not nearly the same.
        assert_eq!(server_says(&answer), *expected, "digit {index}");
    }
    let page = client.get("/").text();
    assert!(page.contains("<title>bakeoff"), "{page}");

    // The page colours the models as their report does: in the order of the plan.
    let plan = fs::read_to_string(comparison().run.join("plan.jsonl")).unwrap();
    let mut planned: Vec<String> = Vec::new();
    for line in plan.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = line["trial"]["model"].as_str().unwrap().to_owned();
        if !planned.contains(&name) {
            planned.push(name);
        }
    }
    for model in client.get("/api/v1/models").ok()["models"]
        .as_array()
        .unwrap()
    {
        let name = model["name"].as_str().unwrap().rsplit('/').next().unwrap();
        let place = planned.iter().position(|it| it == name);
        assert_eq!(
            model["series"].as_u64().map(|it| it as usize),
            place,
            "{name}"
        );
    }

    // The report of the comparison is listed and opens.
    let reports = client.get("/api/v1/reports").ok();
    let href = reports["reports"][0]["href"].as_str().unwrap().to_owned();
    let report = client.get(&href);
    assert_eq!(report.status, 200);
    let on_disk = fs::read_to_string(comparison().run.join("report.html")).unwrap();
    assert_eq!(report.text(), on_disk);

    serving.ask_to_end();
    let (code, said) = serving.ended();
    assert_eq!((code, said.as_str()), (Some(0), ""));
}

#[test]
fn a_request_in_progress_is_answered_before_the_end() {
    let folder = scratch("serve-graceful");
    let serving = Serving::of_comparison(&folder, &[]);
    let mut client = serving.client();
    let (kind, body) = super::http::form(&[("picture", "x.png", &drawn(3))]);
    let kind = format!("Content-Type: {kind}");
    let length = format!("Content-Length: {}", body.len());
    client.send_head("POST", "/api/v1/predict", &[&kind, &length]);
    let half = body.len() / 2;
    client.send_raw(&body[..half]).unwrap();
    thread::sleep(Duration::from_millis(200));
    serving.ask_to_end();
    thread::sleep(Duration::from_millis(200));
    client.send_raw(&body[half..]).unwrap();
    let answer = client.read().unwrap().ok();
    assert_eq!(answer["predictions"].as_array().map(Vec::len), Some(4));
    assert_eq!(serving.ended().0, Some(0));
}

#[test]
fn a_port_in_use_is_told_with_the_remedy() {
    let folder = scratch("serve-port");
    let serving = Serving::of_comparison(&folder, &[]);
    let port = serving.address.port().to_string();
    let models = comparison().folder.join("models");
    let models = models.to_str().unwrap();
    run(&folder, &["serve", "--port", &port, "--models-dir", models])
        .expect(1)
        .complains_of(&[&port, "--port", "another program"]);
}

#[test]
fn other_machines_are_let_in_only_on_purpose() {
    let folder = scratch("serve-remote");
    for host in ["0.0.0.0", "::"] {
        run(&folder, &["serve", "--port", "0", "--host", host])
            .expect(1)
            .complains_of(&["--allow-remote", "without a password"]);
    }
    run(&folder, &["serve", "--port", "0", "--host", "no such host"])
        .expect(1)
        .complains_of(&["--host no such host", "127.0.0.1"]);
    let serving = Serving::of_comparison(&folder, &["--host", "0.0.0.0", "--allow-remote"]);
    assert!(
        serving.said.contains("without a password"),
        "{}",
        serving.said
    );
    let mut client = serving.client();
    let port = serving.address.port();
    let host = format!("Host: 192.0.2.7:{port}");
    let answer = client.request("GET", "/api/v1/health", &[&host], b"");
    assert_eq!(answer.status, 200);
    let answer = client.request("GET", "/api/v1/health", &["Host: evil.example"], b"");
    answer.is_problem(403, "foreign-host");
}

#[test]
fn without_models_it_trains_some_while_the_page_is_up() {
    let folder = scratch("serve-first");
    let serving = Serving::start(&folder, &[]);
    assert!(
        serving.said.contains("no saved models") && serving.said.contains("training"),
        "{}",
        serving.said
    );
    let mut client = serving.client();
    assert_eq!(client.get("/").status, 200);
    let end = Instant::now() + PATIENCE;
    let (mut states, mut done) = (Vec::<Value>::new(), 0);
    loop {
        let progress = client.get("/api/v1/training").ok();
        let now = progress["done"].as_u64().unwrap();
        assert!(now >= done, "{progress}");
        done = now;
        // A model answers as soon as it is there, while the next is trained.
        let models = client.get("/api/v1/models").ok();
        assert!(models["models"].as_array().unwrap().len() as u64 >= done);
        if done > 0 {
            client.predict(&drawn(0), None).ok();
        }
        if !states.contains(&progress["state"]) {
            states.push(progress["state"].clone());
        }
        if progress["state"] != "running" {
            assert_eq!(progress["problems"], json!([]));
            break;
        }
        assert!(Instant::now() < end, "{progress}");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(states, [json!("running"), json!("finished")]);
    assert_eq!(done, 4);
    let reports = client.get("/api/v1/reports").ok();
    let href = reports["reports"][0]["href"].as_str().unwrap();
    assert_eq!(client.get(href).status, 200);
}

/// The command lines of every process that names this folder.
fn processes(name: &str) -> Vec<String> {
    let Ok(all) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    all.filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(name) && line.contains(" trial "))
        .collect()
}

#[test]
fn what_it_trains_ends_with_it() {
    let folder = scratch("serve-first-ends");
    let models = folder.join("models-that-never-come");
    let serving = Serving::start(&folder, &["--models-dir", models.to_str().unwrap()]);
    let end = Instant::now() + PATIENCE;
    if fs::exists("/proc").unwrap() {
        while processes("models-that-never-come").is_empty() {
            assert!(Instant::now() < end, "nothing is trained");
            thread::sleep(Duration::from_millis(5));
        }
    }
    serving.ask_to_end();
    let start = Instant::now();
    let (code, _) = serving.ended();
    assert_eq!(code, Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "it took long to end"
    );
    while !processes("models-that-never-come").is_empty() {
        assert!(Instant::now() < end, "a trial goes on alone");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_damaged_model_is_named_and_the_others_answer() {
    let folder = scratch("serve-damaged");
    copy_folder(&comparison().folder.join("models"), &folder.join("models"));
    let cnn = folder.join("models/mnist-3000/cnn");
    let weights = entries(&cnn)
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "safetensors"))
        .unwrap();
    damage(&weights);
    let serving = Serving::start(&folder, &[]);
    let mut client = serving.client();
    let list = client.get("/api/v1/models").ok();
    assert_eq!(list["models"].as_array().map(Vec::len), Some(3));
    let told = &list["unreadable"][0];
    assert_eq!(told["name"], "mnist-3000/cnn");
    assert!(told["reason"].as_str().unwrap().contains("checksum"));
    let answer = client.predict(&drawn(0), None).ok();
    assert_eq!(answer["predictions"].as_array().map(Vec::len), Some(3));
    client
        .predict(&drawn(0), Some("cnn"))
        .is_problem(503, "unreadable-model");
    serving.ask_to_end();
    let (_, said) = serving.ended();
    assert!(
        said.contains("mnist-3000/cnn: left out") && said.contains("checksum"),
        "{said}"
    );
}

/// The names in a list of answers or models, sorted.
fn names(list: &Value, key: &str) -> Vec<String> {
    let mut names: Vec<String> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it[key].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_copied_model_is_called_by_its_folder_everywhere() {
    let folder = scratch("serve-copied");
    let models = folder.join("models/mnist-3000");
    let shared = comparison().folder.join("models/mnist-3000/knn");
    for name in ["knn", "copy"] {
        copy_folder(&shared, &models.join(name));
    }
    let both = ["mnist-3000/copy", "mnist-3000/knn"];
    let picture = folder.join("seven.png");
    fs::write(&picture, drawn(0)).unwrap();
    let shell = |arguments: &[&str]| run(&folder, arguments).expect(0);
    let listed = shell(&["models", "--json"]).json();
    assert_eq!(names(&listed["saved"], "name"), both);
    let line = shell(&["predict", "--all", "--json", "seven.png"]).json();
    assert_eq!(names(&line["predictions"], "model"), both);
    let one = shell(&["predict", "--all", "seven.png"]).stdout;
    let several = shell(&["predict", "--all", "seven.png", "seven.png"]).stdout;
    for name in both {
        assert_eq!(one.matches(name).count(), 1, "{one}");
        assert_eq!(several.matches(name).count(), 1, "{several}");
    }
    let line = shell(&["predict", "--model", "copy", "--json", "seven.png"]).json();
    assert_eq!(names(&line["predictions"], "model"), ["mnist-3000/copy"]);

    let serving = Serving::start(&folder, &[]);
    for name in both {
        assert!(serving.said.contains(name), "{}", serving.said);
    }
    let mut client = serving.client();
    let listed = client.get("/api/v1/models").ok();
    assert_eq!(names(&listed["models"], "name"), both);
    let answer = client.predict(&drawn(0), None).ok();
    assert_eq!(names(&answer["predictions"], "model"), both);
    let answer = client.predict(&drawn(0), Some("copy")).ok();
    assert_eq!(names(&answer["predictions"], "model"), ["mnist-3000/copy"]);
    // A correction says which of them it corrects, and is kept with its data's.
    let correction = json!({
        "pixels": answer["inputs"][0]["pixels"],
        "label": "7",
        "model": "copy",
    });
    let json = ["Content-Type: application/json"];
    let body = correction.to_string();
    let kept = client.request("POST", "/api/v1/corrections", &json, body.as_bytes());
    assert_eq!(kept.status, 201, "{}", kept.text());
    let table = fs::read_to_string(folder.join("corrections/mnist/labels.csv")).unwrap();
    assert!(table.contains(",mnist-3000/copy,"), "{table}");
    let own = ["--dataset", "corrections/mnist", "--json"];
    let evaluated = shell(&[&["evaluate", "--model", "copy"], &own[..]].concat()).json();
    assert_eq!(evaluated["model"], "mnist-3000/copy");

    // Renamed while the page is up.
    fs::rename(models.join("copy"), models.join("other")).unwrap();
    let renamed = ["mnist-3000/knn", "mnist-3000/other"];
    let end = Instant::now() + PATIENCE;
    while names(&client.get("/api/v1/models").ok()["models"], "name") != renamed {
        assert!(Instant::now() < end, "the new name is never told");
        thread::sleep(Duration::from_millis(100));
    }
    client.predict(&drawn(0), Some("other")).ok();
    client
        .predict(&drawn(0), Some("copy"))
        .is_problem(404, "unknown-model");
}

#[test]
fn corrections_become_a_dataset_that_models_are_evaluated_on() {
    let folder = scratch("serve-corrections");
    let serving = Serving::of_comparison(&folder, &[]);
    let mut client = serving.client();
    let json = ["Content-Type: application/json"];
    for index in 0..6 {
        let answer = client.predict(&drawn(index), Some("knn")).ok();
        let correction = json!({
            "pixels": answer["inputs"][0]["pixels"],
            "label": super::mnist().labels()[index].to_string(),
            "model": "knn",
        });
        let kept = client.request(
            "POST",
            "/api/v1/corrections",
            &json,
            correction.to_string().as_bytes(),
        );
        assert_eq!(kept.status, 201, "{}", kept.text());
        assert_eq!(kept.json()["count"], index + 1);
    }
    let listed = client.get("/api/v1/corrections").ok();
    assert_eq!(listed["datasets"][0]["count"], 6);
    // The command that the page shows does what it says.
    let command = listed["datasets"][0]["evaluate"].as_str().unwrap();
    let mut words: Vec<&str> = command.split_whitespace().skip(1).collect();
    assert!(words.contains(&"--models-dir"), "{command}");
    words.push("--json");
    let evaluated = run(&folder, &words).expect(0).json();
    assert_eq!(evaluated["samples"], 6);
}
