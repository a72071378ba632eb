//! Whether the page's sentences are true where something is odd: ties, models without a
//! mistake, seeds that change nothing, fits that failed.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;

use bakeoff_core::{Probabilities, record::Run};
use bakeoff_report::{Options, render};
use common::{Builder, Fate, answers, digits, everything, measured};

fn page(run: &Run) -> String {
    render(run, &Options::default()).unwrap().html
}

#[test]
fn seeds_that_change_nothing_are_no_reason_for_doubt() {
    let digits = digits("mnist", 200);
    let fixed = |builder: Builder, model: &str, answers: &Probabilities| {
        (1..=3).fold(builder, |builder, seed| {
            let measured = Box::new(measured(&digits, "knn", 0.9, 1));
            let fate = Fate::Ok(measured, answers.clone());
            builder.trial(&digits, model, "knn", seed, fate)
        })
    };
    let rows = digits.test.labels().iter().flat_map(|&label| {
        let mut row = [0.01; 10];
        row[usize::from(label)] = 0.91;
        row
    });
    let perfect = Probabilities::new(10, rows.collect()).unwrap();
    let builder = fixed(Builder::new("fixed", &[&digits]), "knn", &perfect);
    let other = answers(&digits.test, 0.9, 2);
    let html = page(&fixed(builder, "other", &other).build());
    assert!(html.contains("The accuracy of knn and of other is the same in each of 3 fits."));
    assert!(!html.contains("can change their order"));
    // A perfect model is not certain to be perfect on other images.
    assert!(
        html.contains("98.5–100.0"),
        "no interval of 200 right of 200"
    );
}

#[test]
fn models_are_compared_on_as_many_training_pictures() {
    let mut run = everything(400);
    // The best model has failed on the smallest part, where another one is the best now.
    let small = |share: Option<f64>| share.is_some_and(|share| share < 0.02);
    for planned in &run.plan {
        let trial = &planned.trial;
        if trial.model == "cnn" && small(trial.data.train_fraction) {
            run.records.remove(&planned.id);
        }
    }
    let html = page(&run);
    let at = html.find("to train on, ").unwrap();
    let said: String = html[at..].chars().take(60).collect();
    assert!(!said.contains("cnn"), "{said}");
}

#[test]
fn costs_of_unlike_machines_are_not_ranked() {
    let digits = digits("mnist", 400);
    let three = [("logistic", 0.9), ("knn", 0.95), ("ann", 0.97)];
    let builder = three.iter().fold(
        Builder::new("unlike", &[&digits]),
        |builder, (model, accuracy)| builder.ok(&digits, model, model, 1, *accuracy),
    );
    let mut run = builder.build();
    let ranked = |html: &str| {
        [
            "Fastest to train",
            "Compared with knn",
            "Accuracy against training time",
        ]
        .map(|words| html.contains(words))
    };
    assert_eq!(ranked(&page(&run)), [true; 3]);
    for record in run.records.values_mut() {
        if record.trial.model == "ann" {
            record.host.cpu = "Another Processor".to_owned();
        }
    }
    let rendered = render(&run, &Options::default()).unwrap();
    assert_eq!(ranked(&rendered.html), [false; 3]);
    // What does not depend on the machine is still compared.
    assert!(rendered.html.contains("Smallest: "));
    assert!(rendered.html.contains("Accuracy against model size"));
    let terminal = bakeoff_report::terminal::leaderboard(&rendered.leaderboard).to_string();
    for text in [&rendered.html, &terminal] {
        assert!(
            text.contains("measured on 2 kinds of machines"),
            "{terminal}"
        );
    }
}

#[test]
fn a_report_says_how_many_trials_are_missing_and_how_to_get_them() {
    let mut run = everything(200);
    let said = |run: &Run| {
        let rendered = render(run, &Options::default()).unwrap();
        let terminal = bakeoff_report::terminal::leaderboard(&rendered.leaderboard).to_string();
        (rendered.html, terminal)
    };
    let planned = run.plan.len();
    let complete = run.records.len();
    assert!(complete < planned || !said(&run).1.contains("no record: "));
    let fold = run.plan.last().unwrap().id.clone();
    run.records.remove(&fold);
    let (html, terminal) = said(&run);
    let missing = planned - run.records.len();
    let words = format!("{missing} of {planned} trials ha");
    for text in [&html, &terminal] {
        assert!(text.contains(&words), "{terminal}");
        assert!(text.contains("bakeoff status RUN --missing"), "{terminal}");
    }
}
