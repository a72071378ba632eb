// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

use std::fs;

use bakeoff_core::ImageShape;
use prost::Message as _;
use serde_json::json;

mod harm;

use super::{answers, checked, file, pixels::Pixels, session::Session, settings::GivenSettings};
use crate::schema::{
    Attribute, Dimension, EXTERNAL, FLOAT, Graph, INT64, Length, Model, Node, OperatorSetId,
    StringStringEntry, Tensor, TensorShape, TensorType, Type, ValueInfo,
};

fn settings(given: serde_json::Value) -> GivenSettings {
    let family = &super::FAMILY;
    let given = given.as_object().unwrap().clone().into_iter().collect();
    family.resolve(None, &given).unwrap().settings().unwrap()
}

fn value(name: &str, axes: &[i64]) -> ValueInfo {
    let first = Dimension {
        value: Some(Length::Param("N".into())),
    };
    let others = axes.iter().map(|&length| Dimension {
        value: Some(Length::Value(length)),
    });
    ValueInfo {
        name: name.into(),
        r#type: Some(Type {
            tensor_type: Some(TensorType {
                elem_type: FLOAT,
                shape: Some(TensorShape {
                    dim: std::iter::once(first).chain(others).collect(),
                }),
            }),
            ..Type::default()
        }),
        ..ValueInfo::default()
    }
}

fn floats(name: &str, floats: &[f32]) -> Attribute {
    Attribute {
        name: name.into(),
        floats: floats.to_vec(),
        r#type: 6,
        ..Attribute::default()
    }
}

fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute {
        name: name.into(),
        ints: ints.to_vec(),
        r#type: 7,
        ..Attribute::default()
    }
}

fn texts(name: &str, texts: &[&str]) -> Attribute {
    Attribute {
        name: name.into(),
        strings: texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
        r#type: 8,
        ..Attribute::default()
    }
}

fn text(name: &str, text: &str) -> Attribute {
    Attribute {
        name: name.into(),
        s: Some(text.as_bytes().to_vec()),
        r#type: 3,
        ..Attribute::default()
    }
}

/// A chain of scikit-learn's operators on four columns.
fn classical(nodes: Vec<(&str, Vec<Attribute>)>) -> Vec<u8> {
    let last = nodes.len();
    let nodes = nodes
        .into_iter()
        .enumerate()
        .map(|(at, (kind, attribute))| Node {
            input: vec![format!("v{at}")],
            output: match kind.ends_with("Classifier") {
                true => vec![format!("label{at}"), format!("v{}", at + 1)],
                false => vec![format!("v{}", at + 1)],
            },
            op_type: kind.into(),
            domain: "ai.onnx.ml".into(),
            attribute,
            ..Node::default()
        });
    let graph = Graph {
        node: nodes.collect(),
        name: "g".into(),
        input: vec![value("v0", &[4])],
        output: vec![value(&format!("v{last}"), &[3])],
        ..Graph::default()
    };
    model(graph, 18).encode_to_vec()
}

fn model(graph: Graph, opset: i64) -> Model {
    Model {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetId {
            domain: None,
            version: opset,
        }],
        ..Model::default()
    }
}

/// The outputs for images of 2×2.
fn ask(bytes: &[u8], images: &[u8]) -> Result<Vec<f32>, String> {
    let given = json!({"scale": "0-255", "outputs": "logits"});
    answers(bytes, given, ImageShape::new(1, 2, 2), images)
}

/// The outputs of a file for images of a shape.
pub(crate) fn answers(
    bytes: &[u8],
    given: serde_json::Value,
    shape: ImageShape,
    images: &[u8],
) -> Result<Vec<f32>, String> {
    let settings = settings(given);
    let checked = checked::check(bytes, &settings)?;
    let pixels = Pixels::new(&checked, &settings, shape)?;
    Session::new(&checked)?.run(&pixels, images, shape.pixels())
}

#[test]
fn a_forest_and_a_linear_model_are_computed_by_the_operators_of_onnx() {
    // Tree 0: column 0 <= 5 ? leaf 1 : (column 3 <= 7 ? leaf 3 : leaf 4). Tree 1: a leaf alone.
    let forest = vec![
        ints("classlabels_int64s", &[0, 1, 2]),
        ints("nodes_treeids", &[0, 0, 0, 0, 0, 1]),
        ints("nodes_nodeids", &[0, 1, 2, 3, 4, 0]),
        ints("nodes_featureids", &[0, 0, 3, 0, 0, 0]),
        floats("nodes_values", &[5.0, 0.0, 7.0, 0.0, 0.0, 0.0]),
        texts(
            "nodes_modes",
            &["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
        ),
        ints("nodes_truenodeids", &[1, 0, 3, 0, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 4, 0, 0, 0]),
        ints("class_treeids", &[0, 0, 0, 1]),
        ints("class_nodeids", &[1, 3, 4, 0]),
        ints("class_ids", &[0, 1, 2, 2]),
        floats("class_weights", &[1.0, 2.0, 4.0, 0.5]),
        text("post_transform", "NONE"),
    ];
    let bytes = classical(vec![
        ("TreeEnsembleClassifier", forest.clone()),
        ("ZipMap", vec![]),
    ]);
    let images = [5, 0, 0, 0, 6, 0, 0, 7, 6, 0, 0, 8];
    let expected = [1.0, 0.0, 0.5, 0.0, 2.0, 0.5, 0.0, 0.0, 4.5];
    assert_eq!(ask(&bytes, &images).unwrap(), expected);
    // A node that is its own grandparent, and one that is not there.
    for (list, at, to) in [(6, 2, 0), (7, 0, 9)] {
        let mut damaged = forest.clone();
        damaged[list].ints[at] = to;
        let said = ask(
            &classical(vec![("TreeEnsembleClassifier", damaged)]),
            &images,
        );
        assert!(said.unwrap_err().contains("the file is damaged"));
    }
    let linear = vec![
        ints("classlabels_ints", &[0, 1, 2]),
        floats(
            "coefficients",
            &[1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 1.],
        ),
        floats("intercepts", &[0.0, 0.5, 0.0]),
    ];
    let scaled = vec![floats("offset", &[1.0; 4]), floats("scale", &[2.0; 4])];
    let norm = vec![text("norm", "L1")];
    let nodes = vec![
        ("Scaler", scaled),
        ("Normalizer", norm),
        ("LinearClassifier", linear),
    ];
    // (4, 0, 0, 12) after scaling, a sixteenth of each; and a row of zeros.
    let found = ask(&classical(nodes), &[3, 1, 1, 7, 1, 1, 1, 1]).unwrap();
    assert_eq!(found, [0.25, 0.5, 0.75, 0.0, 0.5, 0.0]);
    let said = ask(&classical(vec![("SVMClassifier", vec![])]), &images);
    assert!(
        said.unwrap_err()
            .contains("ai.onnx.ml.SVMClassifier is not supported")
    );
}

fn graph(input: ValueInfo, nodes: Vec<Node>, initializer: Vec<Tensor>) -> Graph {
    Graph {
        node: nodes,
        name: "g".into(),
        input: vec![input],
        output: vec![value("out", &[4])],
        initializer,
        ..Graph::default()
    }
}

fn node(kind: &str, input: &[&str]) -> Node {
    Node {
        input: input.iter().map(|&name| name.to_owned()).collect(),
        output: vec!["out".into()],
        name: "the node".into(),
        op_type: kind.into(),
        ..Node::default()
    }
}

#[test]
fn layouts_are_found_from_the_shape_and_ambiguous_ones_are_asked_for() {
    let order = |axes: &[i64], shape: ImageShape, given| {
        let settings = settings(given);
        let bytes = model(
            graph(value("x", axes), vec![node("Flatten", &["x"])], vec![]),
            18,
        );
        let checked = checked::check(&bytes.encode_to_vec(), &settings).unwrap();
        let pixels: Vec<u8> = (0..shape.pixels() as u8).collect();
        let made = Pixels::new(&checked, &settings, shape)?;
        let session = Session::new(&checked).unwrap();
        session.run(&made, &pixels, shape.pixels())
    };
    let (bytes, shape) = (|| json!({"scale": "0-255"}), ImageShape::new(3, 2, 1));
    let first = [0., 1., 2., 3., 4., 5.];
    assert_eq!(order(&[3, 2, 1], shape, bytes()).unwrap(), first);
    assert_eq!(order(&[6], shape, bytes()).unwrap(), first);
    assert_eq!(
        order(&[2, 1, 3], shape, bytes()).unwrap(),
        [0., 2., 4., 1., 3., 5.]
    );
    let grey = ImageShape::new(1, 2, 3);
    assert_eq!(order(&[2, 3], grey, bytes()).unwrap(), first);
    let cube = ImageShape::new(3, 3, 3);
    let said = order(&[3, 3, 3], cube, bytes()).unwrap_err();
    assert!(said.contains("layout = \"nchw\""), "{said}");
    let stated = json!({"scale": "0-255", "layout": "nhwc"});
    assert_eq!(order(&[3, 3, 3], cube, stated).unwrap()[..3], [0., 9., 18.]);
    let said = order(&[3, 224, 224], grey, bytes()).unwrap_err();
    assert!(said.contains("size = 224 and colour = \"rgb\""), "{said}");
    let normal = json!({"mean": [0.5, 0.0, 0.0], "std": [0.5, 1.0, 2.0]});
    let found = order(&[3, 2, 1], shape, normal).unwrap();
    assert_eq!(found[0], -1.0);
    assert_eq!(found[5], (5.0_f64 / 255.0 / 2.0) as f32);
    assert!(order(&[3, 2, 1], shape, json!({"mean": [0.1, 0.2]})).is_err());
}

#[test]
fn tensors_in_a_second_file_are_read_and_stay_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let entry = |key: &str, value: &str| StringStringEntry {
        key: key.into(),
        value: value.into(),
    };
    let write = |location: &str, length: &str| {
        let tensor = Tensor {
            name: "w".into(),
            dims: vec![4],
            data_type: FLOAT,
            data_location: Some(EXTERNAL),
            external_data: vec![
                entry("location", location),
                entry("offset", "4"),
                entry("length", length),
            ],
            ..Tensor::default()
        };
        let graph = graph(
            value("x", &[4]),
            vec![node("Mul", &["x", "w"])],
            vec![tensor],
        );
        let path = folder.path().join("m.onnx");
        fs::write(&path, model(graph, 18).encode_to_vec()).unwrap();
        file::read(&path)
    };
    let numbers = [9.0_f32, 1.0, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat();
    assert!(
        write("m.data", "16")
            .unwrap_err()
            .contains("has to lie beside it")
    );
    fs::write(folder.path().join("m.data"), numbers).unwrap();
    let bytes = write("m.data", "16").unwrap();
    assert_eq!(ask(&bytes, &[1, 1, 1, 2]).unwrap(), [1.0, 2.0, 3.0, 8.0]);
    assert!(write("m.data", "17").unwrap_err().contains("has 20 bytes"));
    for outside in ["../m.data", "/etc/passwd", ""] {
        assert!(
            write(outside, "16")
                .unwrap_err()
                .contains("no file of the same folder")
        );
    }
}

#[test]
fn what_older_files_mean_and_newer_ones_leave_out_is_computed() {
    let as_model = |nodes, tensors, opset| {
        let given = graph(value("x", &[1, 2, 2]), nodes, tensors);
        ask(&model(given, opset).encode_to_vec(), &[0, 0, 0, 1])
    };
    // Over the last axis alone, and until version 12 over all axes from the first on.
    let softmax = |opset| as_model(vec![node("Softmax", &["x"])], vec![], opset).unwrap();
    assert_eq!(softmax(18)[..2], [0.5, 0.5]);
    let of_one = 1.0 / (3.0 + 1_f32.exp());
    assert!((softmax(12)[0] - of_one).abs() < 1e-6);
    let kernel = Tensor {
        name: "w".into(),
        dims: vec![1, 1, 1, 2],
        data_type: FLOAT,
        float_data: vec![1.0, 3.0],
        ..Tensor::default()
    };
    let found = as_model(vec![node("Conv", &["x", "w"])], vec![kernel], 18).unwrap();
    assert_eq!(found, [0.0, 3.0]);
    let mut pool = node("MaxPool", &["x"]);
    pool.attribute = vec![ints("kernel_shape", &[1, 2])];
    assert_eq!(as_model(vec![pool], vec![], 18).unwrap(), [0.0, 1.0]);
}

/// One score for two classes, as boosting of scikit-learn, XGBoost and LightGBM has it; the numbers are those of
/// ONNX Runtime.
#[test]
fn one_score_of_trees_is_about_the_second_class() {
    let trees = |weights: &[f32], transform: &str, base: &[f32]| {
        let attributes = vec![
            ints("classlabels_int64s", &[0, 1]),
            ints("nodes_treeids", &[0, 0, 0]),
            ints("nodes_nodeids", &[0, 1, 2]),
            ints("nodes_featureids", &[0, 0, 0]),
            floats("nodes_values", &[5.0, 0.0, 0.0]),
            texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
            ints("nodes_truenodeids", &[1, 0, 0]),
            ints("nodes_falsenodeids", &[2, 0, 0]),
            ints("class_treeids", &[0, 0]),
            ints("class_nodeids", &[1, 2]),
            ints("class_ids", &[0, 0]),
            floats("class_weights", weights),
            floats("base_values", base),
            text("post_transform", transform),
        ];
        let bytes = classical(vec![("TreeEnsembleClassifier", attributes)]);
        ask(&bytes, &[5, 0, 0, 0, 6, 0, 0, 0])
    };
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let found = trees(&[-1.0, 2.0], "LOGISTIC", &[0.5]).unwrap();
    for (found, expected) in found.iter().zip([0.5, -0.5, -2.5, 2.5].map(sigmoid)) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    let positive = trees(&[0.25, 0.75], "LOGISTIC", &[0.1]).unwrap();
    assert!((positive[1] - 0.586_617_6).abs() < 1e-6 && (positive[3] - 0.700_567_2).abs() < 1e-6);
    assert_eq!(
        trees(&[0.25, 0.75], "NONE", &[]).unwrap(),
        [0.75, 0.25, 0.25, 0.75]
    );
    assert!(
        trees(&[-1.0, 2.0], "NONE", &[])
            .unwrap_err()
            .contains("post_transform NONE")
    );
}

#[test]
fn a_loop_without_an_end_and_sizes_past_all_use_are_refused() {
    let said = |nodes: Vec<Node>, tensors: Vec<Tensor>| {
        ask(
            &model(graph(value("x", &[4]), nodes, tensors), 18).encode_to_vec(),
            &[0; 8],
        )
        .unwrap_err()
    };
    let numbers = |name: &str, numbers: &[i64]| Tensor {
        name: name.into(),
        dims: vec![numbers.len() as i64],
        data_type: INT64,
        raw_data: numbers.iter().flat_map(|it| it.to_le_bytes()).collect(),
        ..Tensor::default()
    };
    for (operator, size) in [
        ("Expand", [1, 1 << 40]),
        ("Tile", [1 << 20, 1 << 20]),
        ("Pad", [0, 9_000]),
    ] {
        let found = said(vec![node(operator, &["x", "s"])], vec![numbers("s", &size)]);
        assert!(
            found.contains(operator) && found.contains("are supported"),
            "{found}"
        );
    }
    let loops = |rounds: &str| {
        said(
            vec![node("Loop", &[rounds, "", "x"])],
            vec![numbers("n", &[1 << 40])],
        )
    };
    let mut same = node("MaxPool", &["x"]);
    same.attribute = vec![text("auto_pad", "SAME_LOWER")];
    assert!(said(vec![same], vec![]).contains("auto_pad = SAME_LOWER is not supported"));
    let dynamic = said(vec![node("DynamicQuantizeLinear", &["x"])], vec![]);
    assert!(dynamic.contains("quantize_static"), "{dynamic}");
    assert!(loops("").contains("may never end"));
    assert!(loops("n").contains("at most 10000"));
    let twice = vec![numbers("s", &[1]), numbers("s", &[2])];
    assert!(said(vec![node("Expand", &["x", "s"])], twice).contains("defines `s` twice"));
    let chain = (0..5_000).map(|at| Node {
        input: vec![format!("v{at}")],
        output: vec![format!("v{}", at + 1)],
        ..node("Relu", &[])
    });
    assert!(said(chain.collect(), vec![]).contains("5000 operators"));
}

#[test]
fn sizes_operators_and_versions_that_cannot_be_are_named() {
    let said = |opset, operator: &str, dims: Vec<i64>| {
        let tensor = Tensor {
            name: "w".into(),
            dims,
            data_type: FLOAT,
            raw_data: vec![0; 16],
            ..Tensor::default()
        };
        let graph = graph(
            value("x", &[4]),
            vec![node(operator, &["x", "w"])],
            vec![tensor],
        );
        ask(&model(graph, opset).encode_to_vec(), &[0; 8]).unwrap_err()
    };
    assert!(said(18, "Mul", vec![1 << 40, 1 << 40]).contains("lengths that are no lengths"));
    assert!(
        said(18, "Mul", vec![1 << 40]).contains("`w` should have 1099511627776 values and has 4")
    );
    assert!(said(18, "Mul", vec![-1]).contains("no lengths"));
    let unknown = said(18, "Frobnicate", vec![4]);
    assert!(
        unknown.contains("Frobnicate") && unknown.contains("docs/command.md"),
        "{unknown}"
    );
    assert!(said(99, "Mul", vec![4]).contains("opset_version=28 or less"));
    assert!(answers::order(&[], &["a".into()], "x").is_err());
}
