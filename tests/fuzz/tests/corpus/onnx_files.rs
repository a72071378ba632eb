//! ONNX files: our own exports, and a forest as skl2onnx writes it, by hand.

use std::ops::ControlFlow;

use bakeoff_core::{FitContext, Preparation, Settings};
use bakeoff_fuzz::{TOY, join};
use bakeoff_onnx::{About, Input, to_onnx};
use bakeoff_tests::toy;
use serde_json::json;

use crate::seeds::Seeds;

pub(crate) fn seeds() -> Seeds {
    let floats = exported("cnn", Input::Floats);
    let seeds = [
        ("ann", exported("ann", Input::Bytes)),
        ("cnn", floats.clone()),
        ("forest", forest()),
        ("outside", outside()),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

/// The file of a small model.
fn exported(family: &str, input: Input) -> Vec<u8> {
    let data = toy::prototypes(TOY).unwrap();
    let settings = match family {
        "ann" => json!({"epochs": 1, "hidden": [4]}),
        _ => {
            json!({"epochs": 1, "layers": ["conv 2 3", "max-pool 2", "dense 4"]})
        }
    };
    let settings: Settings = settings.as_object().unwrap().clone().into_iter().collect();
    let spec = bakeoff_zoo::family(family).unwrap();
    let spec = spec.resolve(Some("native"), &settings).unwrap();
    let mut context = FitContext {
        seed: 1,
        validation: None,
        progress: &mut |_| ControlFlow::Continue(()),
    };
    let classifier = bakeoff_zoo::build(&spec).unwrap();
    let model = classifier.fit(data.train(), &mut context).unwrap();
    let about = About {
        model: "toy/model",
        dataset: "toy",
        class_names: data.train().class_names(),
        preparation: Preparation::Ink,
    };
    to_onnx(&model.layers().unwrap(), &about, input).unwrap()
}

/// A field of Protocol Buffers of a length.
fn field(tag: u32, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let head = [
        varint(u64::from(tag) << 3 | 2),
        varint(content.len() as u64),
    ];
    [&head.concat(), content].concat()
}

fn number(tag: u32, number: i64) -> Vec<u8> {
    [varint(u64::from(tag) << 3), varint(number as u64)].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A model of one node, or of none, on rows of 30 numbers.
fn model(nodes: &[Vec<u8>], tensors: &[Vec<u8>], output: &str) -> Vec<u8> {
    let value = |name: &str, axis: i64| {
        let dims = [field(1, field(2, "N")), field(1, number(1, axis))].concat();
        let tensor = [number(1, 1), field(2, dims)].concat();
        [field(1, name), field(2, field(1, tensor))].concat()
    };
    let graph = [
        nodes.concat(),
        field(2, "g"),
        tensors.concat(),
        field(11, value("x", 30)),
        field(12, value(output, 3)),
    ];
    [
        number(1, 8),
        field(7, graph.concat()),
        field(8, number(2, 18)),
        field(8, [field(1, "ai.onnx.ml"), number(2, 3)].concat()),
    ]
    .concat()
}

/// Two trees, one of them a leaf.
fn forest() -> Vec<u8> {
    let ints = |name: &str, values: &[i64]| {
        let values: Vec<u8> = values.iter().flat_map(|&it| number(8, it)).collect();
        field(5, [field(1, name), values, number(20, 7)].concat())
    };
    let floats = |name: &str, values: &[f32]| {
        let each = values
            .iter()
            .map(|it| [&[7 << 3 | 5], &it.to_le_bytes()[..]].concat());
        let values: Vec<u8> = each.flatten().collect();
        field(5, [field(1, name), values, number(20, 6)].concat())
    };
    let texts = |name: &str, values: &[&str]| {
        let values: Vec<u8> = values.iter().flat_map(|it| field(9, it)).collect();
        field(5, [field(1, name), values, number(20, 8)].concat())
    };
    let node = [
        field(1, "x"),
        field(2, "label"),
        field(2, "out"),
        field(4, "TreeEnsembleClassifier"),
        ints("classlabels_int64s", &[0, 1, 2]),
        ints("nodes_treeids", &[0, 0, 0, 1]),
        ints("nodes_nodeids", &[0, 1, 2, 0]),
        ints("nodes_featureids", &[7, 0, 0, 0]),
        floats("nodes_values", &[0.5, 0.0, 0.0, 0.0]),
        texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0, 0]),
        ints("class_treeids", &[0, 0, 1]),
        ints("class_nodeids", &[1, 2, 0]),
        ints("class_ids", &[0, 1, 2]),
        floats("class_weights", &[0.5, 0.75, 0.25]),
        field(7, "ai.onnx.ml"),
    ];
    model(&[field(1, node.concat())], &[], "out")
}

/// Weights in a second file.
fn outside() -> Vec<u8> {
    let entry = |key: &str, value: &str| field(13, [field(1, key), field(2, value)].concat());
    let tensor = [
        number(1, 30),
        number(1, 3),
        number(2, 1),
        field(8, "w"),
        entry("location", "w.data"),
        entry("length", "360"),
        number(14, 1),
    ];
    let node = [
        field(1, "x"),
        field(1, "w"),
        field(2, "out"),
        field(4, "MatMul"),
    ];
    let file = model(
        &[field(1, node.concat())],
        &[field(5, tensor.concat())],
        "out",
    );
    join([("model.onnx", &file[..]), ("w.data", &[0; 360])])
}
