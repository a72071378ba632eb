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
