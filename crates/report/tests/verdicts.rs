//! What the page says of a model is said with its uncertainty, or not at all.

#![allow(
    clippy::unwrap_used,
    reason = "a test without its data must fail loudly"
)]

mod common;
#[path = "common/html.rs"]
mod html;

use bakeoff_core::{
    ImageShape, Probabilities,
    record::{Measured, Outcome, Repeats, Run, SplitSpec},
};
use common::{Builder, Fate, data, digits, everything};
use html::check;

/// The words of a section, without tags.
fn words(run: &Run, section: &str) -> String {
    let html = check(run).html;
    let start = html.find(&format!("<section id=\"{section}\"")).unwrap();
    let end = html[start..].find("</section>").unwrap();
    let mut inside = false;
    html[start..start + end]
        .chars()
        .filter(|c| {
            inside = if *c == '<' { true } else { inside };
            let shown = !inside;
            inside = if *c == '>' { false } else { inside };
            shown
        })
        .collect::<String>()
        .replace('\u{a0}', " ")
}

fn measured(run: &mut Run, model: &str, change: impl Fn(&mut Measured)) {
    let of_model = run.plan.iter().filter(|p| p.trial.model == model);
    for id in of_model.map(|planned| planned.id.clone()) {
        if let Some(record) = run.records.get_mut(&id)
            && let Outcome::Ok(measured) = &mut record.outcome
        {
            change(measured);
        }
    }
}

#[test]
fn calibration_is_judged_by_the_log_loss_and_may_change_nothing() {
    let mut run = everything(400);
    let section = words(&run, "calibration");
    assert!(
        section.contains("lowered the log loss of logistic"),
        "{section}"
    );
    assert!(section.contains("Overconfident before it: "), "{section}");
    // Without a change there is none to speak of.
    for (id, uncalibrated) in &mut run.uncalibrated {
        *uncalibrated = run.probabilities[id].clone();
    }
    let section = words(&run, "calibration");
    assert!(
        section.contains("did not clearly lower the log loss of any model")
            && section.contains("No clear change: cnn, ann and logistic."),
        "{section}"
    );
    assert!(!section.contains("raised"), "{section}");
}

#[test]
fn the_most_robust_model_is_one_that_differs_significantly() {
    let mut run = everything(400);
    let section = words(&run, "robustness");
    // KNN does not depend on the seed and the others have three: recipes are compared.
    assert!(
        section.contains("cnn is the most robust model"),
        "{section}"
    );
    assert!(
        section.contains("from ann, knn and logistic is significant"),
        "{section}"
    );

    // Two models with the same answers do not differ, whatever their names.
    let trial = |model: &str, run: &Run| {
        let planned = run.plan.iter().filter(|p| p.trial.model == model);
        planned
            .map(|p| p.id.clone())
            .find(|id| run.corrupted.contains_key(id))
            .unwrap()
    };
    let ids: Vec<String> = run.corrupted.keys().cloned().collect();
    let same = run.corrupted[&trial("cnn", &run)].clone();
    for id in &ids {
        run.corrupted.insert(id.clone(), same.clone());
    }
    let section = words(&run, "robustness");
    assert!(
        section.contains("cnn has the lowest mean corruption error")
            && section.contains("from ann, knn and logistic is not significant"),
        "{section}"
    );

    // Records of an earlier version keep no predictions.
    run.corrupted.clear();
    let section = words(&run, "robustness");
    assert!(
        section.contains("is not known: an earlier version"),
        "{section}"
    );
}

#[test]
fn more_training_data_wins_only_what_is_significant() {
    let mut run = everything(400);
    let section = words(&run, "data-size");
    assert!(
        section.contains("These are single fits where a model has one seed."),
        "{section}"
    );
    assert!(!section.contains("no clear change"), "{section}");
    // With so few test images the leaders are not told apart.
    assert!(section.contains("not significantly more than"), "{section}");

    // A third of the data gives nearly what all of it gives.
    let of = |model: &str, share: Option<f64>| {
        let mut plan = run.plan.iter().map(|planned| &planned.trial);
        plan.find(|t| {
            t.model == model && t.data.train_fraction == share && t.split == SplitSpec::Given
        })
        .unwrap()
        .id()
    };
    let (part, whole) = (of("knn", Some(0.3)), of("knn", None));
    run.probabilities
        .insert(part, run.probabilities[&whole].clone());
    let section = words(&run, "data-size");
    assert!(
        section.contains("which is no clear change. The fit takes 12.7 ms"),
        "{section}"
    );
}

#[test]
fn a_network_that_still_learned_is_said_to() {
    let digits = digits("mnist", 100);
    let mut run = Builder::new("short", &[&digits])
        .ok(&digits, "cnn", "cnn", 1, 0.5)
        .ok(&digits, "ann", "ann", 1, 0.6)
        .build();
    let settled = words(&run, "answer");
    assert!(!settled.contains("still falling"), "{settled}");
    measured(&mut run, "cnn", |measured| {
        measured.epochs.truncate(2);
        for (epoch, loss) in measured.epochs.iter_mut().zip([0.3042, 0.1593]) {
            epoch.validation_loss = Some(loss);
        }
    });
    let falling = words(&run, "answer");
    assert!(
        falling.contains(
            "still falling when training ended: cnn (from 0.304 to 0.159 in the last of 2 epochs)"
        ),
        "{falling}"
    );
}

#[test]
fn a_log_loss_of_clipped_zeros_is_said_to_be_one() {
    let digits = digits("mnist", 200);
    let mut run = Builder::new("zeros", &[&digits])
        .ok(&digits, "cnn", "cnn", 1, 0.9)
        .ok(&digits, "knn", "knn", 1, 0.9)
        .build();
    assert!(!words(&run, "leaderboard").contains("has probability 0"));
    // Two of three votes, or all of them, for the right class; none for it in every tenth answer.
    let mut values = Vec::new();
    for (i, label) in digits.test.labels().iter().enumerate() {
        let mut row = [0.0_f32; 10];
        let (most, other) = (usize::from(*label), usize::from(*label + 1) % 10);
        match i % 10 {
            0 => row[other] = 1.0,
            1..5 => (row[most], row[other]) = (0.75, 0.25),
            _ => row[most] = 1.0,
        }
        values.extend(row);
    }
    let id = run
        .plan
        .iter()
        .find(|p| p.trial.model == "knn")
        .unwrap()
        .id
        .clone();
    run.probabilities
        .insert(id, Probabilities::new(10, values).unwrap());
    let section = words(&run, "leaderboard");
    // 20 of 200 images, 20 × 36.04 of 20 × 36.04 + 80 × 0.2877 nats.
    assert!(
        section.contains("knn (20 of them, 96.9 % of its log loss)"),
        "{section}"
    );
}

#[test]
fn unbalanced_classes_are_ranked_by_macro_f1() {
    // 300 of a, 30 of b, which one model always misses and the other always finds, with mistakes.
    let labels: Vec<u16> = (0..330).map(|i| u16::from(i % 11 == 10)).collect();
    let names = vec!["a".to_owned(), "b".to_owned()];
    let rare = data("rare", names, ImageShape::new(1, 2, 2), labels.clone());
    let answers = |of: &dyn Fn(usize, u16) -> u16| {
        let rows = labels
            .iter()
            .enumerate()
            .flat_map(|(i, label)| match of(i, *label) {
                0 => [0.75, 0.25],
                _ => [0.25, 0.75],
            });
        Probabilities::new(2, rows.collect()).unwrap()
    };
    let ok = |model: &str, probabilities| {
        (
            model.to_owned(),
            Fate::Ok(
                Box::new(common::measured(&rare, "knn", 0.9, 1)),
                probabilities,
            ),
        )
    };
    let mut builder = Builder::new("rare", &[&rare]);
    for (model, fate) in [
        ok("blind", answers(&|_, _| 0)),
        // Right about every b, and wrong about 40 a.
        ok(
            "seeing",
            answers(&|i, label| if i % 8 == 0 { 1 } else { label }),
        ),
    ] {
        builder = builder.trial(&rare, &model, "knn", 1, fate);
    }
    let run = builder.build();
    let summary = words(&run, "answer");
    assert!(
        summary.contains("seeing has the highest macro F1: "),
        "{summary}"
    );
    assert!(
        summary.contains("models are ranked by macro F1 instead"),
        "{summary}"
    );
    assert!(words(&run, "significance").contains("seeing is significantly better in macro F1"));
    let board = bakeoff_report::leaderboard(&run);
    let order: Vec<&str> = board.rows.iter().map(|row| row.model.as_str()).collect();
    assert_eq!(order, ["seeing", "blind"]);
    assert_eq!(board.rows[0].ranked_by.id, "macro_f1");
    assert_eq!(board.rows[1].tied_with_best, Some(false));
}

#[test]
fn test_images_that_were_trained_on_are_told() {
    let mut digits = digits("mnist", 200);
    let with = |digits: &common::Data| {
        Builder::new("leak", &[digits])
            .ok(digits, "knn", "knn", 1, 0.9)
            .build()
    };
    digits.info.repeats = Some(Repeats::default());
    assert!(!words(&with(&digits), "answer").contains("training images too"));
    // The answers are right about all but some; of the first fifty, all were trained on.
    digits.info.repeats = Some(Repeats {
        seen: (0..50).collect(),
        conflicting: 3,
        ..Repeats::default()
    });
    let run = with(&digits);
    let predicted = run.probabilities.values().next().unwrap().predicted();
    let labels = &digits.test.labels()[50..];
    let right = predicted[50..]
        .iter()
        .zip(labels)
        .filter(|(a, b)| a == b)
        .count();
    let summary = words(&run, "answer");
    let expected = format!(
        "50 of 200 test images are training images too, to the last pixel, so that scores are too good. \
         On the other 150, accuracies are: knn {:.1} %.",
        100.0 * right as f64 / 150.0
    );
    assert!(
        summary.contains(&expected),
        "{expected} is not in {summary}"
    );
    assert!(
        summary.contains("3 images occur with more than one label"),
        "{summary}"
    );
    digits.info.repeats = Some(Repeats {
        seen: (0..200).collect(),
        ..Repeats::default()
    });
    let summary = words(&with(&digits), "answer");
    assert!(
        summary.contains("All 200 test images are training images too"),
        "{summary}"
    );
}
