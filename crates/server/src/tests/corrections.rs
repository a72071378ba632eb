//! Corrections become a dataset that `bakeoff evaluate` reads.

use std::{fs, sync::Arc};

use serde_json::json;

use super::support::*;
use crate::Limits;

#[tokio::test]
async fn corrections_are_kept_counted_and_readable_as_a_dataset() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let none = server.get("/api/v1/corrections").await.is_ok();
    assert_eq!(none["datasets"], json!([]));
    for (label, model) in [("7", "better"), ("1", "mnist/worse"), ("7", "better")] {
        let body = json!({ "pixels": bar_pixels(), "label": label, "model": model });
        let answer = server
            .post_json("/api/v1/corrections", body.to_string())
            .await;
        assert_eq!(answer.status.as_u16(), 201, "{}", answer.text());
    }
    let own = folder.path().join("corrections/mnist");
    let table = fs::read_to_string(own.join("labels.csv")).expect("a table");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "file,label,predicted,model,time");
    assert!(
        lines[1].starts_with("000001.png,7,3,mnist/better,20"),
        "{}",
        lines[1]
    );
    assert!(
        lines[2].starts_with("000002.png,1,3,mnist/worse,20"),
        "{}",
        lines[2]
    );
    assert_eq!(lines.len(), 4);
    let dataset = bakeoff_data::open(own.to_str().expect("a plain path")).expect("a dataset");
    assert_eq!(dataset.test().len(), 3);
    assert_eq!(dataset.test().images().get(0), Some(&bar_pixels()[..]));

    let listed = server.get("/api/v1/corrections").await.is_ok();
    let entry = &listed["datasets"][0];
    assert_eq!(entry["dataset"], "mnist");
    assert_eq!(entry["count"], 3);
    let command = entry["evaluate"].as_str().expect("text");
    assert!(
        command.starts_with("bakeoff evaluate --model mnist/better --dataset "),
        "{command}"
    );
    let models = folder.path().join("models");
    let flag = bakeoff_ask::models_dir_flag(&models);
    assert!(command.ends_with(&flag), "{command}");
}

#[tokio::test]
async fn a_class_that_looks_like_a_formula_stays_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut model = served("mnist", "better", 0.9, tenths());
    let own = Arc::get_mut(&mut model).expect("nobody else has it");
    let names = &mut own.saved.manifest.facts.class_names;
    names.iter_mut().for_each(|name| name.insert(0, '='));
    let server = Fixture::new(folder.path(), only(vec![model]), Limits::default());
    for label in ["=7", "=1"] {
        let body = json!({ "pixels": bar_pixels(), "label": label, "model": "better" });
        let answer = server
            .post_json("/api/v1/corrections", body.to_string())
            .await;
        assert_eq!(answer.status.as_u16(), 201, "{}", answer.text());
    }
    let own = folder.path().join("corrections/mnist");
    let table = fs::read_to_string(own.join("labels.csv")).expect("a table");
    assert!(
        table.contains("000001.png,'=7,'=3,mnist/better,"),
        "{table}"
    );
    let dataset = bakeoff_data::open_to_evaluate(
        own.to_str().expect("a plain path"),
        &bakeoff_core::OpenOptions::default(),
        None,
    );
    let dataset = dataset.expect("a dataset").dataset;
    assert_eq!(dataset.test().class_names(), ["=1", "=7"]);
    assert_eq!(dataset.test().labels(), [1, 0]);
}

#[tokio::test]
async fn the_latest_correction_can_be_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let own = folder.path().join("corrections/mnist");
    let body = json!({ "pixels": bar_pixels(), "label": "7", "model": "better" }).to_string();
    let remove = async |path: &str| {
        let path = format!("/api/v1/corrections/{path}");
        server.ask(request("DELETE", &path, "")).await
    };
    remove("mnist/000001.png")
        .await
        .is_problem(404, "not-found");
    let mut tables = Vec::new();
    for _ in 0..3 {
        let kept = server.post_json("/api/v1/corrections", body.clone()).await;
        assert_eq!(kept.status.as_u16(), 201);
        tables.push(fs::read(own.join("labels.csv")).expect("a table"));
    }
    for wrong in [
        "mnist/000001.png",
        "mnist/labels.csv",
        "mnist/..%2f..%2flabels.csv",
        "%2e%2e/000003.png",
        "fashion/000003.png",
    ] {
        remove(wrong).await.is_problem(404, "not-found");
    }
    for (file, before) in [("000003.png", 1), ("000002.png", 0)] {
        let gone = remove(&format!("mnist/{file}")).await;
        assert_eq!(gone.status.as_u16(), 204, "{}", gone.text());
        assert!(!own.join(file).exists());
        let table = fs::read(own.join("labels.csv")).expect("a table");
        assert_eq!(table, tables[before]);
    }
    assert_eq!(remove("mnist/000001.png").await.status.as_u16(), 204);
    let table = fs::read_to_string(own.join("labels.csv")).expect("a table");
    assert_eq!(table, "file,label,predicted,model,time\n");
    // And it goes on from there.
    let kept = server.post_json("/api/v1/corrections", body).await;
    assert_eq!(kept.json()["file"], "000001.png");
    assert_eq!(
        fs::read_to_string(own.join("labels.csv"))
            .expect("a table")
            .lines()
            .count(),
        2
    );
}

#[tokio::test]
async fn what_is_no_correction_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let good = json!({ "pixels": bar_pixels(), "label": "7", "model": "better" });
    let with = |key: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[key] = value;
        body.to_string()
    };
    for (body, status, code) in [
        (with("label", json!("seven")), 422, "invalid-request"),
        (with("label", json!("../7")), 422, "invalid-request"),
        (with("model", json!("nobody")), 404, "unknown-model"),
        (with("pixels", json!([1, 2, 3])), 422, "invalid-request"),
        (with("pixels", json!(vec![0; 784])), 422, "nothing-drawn"),
        (with("note", json!("x")), 422, "invalid-request"),
    ] {
        let answer = server.post_json("/api/v1/corrections", body).await;
        answer.is_problem(status, code);
    }
    let form = request("POST", "/api/v1/corrections", "label=7");
    let answer = server.ask(form).await;
    answer.is_problem(415, "unsupported-media-type");
    assert!(!folder.path().join("corrections").exists());
}

#[tokio::test]
async fn a_table_that_was_spoilt_is_told_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let own = folder.path().join("corrections/mnist");
    fs::create_dir_all(&own).expect("a folder");
    fs::write(own.join("labels.csv"), "file,label\nx\n").expect("written");
    let body = json!({ "pixels": bar_pixels(), "label": "7", "model": "better" });
    let answer = server
        .post_json("/api/v1/corrections", body.to_string())
        .await;
    let problem = answer.is_problem(500, "internal");
    assert!(
        problem["detail"]
            .as_str()
            .expect("text")
            .contains("labels.csv")
    );
    let entries = fs::read_dir(&own).expect("a folder").count();
    assert_eq!(entries, 1, "an image was left behind");
}

#[tokio::test]
async fn a_spoilt_table_hides_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    for (dataset, table) in [("mnist", "file,label\nx\n"), ("other", "file,label\n")] {
        let own = folder.path().join("corrections").join(dataset);
        fs::create_dir_all(&own).expect("a folder");
        fs::write(own.join("labels.csv"), table).expect("written");
    }
    let listed = server.get("/api/v1/corrections").await.is_ok();
    let told = listed["datasets"][0]["problem"].as_str().expect("text");
    assert!(told.contains("labels.csv"), "{told}");
    assert_eq!(listed["datasets"][1]["dataset"], "other");
    assert!(listed["datasets"][1].get("problem").is_none());
}

#[tokio::test]
async fn a_row_goes_on_no_line_that_an_editor_left_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let body = json!({ "pixels": bar_pixels(), "label": "7", "model": "better" }).to_string();
    let table = folder.path().join("corrections/mnist/labels.csv");
    for count in 1..=2 {
        let kept = server.post_json("/api/v1/corrections", body.clone()).await;
        assert_eq!(kept.json()["count"], count, "{}", kept.text());
        let text = fs::read_to_string(&table).expect("a table");
        fs::write(&table, text.trim_end()).expect("written");
    }
    let listed = server.get("/api/v1/corrections").await.is_ok();
    assert_eq!(listed["datasets"][0]["count"], 2, "{listed}");
}

/// Posts a correction of the usual image to label 7, which the model takes for a 3.
async fn correct(server: &Fixture) -> Answer {
    let body = json!({ "pixels": bar_pixels(), "label": "7", "model": "better" });
    server
        .post_json("/api/v1/corrections", body.to_string())
        .await
}

/// A folder of corrections of MNIST with this table.
fn with_table(folder: &std::path::Path, table: &[u8]) -> std::path::PathBuf {
    let own = folder.join("corrections/mnist");
    fs::create_dir_all(&own).expect("a folder");
    fs::write(own.join("labels.csv"), table).expect("written");
    own
}

#[tokio::test]
async fn a_row_is_written_by_the_columns_of_the_header() {
    for (header, row) in [
        (
            "label,file,predicted,model,time\n",
            "7,000001.png,3,mnist/better,20",
        ),
        (
            "file,predicted,label,model,time\n",
            "000001.png,3,7,mnist/better,20",
        ),
        ("label,file\n", "7,000001.png"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Fixture::new(folder.path(), two_models(), Limits::default());
        let own = with_table(folder.path(), header.as_bytes());
        let kept = correct(&server).await;
        assert_eq!(kept.status.as_u16(), 201, "{}", kept.text());
        let table = fs::read_to_string(own.join("labels.csv")).expect("a table");
        let rest = table.strip_prefix(header).expect("the header stays");
        assert!(rest.starts_with(row), "{table}");
        let gone = request("DELETE", "/api/v1/corrections/mnist/000001.png", "");
        assert_eq!(server.ask(gone).await.status.as_u16(), 204);
        assert_eq!(
            fs::read_to_string(own.join("labels.csv")).expect("a table"),
            header
        );
    }
}

#[tokio::test]
async fn a_header_with_another_column_is_refused_by_its_name() {
    for (header, word) in [
        ("file,label,note\n", "`note`"),
        ("file,predicted\n", "`label` is missing"),
        ("file,label,label\n", "twice"),
        ("file;label\n", "separated by commas"),
        ("file\tlabel\n", "separated by commas"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Fixture::new(folder.path(), two_models(), Limits::default());
        let own = with_table(folder.path(), header.as_bytes());
        let answer = correct(&server).await;
        let problem = answer.is_problem(500, "internal");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(word), "{detail}");
        assert_eq!(fs::read_dir(&own).expect("a folder").count(), 1);
        assert_eq!(
            fs::read_to_string(own.join("labels.csv")).expect("a table"),
            header
        );
    }
}

#[tokio::test]
async fn a_torn_end_is_set_aside_and_the_rest_goes_on() {
    let whole = "file,label,predicted,model,time\n\
                 000001.png,7,3,mnist/better,2026-11-29T14:46:55.994096203Z\n";
    let cuts: [&[u8]; 6] = [
        b"0",
        b"000002.png,7,",
        b"000002.png,7,3,mnist/better,2026-11-2",
        b"000002.png,\"7",
        b"000002.png,\xc3",
        b"000002.png,7,3,mnist/better,",
    ];
    for cut in cuts {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Fixture::new(folder.path(), two_models(), Limits::default());
        let own = with_table(folder.path(), &[whole.as_bytes(), cut].concat());
        let kept = correct(&server).await;
        assert_eq!(kept.status.as_u16(), 201, "{cut:?}: {}", kept.text());
        assert_eq!(kept.json()["count"], 2, "{cut:?}");
        let table = fs::read_to_string(own.join("labels.csv")).expect("a table");
        assert!(table.starts_with(whole), "{table}");
        assert_eq!(table.lines().count(), 3, "{table}");
        let torn = fs::read(own.join("labels.torn.csv")).expect("what was torn");
        assert_eq!(torn, [cut, b"\n"].concat());
    }
}

#[tokio::test]
async fn a_table_that_is_too_long_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let own = with_table(folder.path(), b"file,label\n");
    let table = fs::OpenOptions::new()
        .write(true)
        .open(own.join("labels.csv"));
    // It takes no room on the disk.
    let table = table.expect("a table");
    table.set_len(4 << 30).expect("longer");
    let problem = correct(&server).await.is_problem(500, "internal");
    let detail = problem["detail"].as_str().expect("text");
    assert!(detail.contains("4294967296 bytes"), "{detail}");
}

/// A row is cut within quotation marks where the time is not the last column, too.
#[tokio::test]
async fn a_row_that_is_cut_within_quotation_marks_is_set_aside() {
    let whole = "label,file\n7,000001.png\n";
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let own = with_table(folder.path(), [whole, "7,\"0000"].concat().as_bytes());
    assert_eq!(correct(&server).await.status.as_u16(), 201);
    let read = |name: &str| fs::read_to_string(own.join(name)).expect("a table");
    assert_eq!(read("labels.csv"), [whole, "7,000002.png\n"].concat());
    assert_eq!(read("labels.torn.csv"), "7,\"0000\n");
}

#[tokio::test]
async fn a_mistake_of_a_person_is_told_and_nothing_is_cut() {
    for (table, words) in [
        ("file,label\nx\n000002.png,7\n", "line 2"),
        // The correction would become a part of the value.
        ("label,file\n7,\"000001.png\n", "line 2: a quotation mark"),
        ("label,file\n7,\"1.png\n7,2.png", "line 2: a quotation mark"),
        ("label,\"file\n", "line 1: a quotation mark"),
        ("file,label\n\"1.png,7\n2.png,7", "line 2"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Fixture::new(folder.path(), two_models(), Limits::default());
        let own = with_table(folder.path(), table.as_bytes());
        let answer = correct(&server).await;
        let problem = answer.is_problem(500, "internal");
        let detail = problem["detail"].as_str().expect("text");
        assert!(detail.contains(words), "{detail}");
        assert_eq!(
            fs::read_to_string(own.join("labels.csv")).expect("a table"),
            table
        );
    }
}

#[tokio::test]
async fn what_others_change_meanwhile_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Fixture::new(folder.path(), two_models(), Limits::default());
    let own = with_table(folder.path(), b"file,label\n");
    assert_eq!(correct(&server).await.json()["count"], 1);
    assert_eq!(correct(&server).await.json()["count"], 2);
    // Another program adds many rows.
    let rows: String = (3..5000).map(|n| format!("{n:06}.png,7\n")).collect();
    let table = own.join("labels.csv");
    let before = fs::read_to_string(&table).expect("a table");
    fs::write(&table, before + &rows).expect("written");
    let kept = correct(&server).await.json();
    assert_eq!(
        (&kept["count"], &kept["file"]),
        (&json!(5000), &json!("005000.png"))
    );
    let listed = server.get("/api/v1/corrections").await.is_ok();
    assert_eq!(listed["datasets"][0]["count"], 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_another_program_holds_stalls_no_prediction() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits {
        threads: 1,
        ..Limits::default()
    };
    let server = Fixture::new(folder.path(), two_models(), limits);
    let own = with_table(folder.path(), b"file,label\n");
    let held = fs::File::open(own.join("labels.csv")).expect("a table");
    held.lock().expect("a lock");
    let question = json!({ "pixels": bar_pixels(), "models": ["better"] }).to_string();
    let (corrected, predicted) = tokio::join!(correct(&server), async {
        let answer = server.post_json("/api/v1/predict", question).await;
        (answer.status.as_u16(), held.unlock().is_ok())
    });
    // The prediction came while the table was held; the correction came after.
    assert_eq!(predicted, (200, true));
    assert_eq!(corrected.status.as_u16(), 201, "{}", corrected.text());
    let again = fs::File::open(own.join("labels.csv")).expect("a table");
    again.lock().expect("a lock");
    let problem = correct(&server).await;
    let problem = problem.is_problem(503, "busy");
    assert!(problem["detail"].as_str().expect("text").contains("in use"));
}
