use bakeoff_core::{ImageShape, Images};

use super::*;

/// Four images for each of three classes.
fn test_part() -> Samples {
    let images = Images::new(ImageShape::new(1, 1, 1), (0..12).collect::<Vec<u8>>()).unwrap();
    let labels: Vec<u16> = (0..12).map(|image| image % 3).collect();
    Samples::new(images, labels, ["ant", "bee", "cow"].map(String::from)).unwrap()
}

fn answers(width: usize, scores: Vec<f64>) -> Answers {
    Answers {
        path: "p.npy".into(),
        rows: scores.len() / width,
        ids: None,
        labels: None,
        classes: None,
        width,
        scores,
        remarks: Vec::new(),
        lines: None,
    }
}

fn right(sharp: f64) -> Vec<f64> {
    let rest = (1.0 - sharp) / 2.0;
    let row = |image: usize| (0..3).map(move |class| if class == image % 3 { sharp } else { rest });
    (0..12).flat_map(row).collect()
}

fn run(answers: &Answers) -> Result<Checked, String> {
    check("pets", &test_part(), answers, false).map_err(|error| error.to_string())
}

#[test]
fn in_order_they_are_taken_as_they_are() {
    let found = run(&answers(3, right(0.5))).unwrap();
    assert_eq!(found.probabilities.row(4), [0.25, 0.5, 0.25]);
    assert_eq!((found.labels_alone, found.warnings.len()), (false, 0));
    assert_eq!(found.remarks.len(), 2, "{:?}", found.remarks);
}

#[test]
fn ids_and_names_of_classes_decide_the_order() {
    let mut shuffled = answers(3, Vec::new());
    let order: Vec<usize> = (0..12).map(|row| (row * 5 + 3) % 12).collect();
    let straight = right(0.5);
    for &image in &order {
        let row = &straight[3 * image..][..3];
        // cow, ant, bee
        shuffled.scores.extend([row[2], row[0], row[1]]);
    }
    shuffled.rows = 12;
    shuffled.classes = Some(["cow", "ant", "bee"].map(String::from).to_vec());
    for ids in [
        order
            .iter()
            .map(|&image| sample_id("pets", image))
            .collect::<Vec<_>>(),
        order.iter().map(usize::to_string).collect(),
    ] {
        shuffled.ids = Some(("id".into(), ids));
        let found = run(&shuffled).unwrap();
        assert_eq!(
            found.probabilities,
            run(&answers(3, straight.clone())).unwrap().probabilities
        );
    }
    let names: Vec<String> = (0..12).map(|image| format!("{}.png", image)).collect();
    let test = test_part().with_files(names);
    shuffled.ids = Some((
        "file".into(),
        order.iter().map(|image| format!("{image}.png")).collect(),
    ));
    let found = check("pets", &test, &shuffled, false).unwrap();
    assert_eq!(found.probabilities.row(4), [0.25, 0.5, 0.25]);
}

#[test]
fn ids_that_do_not_fit_are_named_with_their_row() {
    let with_ids = |ids: Vec<String>| {
        let mut answers = answers(3, right(0.5));
        answers.rows = ids.len();
        answers.ids = Some(("id".into(), ids));
        run(&answers).unwrap_err()
    };
    let ids = || {
        (0..12)
            .map(|image| sample_id("pets", image))
            .collect::<Vec<_>>()
    };
    let mut unknown = ids();
    unknown[5] = "dogs-000005".into();
    let said = with_ids(unknown);
    assert!(
        said.contains("row 5") && said.contains("`dogs-000005`") && said.contains("pets-000000"),
        "{said}"
    );
    let mut double = ids();
    double[7] = "2".into();
    let said = with_ids(double);
    assert!(
        said.contains("row 7") && said.contains("already, in row 2"),
        "{said}"
    );
    let said = with_ids(ids()[..10].to_vec());
    assert!(
        said.contains("2 of 12 test images") && said.contains("pets-000010"),
        "{said}"
    );
}

#[test]
fn labels_alone_are_certain_answers() {
    let labels = |labels: Vec<String>| Answers {
        rows: labels.len(),
        labels: Some(labels),
        width: 0,
        ..answers(3, Vec::new())
    };
    let names = (0..12)
        .map(|image| ["ant", "bee", "cow"][image % 3].to_owned())
        .collect();
    let found = run(&labels(names)).unwrap();
    assert!(found.labels_alone);
    assert_eq!(found.probabilities.row(5), [0.0, 0.0, 1.0]);
    let numbers = (0..12).map(|image| (image % 3).to_string()).collect();
    let by_number = run(&labels(numbers)).unwrap();
    assert_eq!(by_number.probabilities, found.probabilities);
    assert!(by_number.remarks.iter().any(|it| it.contains("from 0")));
    // Whole numbers of a table of floats; names of classes whose blanks a table has not.
    let floats = (0..12).map(|image| format!("{}.0", image % 3)).collect();
    let by_float = run(&labels(floats)).unwrap();
    assert_eq!(by_float.probabilities, found.probabilities);
    assert!(run(&labels(vec!["1.5".into(); 12])).is_err());
    let said = run(&labels(vec!["3".into(); 12])).unwrap_err();
    assert!(
        said.contains("no class `3`") && said.contains("0 to 2"),
        "{said}"
    );
}

#[test]
fn what_are_no_probabilities_is_refused_by_row_and_column() {
    let with = |at: usize, value: f64| {
        let mut scores = right(0.5);
        scores[at] = value;
        run(&answers(3, scores)).unwrap_err()
    };
    for (value, words) in [
        (f64::NAN, "no finite number"),
        (f64::INFINITY, "no finite number"),
        (-0.5, "--logits"),
        (7.25, "--logits"),
    ] {
        let said = with(4, value);
        assert!(
            said.contains("p.npy: row 1") && said.contains("column 1") && said.contains(words),
            "{said}"
        );
    }
    let said = with(4, 0.25);
    assert!(
        said.contains("row 1") && said.contains("sum to 0.75") && said.contains("softmax"),
        "{said}"
    );
    let said = run(&answers(4, vec![0.25; 48])).unwrap_err();
    assert!(
        said.contains("4 columns")
            && said.contains("3 classes")
            && said.contains("ant, bee and cow"),
        "{said}"
    );
    let said = run(&answers(3, right(0.5)[..33].to_vec())).unwrap_err();
    assert!(
        said.contains("11 rows") && said.contains("12 test images"),
        "{said}"
    );
}

#[test]
fn small_errors_of_rounding_are_divided_away() {
    let scaled: Vec<f64> = right(0.5).iter().map(|p| p * 1.0005).collect();
    let found = run(&answers(3, scaled)).unwrap();
    assert_eq!(found.probabilities.row(4), [0.25, 0.5, 0.25]);
    assert!(
        found.remarks.iter().any(|it| it.contains("12 images")),
        "{:?}",
        found.remarks
    );
    // Three decimals.
    let found = run(&answers(3, vec![0.333; 36])).unwrap();
    assert_eq!(found.probabilities.row(0), [1.0 / 3.0; 3]);
}

#[test]
fn softmax_makes_probabilities_of_logits() {
    let logits: Vec<f64> = right(0.5).iter().map(|p| 800.0 + p.ln()).collect();
    let found = check("pets", &test_part(), &answers(3, logits), true).unwrap();
    for (value, expected) in found.probabilities.row(4).iter().zip([0.25, 0.5, 0.25]) {
        assert!((value - expected).abs() < 1e-6, "{value}");
    }
}

#[test]
fn answers_no_better_than_guessing_are_suspect() {
    let mut scores = right(0.9);
    // One place on: right for none.
    scores.rotate_right(3);
    let found = run(&answers(3, scores)).unwrap();
    let [warning] = found.warnings.as_slice() else {
        panic!("one warning: {:?}", found.warnings);
    };
    assert!(
        warning.starts_with("0 of 12 test images") && warning.contains("order"),
        "{warning}"
    );
    assert!(run(&answers(3, right(0.9))).unwrap().warnings.is_empty());
}
