//! When a program ends, and what ends with it.

use super::*;

#[test]
fn a_signal_is_told_apart_from_a_failure() {
    for name in ["TERM", "KILL"] {
        let fitted = fit_spec(&spec(&format!("kill -{name} $$"), &json!({})));
        assert!(
            matches!(fitted.err().unwrap(), FitError::Signalled(_)),
            "{name}"
        );
        let asked = ask(&*answerer(
            &format!("echo bye >&2; kill -{name} $$"),
            &json!({}),
        ));
        let Err(PredictError::Signalled(said)) = asked else {
            panic!("{name}");
        };
        assert!(
            said.contains("`sh model.sh` was ended by signal")
                && said.contains("instead of answering; it said: bye"),
            "{said}"
        );
    }
}

#[test]
fn a_program_reaches_nobody_but_its_own_group() {
    let root = tempfile::tempdir().unwrap();
    let ids = root.path().join("ids");
    let shown = ids.display();
    // Its own end ends what it started; this process goes on.
    let script = format!(
        "trap 'trap - TERM; kill 0' EXIT\nsh -c 'echo $$ >{shown}; exec sleep 1000' &\n\
         while [ ! -s {shown} ]; do :; done\n"
    );
    let fitted = fit_spec(&spec(&script, &json!({})));
    assert!(matches!(fitted.err(), Some(FitError::Signalled(_))));
    assert_end(&fs::read_to_string(&ids).unwrap());
    // What it leaves running ends with it, too.
    let script = format!(
        "echo x >$2/model/x\n(sh -c 'echo $$ >{shown}.2; exec sleep 1000' &)\n\
         while [ ! -s {shown}.2 ]; do :; done\n"
    );
    fit_spec(&spec(&script, &json!({}))).unwrap();
    assert_end(&fs::read_to_string(format!("{shown}.2")).unwrap());
}

#[test]
fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let root = tempfile::tempdir().unwrap();
    let ids = root.path().join("ids");
    let shown = ids.display();
    let limit = json!({"answer_seconds": 1});
    for hang in ["sleep 1000", "yes", "sleep 1000 & wait"] {
        let body = format!("echo $$ >{shown}; sh -c 'echo $$ >>{shown}; exec sleep 1000' & {hang}");
        let said = ask(&*answerer(&body, &limit)).unwrap_err().to_string();
        assert!(
            said.contains("no answer within 1 s (answer_seconds)"),
            "{said}"
        );
        let ids = fs::read_to_string(&ids).unwrap();
        assert_eq!(ids.lines().count(), 2);
        assert_end(&ids);
    }
}

#[test]
fn a_program_lives_as_long_as_its_model_and_starts_again_after_its_death() {
    let root = tempfile::tempdir().unwrap();
    let ids = root.path().join("ids");
    let shown = ids.display();
    // It dies after its first answer.
    let body = format!("echo $$ >>{shown}; {HALF}; [ $(wc -l <{shown}) = 1 ] && exit 1");
    let model = answerer(&body, &json!({}));
    assert_eq!(ask(&*model).unwrap(), [0.5; 6]);
    assert!(ask(&*model).is_err());
    for _ in 0..3 {
        assert_eq!(ask(&*model).unwrap(), [0.5; 6]);
    }
    let all = fs::read_to_string(&ids).unwrap();
    let processes: Vec<&str> = all.lines().collect();
    assert_eq!(processes.len(), 4);
    assert_ne!(processes[0], processes[1]);
    assert!(processes[1] == processes[2] && processes[2] == processes[3]);
    assert!(lives(processes[3]));
    drop(model);
    assert_end(processes[3]);
}

#[test]
fn a_fit_that_is_cancelled_ends_its_program() {
    let root = tempfile::tempdir().unwrap();
    let id = root.path().join("id");
    let script = format!("echo $$ >{}; sleep 1000", id.display());
    let mut progress = |event: &FitEvent| match event {
        FitEvent::Started { .. } => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut progress,
    };
    let recipe = FAMILY.build(&spec(&script, &json!({}))).unwrap();
    let start = Instant::now();
    let ended = recipe.fit(&train(), &mut context);
    assert!(matches!(ended.err(), Some(FitError::Cancelled)));
    assert!(start.elapsed().as_secs() < 500);
    assert_end(&fs::read_to_string(id).unwrap());
}
