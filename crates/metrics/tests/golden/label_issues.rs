//! Wrong labels against cleanlab, on the cases of the other metrics and on labels of which a tenth was
//! changed. `make_label_issues.py` made the values.

use bakeoff_core::Probabilities;
use bakeoff_metrics::{LabelIssue, LabelIssues, Predictions};
use serde_json::Value;

use crate::{cases, hex_probabilities, read, same};

fn compare(what: &str, labels: &[u16], probabilities: &Probabilities, golden: &Value) {
    let predictions = Predictions::new(labels, probabilities).unwrap();
    let found = LabelIssues::new(&predictions);
    let samples = |wanted: fn(&LabelIssue) -> bool| {
        let found = found.issues.iter().filter(|issue| wanted(issue));
        let mut samples: Vec<u64> = found.map(|issue| issue.sample as u64).collect();
        samples.sort_unstable();
        samples
    };
    let expected = |of: &str| -> Vec<u64> {
        let expected = golden[of].as_array().unwrap().iter();
        expected.map(|v| v.as_u64().unwrap()).collect()
    };
    assert_eq!(samples(|_| true), expected("issues"), "{what}");
    assert_eq!(
        samples(|issue| issue.confident),
        expected("confident"),
        "{what}"
    );
    same(what, Some(found.estimated), &golden["estimated"], 1e-9);
}

#[test]
fn issues_are_those_of_cleanlab() {
    let golden = read("label_issues.json");
    let existing = golden["existing"].as_array().unwrap();
    assert!(existing.len() >= 14);
    for case in cases() {
        if let Some(golden) = existing.iter().find(|of| of["case"] == case.name.as_str()) {
            compare(&case.name, &case.labels, &case.probabilities, golden);
        }
    }
    let changed = golden["changed"].as_array().unwrap();
    assert_eq!(changed.len(), 3);
    for case in changed {
        let classes = case["classes"].as_u64().unwrap() as usize;
        let labels = case["labels"].as_array().unwrap().iter();
        let labels: Vec<u16> = labels.map(|v| v.as_u64().unwrap() as u16).collect();
        let probabilities = hex_probabilities(classes, &case["probabilities_f32_hex"]);
        compare(&format!("{classes} classes"), &labels, &probabilities, case);
    }
}

/// What a network says of MNIST's test part, with the labels that people found to be wrong.
/// `make_mnist_labels.py` made the file.
fn mnist() -> (Vec<u16>, Probabilities, Vec<usize>) {
    let golden = read("mnist_labels.json");
    let digits = |of: &str| -> Vec<u16> {
        let text = golden[of].as_str().unwrap().bytes();
        text.map(|digit| u16::from(digit - b'0')).collect()
    };
    let mut values = Vec::new();
    for (sample, predicted) in digits("predicted").into_iter().enumerate() {
        match golden["rows"][sample.to_string()].as_array() {
            Some(row) => values.extend(row.iter().map(|p| p.as_f64().unwrap() as f32)),
            None => values.extend((0..10).map(|class| f32::from(u8::from(class == predicted)))),
        }
    }
    let wrong = golden["wrong"].as_array().unwrap().iter();
    let wrong = wrong.map(|v| v.as_u64().unwrap() as usize).collect();
    (
        digits("labels"),
        Probabilities::new(10, values).unwrap(),
        wrong,
    )
}

#[test]
fn labels_of_mnist_that_people_found_wrong_come_first() {
    let (labels, probabilities, wrong) = mnist();
    assert_eq!((labels.len(), wrong.len()), (10_000, 15));
    let predictions = Predictions::new(&labels, &probabilities).unwrap();
    let found = LabelIssues::new(&predictions).issues;
    let among = |first: usize| {
        let first = &found[..first.min(found.len())];
        first.iter().filter(|i| wrong.contains(&i.sample)).count()
    };
    assert_eq!((found.len(), among(50), among(100)), (83, 11, 13));
}

#[test]
fn labels_that_were_changed_are_found() {
    let (labels, probabilities, _) = mnist();
    // Every so many labels, by one of nine other classes in turn.
    for (step, least) in [(200, 0.9), (50, 0.95), (10, 0.95)] {
        let mut changed = labels.clone();
        let places: Vec<usize> = (step / 2..labels.len()).step_by(step).collect();
        for (turn, &place) in places.iter().enumerate() {
            changed[place] = (labels[place] + 1 + (turn % 9) as u16) % 10;
        }
        let predictions = Predictions::new(&changed, &probabilities).unwrap();
        let found = LabelIssues::new(&predictions);
        let is_changed = |issue: &&LabelIssue| places.binary_search(&issue.sample).is_ok();
        let share = |part: usize, of: usize| part as f64 / of as f64;
        // Nearly all of them are listed, those that are marked are right, and the first are.
        let listed = found.issues.iter().filter(is_changed).count();
        assert!(share(listed, places.len()) >= 0.98, "{step}: {listed}");
        let confident: Vec<&LabelIssue> = found.issues.iter().filter(|i| i.confident).collect();
        let hits = confident.iter().copied().filter(is_changed).count();
        let (precision, recall) = (share(hits, confident.len()), share(hits, places.len()));
        assert!(
            precision >= least && recall >= least,
            "{step}: {precision} {recall}"
        );
        let first = found.issues.iter().take(places.len()).filter(is_changed);
        assert!(share(first.count(), places.len()) >= 0.95, "{step}");
        // And their number is estimated.
        let estimated = found.estimated / places.len() as f64;
        assert!((0.85..1.15).contains(&estimated), "{step}: {estimated}");
    }
}
