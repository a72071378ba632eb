//! What must hold of every page, whatever the run.
// The lint spares tests themselves, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/html.rs"]
mod html;

use std::collections::BTreeSet;

use bakeoff_core::{
    DenseLayer, ImageShape, Layer, Layers,
    record::{Run, Stage},
};
use bakeoff_report::{IndexedRun, Options, index, render};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{Builder, Fate, answers, data, four_families, measured};
use html::{check, check_offline, check_structure, rendered};
use proptest::prelude::*;
use serde_json::Value;

fn hostile() -> Run {
    let names = vec![
        "<script>alert(1)</script>".to_owned(),
        "🐈 & \"dogs\"".to_owned(),
    ];
    let labels = vec![0, 1, 0, 1, 1, 0, 0, 1, 0, 1];
    let data = data("cats <b>& 狗", names, ImageShape::new(3, 32, 32), labels);
    Builder::new(
        "</title></style></script><script>alert(2)</script>",
        &[&data],
    )
    .ok(&data, "<img src=x onerror=alert(3)>", "cnn", 1, 0.8)
    .ok(&data, "🚀 modèle", "knn", 1, 0.8)
    .ok(&data, "roc-all", "ann", 1, 0.7)
    .trial(
        &data,
        "broken",
        "ann",
        1,
        Fate::Failed(Stage::Fit, "it said \"</td><script>\"".into()),
    )
    .build()
}

#[test]
fn hostile_names_stay_text() {
    let rendered = check(&hostile());
    // One script, and the data of the error explorer, which nothing runs.
    assert_eq!(rendered.html.matches("<script>").count(), 1);
    assert_eq!(rendered.html.matches("<script").count(), 2);
    assert_eq!(rendered.html.matches("<img").count(), 0);
    assert!(rendered.html.contains("🚀 modèle"));
}

#[test]
fn an_index_bears_hostile_names_and_runs_that_cannot_be_read() {
    let (info, board) = {
        let run = hostile();
        let rendered = rendered(&run);
        (run.info, rendered.leaderboard_json)
    };
    let found = |leaderboard: Option<&str>| Ok((info.clone(), leaderboard.map(str::to_owned)));
    let run = |folder: &str, found| IndexedRun {
        folder: folder.to_owned(),
        found,
    };
    let html = index(&[
        run("</script><script>alert(4)</script>", found(Some(&board))),
        run("\"><img src=x onerror=alert(5)>", found(Some(&board))),
        run("it's", found(Some("[{"))),
        run("unfinished", found(None)),
        run("broken", Err("run.json: <b>not JSON".to_owned())),
    ])
    .unwrap();
    check_structure(&html);
    assert_eq!(html.matches("<script>").count(), 1);
    assert_eq!(
        html.matches("<img").count() + html.matches("<b>").count(),
        0
    );
    assert_eq!(html.matches("class=\"choose\"").count(), 2);
    let text = html.replace("&#39;", "'").replace("&#x27;", "'");
    for remark in [
        "its leaderboard cannot be read: `bakeoff report 'it'\\''s'`",
        "not reported yet: `bakeoff report unfinished`",
        "cannot be read: run.json: ",
    ] {
        assert!(text.contains(remark), "{remark}");
    }
}

/// What a script reads from the page.
fn data_block(html: &str, id: &str) -> Value {
    let begin = format!("<script type=\"application/json\" id=\"{id}\">");
    let from = html.find(&begin).expect(id) + begin.len();
    let to = from + html[from..].find("</script>").unwrap();
    serde_json::from_str(&html[from..to]).unwrap()
}

/// Little-endian words from base64.
fn words(text: &Value) -> Vec<u16> {
    let bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|&word| u16::from_le_bytes(word))
        .collect()
}

#[test]
fn the_explorer_holds_every_mistake_with_what_each_model_said() {
    let run = four_families(2_000);
    let html = rendered(&run).html;
    let group = &data_block(&html, "explorer-data")[0];
    let names: Vec<&str> = group["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["cnn", "ann", "knn", "logistic"]);
    let test = run.tests.values().next().unwrap();
    let rows = words(&group["samples"]);
    let each = 4 + 4 * 11;
    assert!(rows.len().is_multiple_of(each));
    let mut seen = BTreeSet::new();
    for row in rows.chunks_exact(each) {
        let index = usize::from(row[0]) + 65_536 * usize::from(row[1]);
        assert!(seen.insert(index), "image {index} twice");
        assert_eq!(row[3], test.labels()[index]);
        for (model, said) in names.iter().zip(row[4..].chunks_exact(11)) {
            let id = run
                .plan
                .iter()
                .find(|planned| planned.trial.model == *model);
            let probabilities = &run.probabilities[&id.unwrap().id];
            let row = probabilities.row(index);
            let close = |units: u16, p: f32| (f32::from(units) / 65_535.0 - p).abs() < 1e-5;
            assert!(close(said[0], row[usize::from(test.labels()[index])]));
            assert_eq!(said[1], probabilities.predicted()[index]);
            for answer in said[1..].chunks_exact(2) {
                assert!(close(answer[1], row[usize::from(answer[0])]));
            }
        }
    }
    for probabilities in run.probabilities.values() {
        let predicted = probabilities.predicted();
        let missed = (0..test.len()).filter(|&index| predicted[index] != test.labels()[index]);
        for index in missed {
            assert!(seen.contains(&index), "mistake {index} is not in the page");
        }
    }
}

#[test]
fn models_inside_the_page_are_their_layers_in_16_bits() {
    let run = four_families(50);
    let layers = common::network(ImageShape::new(1, 28, 28), 10);
    let mut options = Options::default();
    for planned in &run.plan {
        let known = match planned.trial.model.as_str() {
            "knn" => Err("it is not made of layers of weights".to_owned()),
            _ => Ok(layers.clone()),
        };
        options.layers.insert(planned.id.clone(), known);
    }
    let html = render(&run, &options).unwrap().html;
    check_offline(&html, &check_structure(&html));
    assert!(html.contains("knn (it is not made of layers of weights)"));
    let group = &data_block(&html, "try-data")[0];
    assert_eq!(group["models"].as_array().unwrap().len(), 3);
    let model = &group["models"][0];
    let kinds: Vec<&str> = model["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|layer| layer["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["conv", "relu", "max-pool", "dense"]);
    let found = words(&model["weights"]);
    let expected: Vec<f32> = layers
        .layers()
        .iter()
        .flat_map(|layer| match layer {
            Layer::Conv(conv) => [conv.weights.clone(), conv.bias.clone()].concat(),
            Layer::Dense(dense) => [dense.weights.clone(), dense.bias.clone()].concat(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(found.len(), expected.len());
    for (bits, value) in found.iter().zip(&expected) {
        let half = half::f16::from_bits(*bits).to_f32();
        assert!(
            (half - value).abs() <= value.abs() / 2048.0,
            "{half} {value}"
        );
    }
    // Nothing to try without models, and nothing where what a person draws is no image.
    assert!(!rendered(&run).html.contains("id=\"try\""));
    let colour = data(
        "rgb",
        vec!["a".into(), "b".into()],
        ImageShape::new(3, 8, 8),
        vec![0, 1],
    );
    let run = Builder::new("rgb", &[&colour])
        .ok(&colour, "cnn", "cnn", 1, 0.5)
        .build();
    let mut options = Options::default();
    let network = common::network(ImageShape::new(3, 8, 8), 2);
    options.layers.insert(run.plan[0].id.clone(), Ok(network));
    assert!(!render(&run, &options).unwrap().html.contains("id=\"try\""));
}

#[test]
fn models_too_large_for_mail_stay_out_of_the_page() {
    let run = four_families(20);
    let dense = Layer::Dense(DenseLayer {
        weights: vec![0.1; 784 * 1_200],
        bias: vec![0.0; 1_200],
    });
    let output = Layer::Dense(DenseLayer {
        weights: vec![0.1; 12_000],
        bias: vec![0.0; 10],
    });
    let large = Layers::new(ImageShape::new(1, 28, 28), 1.0, vec![dense, output]).unwrap();
    let mut options = Options::default();
    for planned in &run.plan {
        let layers = match planned.trial.model.as_str() {
            "cnn" => large.clone(),
            _ => common::network(ImageShape::new(1, 28, 28), 10),
        };
        options.layers.insert(planned.id.clone(), Ok(layers));
    }
    let html = render(&run, &options).unwrap().html;
    assert!(html.contains("Not in this page: cnn ("));
    let group = &data_block(&html, "try-data")[0];
    assert_eq!(group["models"].as_array().unwrap().len(), 3);
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let run = four_families(200);
    let (a, b) = (rendered(&run), rendered(&run));
    assert_eq!(a.html, b.html);
    assert_eq!(a.charts, b.charts);
    assert_eq!(a.leaderboard_json, b.leaderboard_json);
    assert_eq!(a.leaderboard_csv, b.leaderboard_csv);
}

#[test]
fn the_page_carries_the_policy_of_its_own_style_and_script() {
    use sha2::{Digest, Sha256};
    let html = rendered(&four_families(50)).html;
    for tag in ["style", "script"] {
        let from = html.find(&format!("<{tag}>")).unwrap() + tag.len() + 2;
        let to = from + html[from..].find(&format!("</{tag}>")).unwrap();
        let hash = STANDARD.encode(Sha256::digest(&html[from..to]));
        // askama writes + and = as they are, and quotes as references.
        assert!(html.contains(&format!("sha256-{hash}")), "{tag}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_names_and_any_answers_make_a_sound_page(
        model in "\\PC{0,12}",
        class in "\\PC{0,12}",
        classes in 2_usize..6,
        samples in 1_usize..12,
        seed in 0_u64..1000,
    ) {
        let names = (0..classes).map(|i| format!("{class}{i}")).collect();
        let labels = (0..samples).map(|i| (i * i % classes) as u16).collect();
        let data = data(&class, names, ImageShape::new(1, 3, 5), labels);
        let run = Builder::new(&model, &[&data])
            .trial(
                &data,
                &model,
                "cnn",
                seed,
                Fate::Ok(
                    Box::new(measured(&data, "cnn", 0.5, 1)),
                    answers(&data.test, 0.5, seed),
                ),
            )
            .build();
        check(&run);
    }
}
