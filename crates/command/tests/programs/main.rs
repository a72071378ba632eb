//! Programs that answer, and programs that do not: each failure has a reason that names the program, and no
//! process is left.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail loudly too; clippy exempts only the test functions"
)]

use std::{fs, ops::ControlFlow, path::Path, time::Instant};

use bakeoff_command::FAMILY;
use bakeoff_core::{
    FitContext, FitError, FitEvent, FittedModel, ImageShape, Images, ModelHeader, ModelSpec,
    ModelWriter as _, PredictError, Samples, Settings, StoreError, TensorData,
};
use bakeoff_store::{TensorFile, TensorMap};
use serde_json::{Value, json};

mod lives;
mod saved;

fn train() -> Samples {
    let images = Images::new(ImageShape::new(1, 1, 2), vec![0, 9, 9, 0, 1, 8]).unwrap();
    let names = ["a", "b"].map(String::from).to_vec();
    Samples::new(images, [0, 1, 0], names).unwrap()
}

/// A spec of a shell script, with these settings besides.
fn spec(script: &str, more: &Value) -> ModelSpec {
    let mut settings: Settings = [
        ("command", json!(["sh", "model.sh"])),
        ("files", json!({ "model.sh": script })),
        ("format", json!("text")),
        ("answer_seconds", json!(20)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    settings.extend(more.as_object().unwrap().clone());
    FAMILY.resolve(None, &settings).unwrap()
}

fn fit_spec(spec: &ModelSpec) -> Result<Box<dyn FittedModel>, FitError> {
    let mut progress = |_: &FitEvent| ControlFlow::Continue(());
    let mut context = FitContext {
        seed: 7,
        validation: None,
        progress: &mut progress,
    };
    FAMILY.build(spec).unwrap().fit(&train(), &mut context)
}

/// What a fit by this script says.
#[track_caller]
fn fit_fault(script: &str) -> String {
    fit_spec(&spec(script, &json!({})))
        .err()
        .unwrap()
        .to_string()
}

/// A script that fits, and does this for each request of `$n` images in `$f`.
fn answering(body: &str) -> String {
    format!(
        "f=$2\nif [ $1 = fit ]; then echo x >$f/model/x; exit; fi\nwhile read -r n; do\n{body}\ndone\n"
    )
}

fn answerer(body: &str, more: &Value) -> Box<dyn FittedModel> {
    fit_spec(&spec(&answering(body), more)).unwrap()
}

fn ask(model: &dyn FittedModel) -> Result<Vec<f32>, PredictError> {
    let answers = model.predict_proba(train().images())?;
    Ok(answers.rows().flatten().copied().collect())
}

#[track_caller]
fn fault(body: &str) -> String {
    let said = ask(&*answerer(body, &json!({}))).unwrap_err().to_string();
    assert!(said.contains("`sh model.sh`"), "{said}");
    said
}

const HALF: &str = "yes '0.5 0.5' | head -n $n >$f/answers.csv; echo done";

/// Whether a process is there and not only its memory.
fn lives(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", process.trim()));
    status.is_ok_and(|it| !it.contains(") Z "))
}

/// A process that was ended may take a moment.
#[track_caller]
fn assert_end(processes: &str) {
    let start = Instant::now();
    while processes.lines().any(lives) {
        assert!(start.elapsed().as_secs() < 60, "still there: {processes}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn the_protocol_is_as_the_document_says() {
    let root = tempfile::tempdir().unwrap();
    let log = root.path().join("log").display().to_string();
    let script = format!(
        "f=$2\n\
         if [ $1 = fit ]; then\n\
         cat $f/train.csv $f/task.json >{log}\n\
         echo $BAKEOFF_SEED $BAKEOFF_CLASSES $BAKEOFF_SHAPE $BAKEOFF_THREADS $OMP_NUM_THREADS >>{log}\n\
         mkdir $f/model/deep; echo 0.25 0.75 >$f/model/deep/answer; exit\n\
         fi\n\
         while read -r n; do\n\
         echo request $n; cat $f/images.csv >>{log}; ls $f >>{log}\n\
         for i in $(seq $n); do cat $f/model/deep/answer; done >$f/answers.csv\n\
         echo done\n\
         done\n"
    );
    let threads = rayon::current_num_threads();
    let model = fit_spec(&spec(&script, &json!({"settings": {"trees": 3}}))).unwrap();
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.starts_with("0,0,9\n1,9,0\n0,1,8\n{\n"), "{said}");
    assert!(
        said.ends_with(&format!("7 2 1 1 2 {threads} {threads}\n")),
        "{said}"
    );
    let task = &said[said.find('{').unwrap()..=said.rfind('}').unwrap()];
    assert_eq!(
        serde_json::from_str::<Value>(task).unwrap(),
        json!({
            "protocol": 1, "seed": 7, "settings": {"trees": 3}, "format": "text",
            "channels": 1, "height": 1, "width": 2,
            "classes": 2, "class_names": ["a", "b"], "train_images": 3,
        })
    );
    assert_eq!(ask(&*model).unwrap(), [0.25, 0.75].repeat(3));
    let said = fs::read_to_string(&log).unwrap();
    assert!(
        said.ends_with("\n0,9\n9,0\n1,8\nimages.csv\nmodel\ntask.json\n"),
        "{said}"
    );
}

#[test]
fn a_fit_that_fails_says_why() {
    let said = fit_fault("echo first; echo 'no such data' >&2; exit 3");
    assert_eq!(
        said,
        "engine process: `sh model.sh` ended with exit code 3 while it fitted; it said: no such data"
    );
    let said = fit_fault("exit 0");
    assert!(said.contains("left no file in FOLDER/model"), "{said}");
    let said = fit_fault("ln -s /etc/passwd $2/model/x");
    assert!(said.contains("model/x is no regular file"), "{said}");
    let said = fit_fault("kill -SEGV $$");
    assert!(said.contains("signal 11"), "{said}");
    // Endless output is read and forgotten.
    let said = fit_fault("yes | head -c 50000000; echo the end >&2; exit 1");
    assert!(said.ends_with("it said: the end"), "{said}");
    for (script, why) in [
        ("echo bye >&2", "left no file in FOLDER/model; it said: bye"),
        (
            "rm -r $2/model; ln -s /etc $2/model; echo bye >&2",
            "FOLDER/model cannot be read: it is no folder; it said: bye",
        ),
        ("rm -r $2", "FOLDER/model cannot be read: "),
        (
            "truncate -s 40G $2/model/x",
            "model/ holds 42949 MB of files, more than the 10000 MB",
        ),
        (
            "touch $2/model/a:b",
            "model/a:b has a name that other systems lack",
        ),
        (
            "cd $2/model; seq 10001 | xargs touch",
            "more than 10000 files",
        ),
    ] {
        let said = fit_fault(script);
        assert!(
            said.contains("`sh model.sh`") && said.contains(why),
            "{script}: {said}"
        );
    }
    let absent = spec("", &json!({"command": ["no-such-program"]}));
    let said = fit_spec(&absent).err().unwrap().to_string();
    assert!(
        said.contains("`no-such-program` cannot be started"),
        "{said}"
    );
}

#[test]
fn answers_that_are_none_are_refused() {
    for (body, why) in [
        (
            "echo hello >$f/answers.csv; echo done",
            "1 lines for 3 images",
        ),
        (
            "yes cat dog | head -n $n >$f/answers.csv; echo done",
            "`cat`, which is no number",
        ),
        (
            "yes nan 1 | head -n $n >$f/answers.csv; echo done",
            "NaN is no probability",
        ),
        (
            "yes -- -0.5 1.5 | head -n $n >$f/answers.csv; echo done",
            "-0.5 is no probability",
        ),
        (
            "yes 0.5 0.6 | head -n $n >$f/answers.csv; echo done",
            "sum to 1.1",
        ),
        (
            "yes 0.2 0.3 0.5 | head -n $n >$f/answers.csv; echo done",
            "3 numbers in line 1",
        ),
        (
            "yes 0.5 0.5 | head -n 2 >$f/answers.csv; echo done",
            "2 lines for 3",
        ),
        (
            "yes 0.5 0.5 | head -n 4 >$f/answers.csv; echo done",
            "4 lines for 3",
        ),
        ("echo done", "answers.csv cannot be read"),
        ("mkfifo $f/answers.csv; echo done", "no regular file"),
        (
            "ln -s /etc/passwd $f/answers.csv; echo done",
            "no regular file",
        ),
        (
            "ln -s /dev/zero $f/answers.csv; echo done",
            "no regular file",
        ),
        ("mkdir $f/answers.csv; echo done", "no regular file"),
        ("truncate -s 30G $f/answers.csv; echo done", "bytes"),
        ("printf done; exit", "must be `done` in small letters"),
        ("echo Done; exit", "must be `done` in small letters"),
        ("yes 0.5 0.5 >$f/answers.csv; echo done", "writes more than"),
        (
            "echo broken >&2; exit 4",
            "exit code 4 instead of answering; it said: broken",
        ),
        ("exec >&-; sleep 1000", "closed its standard output"),
    ] {
        let said = fault(body);
        assert!(said.contains(why), "{body}: {said}");
    }
}

/// A program may make of its folder what it likes: of the second request nothing is opened, waited for or
/// written over that it left there.
#[test]
fn what_a_program_makes_of_its_folder_is_its_own_failure_or_does_no_harm() {
    let root = tempfile::tempdir().unwrap();
    let victim = root.path().join("victim");
    fs::write(&victim, "keep me").unwrap();
    let victim_shown = victim.display();
    for harm in [
        "rm $f/images.csv; mkfifo $f/images.csv".to_owned(),
        format!("ln -sf {victim_shown} $f/images.csv"),
        "ln -sf images.csv $f/images.csv".into(),
        "ln -sf /dev/full $f/images.csv".into(),
    ] {
        let model = answerer(&format!("{HALF}; {harm}"), &json!({"answer_seconds": 5}));
        for _ in 0..2 {
            assert_eq!(ask(&*model).unwrap(), [0.5; 6], "{harm}");
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "keep me");
    }
    for harm in [
        "rm $f/images.csv; mkdir $f/images.csv",
        "mkdir $f/answers.csv",
        "rm -r $f",
        "mv $f $f.other; ln -s $f.other $f",
        "mv $f $f.other; ln -s data $f",
    ] {
        let body = format!(
            "yes '0.5 0.5' | head -n $n >$f/answers.csv; echo done; read -r n; rm -f $f/answers.csv; {harm}; yes '0.5 0.5' | head -n $n >$f/answers.csv; echo done"
        );
        let model = answerer(&body, &json!({"answer_seconds": 5}));
        assert_eq!(ask(&*model).unwrap(), [0.5; 6], "{harm}");
        // While it answers, or when it is asked again.
        let failed = (0..2).find_map(|_| ask(&*model).err());
        let said = match failed {
            Some(PredictError::Engine { reason, .. }) => reason,
            other => panic!("{harm}: {other:?}"),
        };
        assert!(said.contains("`sh model.sh`"), "{harm}: {said}");
    }
}

#[test]
fn a_program_without_a_first_line_and_one_that_removed_itself_say_what_to_do() {
    let script = "rm -r \"$PWD\"; echo x >$2/model/x";
    let said = ask(&*fit_spec(&spec(script, &json!({}))).unwrap());
    let said = said.unwrap_err().to_string();
    assert!(
        said.contains("it removed the folder that its files lie in"),
        "{said}"
    );
    let plain = json!({"command": ["model.sh"], "files": {"model.sh": "echo x"}});
    let said = fit_spec(&spec("", &plain)).err().unwrap().to_string();
    assert!(said.contains("a first line such as #!/bin/sh"), "{said}");
}

#[test]
fn what_a_library_prints_is_no_answer() {
    let model = answerer(
        &format!("echo loading...; echo 'done?'; {HALF}"),
        &json!({}),
    );
    assert_eq!(ask(&*model).unwrap(), [0.5; 6]);
    assert_eq!(ask(&*model).unwrap(), [0.5; 6]);
}

#[test]
fn settings_that_are_no_program_are_refused() {
    let said = |settings: Value| {
        let mut all = spec("", &json!({})).settings;
        all.extend(settings.as_object().unwrap().clone());
        let spec = FAMILY.resolve(None, &all).unwrap();
        FAMILY.build(&spec).err().unwrap().to_string()
    };
    assert!(said(json!({"command": []})).contains("the program first"));
    assert!(said(json!({"command": ["a\0b"]})).contains("the program first"));
    assert!(said(json!({"files": {"../x": ""}})).contains("cannot be a file's name"));
    let bad = |settings: Value| {
        let settings: Settings = settings.as_object().unwrap().clone().into_iter().collect();
        FAMILY.resolve(None, &settings).err().unwrap().to_string()
    };
    assert!(bad(json!({"command": "python3 model.py"})).contains("a list of texts"));
    assert!(bad(json!({"settings": 3})).contains("a table"));
    assert!(bad(json!({"answer_seconds": 0})).contains("from 1 to 86400"));
}
