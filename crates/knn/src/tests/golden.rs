//! Agreement with scikit-learn on a small sample; see `golden/make.py`.

use bakeoff_core::{ImageShape, Images, Samples};
use serde::Deserialize;
use serde_json::json;

use super::{build, fit, neighbours, recipes};

#[derive(Deserialize)]
struct Golden {
    train: Vec<String>,
    labels: Vec<u16>,
    test: Vec<String>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    metric: String,
    k: usize,
    weights: String,
    indices: Vec<Vec<usize>>,
    distances: Vec<Vec<f64>>,
    probabilities: Vec<Vec<f32>>,
}

fn images(rows: &[String]) -> Images {
    let bytes: Vec<u8> = rows
        .iter()
        .flat_map(|row| row.as_bytes().chunks(2))
        .map(|pair| {
            let digits = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("hexadecimal")
        })
        .collect();
    Images::new(ImageShape::new(1, 8, 8), bytes).expect("images")
}

#[test]
fn every_engine_agrees_with_scikit_learn() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../golden/digits.json")).expect("golden values");
    let names: Vec<String> = (0..10).map(|class| class.to_string()).collect();
    let train = Samples::new(images(&golden.train), golden.labels, names).expect("samples");
    let test = images(&golden.test);
    assert_eq!(golden.answers.len(), 18);
    for answer in &golden.answers {
        for (engine, mut settings) in recipes() {
            if settings["metric"] != answer.metric {
                continue;
            }
            settings["k"] = json!(answer.k);
            settings["weights"] = json!(answer.weights);
            let context = format!("{engine} {settings}");
            let model = fit(build(engine, &settings).as_ref(), &train);

            let found = neighbours(model.as_ref(), &test, answer.k);
            assert_eq!(found.len(), answer.indices.len(), "{context}");
            for (query, found) in found.iter().enumerate() {
                let indices: Vec<usize> = found.iter().map(|n| n.index).collect();
                assert_eq!(indices, answer.indices[query], "{context}, query {query}");
                for (n, expected) in found.iter().zip(&answer.distances[query]) {
                    let off = (n.distance - expected).abs();
                    assert!(
                        off < 1e-9,
                        "{context}, query {query}: {} {expected}",
                        n.distance
                    );
                }
            }
            let shares = model.predict_proba(&test).expect("probabilities");
            for (query, expected) in answer.probabilities.iter().enumerate() {
                for (share, expected) in shares.row(query).iter().zip(expected) {
                    let off = (share - expected).abs();
                    assert!(off < 1e-6, "{context}, query {query}: {share} {expected}");
                }
            }
        }
    }
}
