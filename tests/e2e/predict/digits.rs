//! `bakeoff predict --digits`.

use std::fs;

use bakeoff_tests::redrawn;

use crate::support::{comparison, run, scratch};

#[test]
fn a_number_is_read_and_is_no_single_digit() {
    let folder = scratch("digits");
    let mnist = bakeoff_data::open("mnist").unwrap();
    let (test, shape) = (mnist.test(), mnist.test().images().shape());
    // The first four are 7, 2, 1 and 0.
    let digits: Vec<&[u8]> = test.images().iter().take(4).collect();
    let medium = redrawn::kinds().iter().find(|kind| kind.name == "medium");
    let file = redrawn::redraw_number(&digits, shape, medium.unwrap(), 1).unwrap();
    fs::write(folder.join("number.png"), file).unwrap();
    let models = comparison().folder.join("models");
    let ask = |arguments: &[&str]| {
        let models = ["--models-dir", models.to_str().unwrap()];
        let model = ["predict", "--model", "cnn"];
        run(&folder, &[&model, &models[..], arguments].concat())
    };

    let said = ask(&["--digits", "number.png"]).expect(0);
    assert_eq!(said.stdout, "7210\n");
    let twice = ask(&["--digits", "number.png", "number.png"]).expect(0);
    assert_eq!(twice.stdout, "number.png: 7210\nnumber.png: 7210\n");
    let json = ask(&["--digits", "--json", "number.png"]).expect(0).json();
    let read = &json["numbers"][0];
    assert_eq!(read["text"], "7210");
    assert_eq!(read["table"], false);
    let row = read["rows"][0].as_array().unwrap();
    let left = |at: usize| row[at]["box"]["left"].as_u64().unwrap();
    assert!((1..4).all(|at| left(at - 1) < left(at)), "{row:?}");
    assert_eq!(row[0]["class"], "7");

    // Without the option it is said that there are four, and what to do.
    let alone = ask(&["number.png"]).expect(4);
    assert!(
        alone.stderr.contains("4 drawings") && alone.stderr.contains("--digits"),
        "{}",
        alone.stderr
    );
    assert_eq!(alone.stdout, "");
}
