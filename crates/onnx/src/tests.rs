// In a test a panic is the report.
#![allow(clippy::unwrap_used)]

mod evaluator;

use std::collections::BTreeMap;

use bakeoff_core::{ConvLayer, DenseLayer, Fit, ImageShape, Layer, PoolLayer};
use proptest::{prelude::*, test_runner::TestCaseResult};

use super::*;
use crate::schema::{FLOAT, Graph, INT64, UINT8};
use evaluator::{Value, declared, evaluate};
use given::tests::answers;

fn about(names: &[String]) -> About<'_> {
    About {
        model: "toy/cnn",
        dataset: "toy",
        class_names: names,
        preparation: Preparation::Ink,
    }
}

fn names(classes: usize) -> Vec<String> {
    (0..classes)
        .map(|class| format!("class \"{class}\""))
        .collect()
}

fn decoded(layers: &Layers, input: Input) -> Model {
    let names = names(layers.classes());
    let bytes = to_onnx(layers, &about(&names), input).unwrap();
    Model::decode(bytes.as_slice()).unwrap()
}

fn conv(
    filters: usize,
    groups: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    pad: [usize; 4],
    weights: Vec<f32>,
    bias: Vec<f32>,
) -> Layer {
    Layer::Conv(ConvLayer {
        filters,
        groups,
        kernel,
        stride,
        pad,
        weights,
        bias,
    })
}

fn dense(weights: Vec<f32>, bias: Vec<f32>) -> Layer {
    Layer::Dense(DenseLayer { weights, bias })
}

/// The model of `official.py`.
fn toy() -> Layers {
    let layers = vec![
        conv(
            2,
            1,
            [1, 2],
            [1, 2],
            [1, 0, 0, 0],
            vec![1.0, -2.0, 3.0, 4.0],
            vec![0.5, -0.5],
        ),
        Layer::Relu,
        Layer::MaxPool(PoolLayer {
            size: [2, 1],
            stride: [1, 1],
        }),
        dense(
            vec![1.0, 2.0, 3.0, 4.0, -1.0, -2.0, -3.0, -4.0],
            vec![0.25, 0.0],
        ),
    ];
    let layers = Layers::new(ImageShape::new(1, 1, 4), 0.5, layers).unwrap();
    layers.with_temperature(2.0).unwrap()
}

#[test]
fn the_official_library_writes_the_same() {
    let official = &include_bytes!("tests/official.onnx")[..];
    let read = Model::decode(official).unwrap();
    let names = ["ä", "b"].map(String::from);
    let mut ours = model(&toy(), &about(&names), Input::Bytes).unwrap();
    assert_eq!(ours.graph, read.graph);
    // What changes with the version and the words is not in that file.
    ours.producer_version.clear();
    ours.doc_string.clear();
    let kept = ["model", "class_names"];
    ours.metadata_props
        .retain(|entry| kept.contains(&entry.key.as_str()));
    assert_eq!(ours, read);
    assert_eq!(ours.encode_to_vec(), official);
}

#[test]
fn metadata_say_what_the_model_is() {
    let layers = toy();
    let names = vec!["null \"0\"".to_owned(), "eins\n".to_owned()];
    let plain = About {
        preparation: Preparation::Plain { fit: Fit::Pad },
        ..about(&names)
    };
    let made = model(&layers, &plain, Input::Floats).unwrap();
    let entries: BTreeMap<&str, &str> = made
        .metadata_props
        .iter()
        .map(|entry| (entry.key.as_str(), entry.value.as_str()))
        .collect();
    assert_eq!(entries["model"], "toy/cnn");
    assert_eq!(entries["dataset"], "toy");
    let read: Vec<String> = serde_json::from_str(entries["class_names"]).unwrap();
    assert_eq!(read, names);
    assert!(
        entries["input"].starts_with("float32 N×1×1×4, 0 to 1; images"),
        "{}",
        entries["input"]
    );
    let read: Preparation = serde_json::from_str(entries["preparation"]).unwrap();
    assert_eq!(read, plain.preparation);
    assert_eq!(entries["bakeoff_version"], made.producer_version);
}

#[test]
fn what_cannot_be_a_file_is_refused() {
    let layers = toy();
    let three = names(3);
    let error = to_onnx(&layers, &about(&three), Input::Bytes).unwrap_err();
    assert_eq!(error.to_string(), "3 class names for a model of 2 classes");
    let two = names(2);
    let made = model(&layers, &about(&two), Input::Bytes).unwrap();
    let length = made.encoded_len();
    assert_eq!(encode(&made, length).unwrap().len(), length);
    let error = encode(&made, length - 1).unwrap_err();
    assert_eq!(
        error,
        OnnxError::TooLarge {
            bytes: length,
            most: length - 1
        }
    );
}

#[test]
fn a_scale_and_a_temperature_of_one_are_no_nodes() {
    let operators = |scale: f32, input: Input| -> Vec<String> {
        let layer = dense(vec![1.0, 2.0], vec![0.0, 0.0]);
        let layers = Layers::new(ImageShape::new(1, 1, 1), scale, vec![layer]).unwrap();
        let nodes = decoded(&layers, input).graph.unwrap().node;
        nodes.into_iter().map(|node| node.op_type).collect()
    };
    let last = ["Reshape", "Gemm", "Softmax", "ArgMax"];
    // What every family's layers have.
    assert_eq!(operators(1.0 / 255.0, Input::Floats), last);
    assert_eq!(
        operators(1.0 / 255.0, Input::Bytes),
        [&["Cast", "Mul"], &last[..]].concat()
    );
    assert_eq!(
        operators(1.0, Input::Bytes),
        [&["Cast"], &last[..]].concat()
    );
    assert_eq!(
        operators(1.0, Input::Floats),
        [&["Mul"], &last[..]].concat()
    );
}

#[test]
fn equal_probabilities_give_the_first_label() {
    let layer = dense(vec![1.0, 2.0, 2.0], vec![0.0; 3]);
    let layers = Layers::new(ImageShape::new(1, 1, 1), 1.0, vec![layer]).unwrap();
    let graph = decoded(&layers, Input::Bytes).graph.unwrap();
    let values = evaluate(&graph, Value::new(&[2, 1, 1, 1], vec![0.0, 1.0]));
    assert_eq!(values["labels"], Value::new(&[2], vec![0.0, 1.0]));
}

/// A layer that fits `flow`, and what comes out of it. Image layers may follow dense ones, which no
/// family has and [`Layers`] allows.
fn layer(
    kind: usize,
    flow: ImageShape,
    draws: &mut impl FnMut(usize) -> usize,
) -> (Layer, ImageShape) {
    let size = [1 + draws(3.min(flow.height)), 1 + draws(3.min(flow.width))];
    let stride = [1 + draws(3), 1 + draws(3)];
    let windows = |channels: usize, [above, left, below, right]: [usize; 4]| {
        let rows = (flow.height + above + below - size[0]) / stride[0] + 1;
        let columns = (flow.width + left + right - size[1]) / stride[1] + 1;
        ImageShape::new(channels, rows, columns)
    };
    match kind {
        0 => (Layer::Relu, flow),
        1 => {
            let outputs = 1 + draws(5);
            let weights = weights(outputs * flow.pixels(), draws);
            let bias = self::weights(outputs, draws);
            (dense(weights, bias), ImageShape::new(outputs, 1, 1))
        }
        2 => {
            // A depthwise one has one or two filters for each channel.
            let groups = if draws(3) == 0 { flow.channels } else { 1 };
            let filters = groups * (1 + draws(if groups == 1 { 3 } else { 2 }));
            let pad = [draws(2), draws(2), draws(2), draws(2)];
            let each = flow.channels / groups * size[0] * size[1];
            let weights = weights(filters * each, draws);
            let bias = self::weights(filters, draws);
            (
                conv(filters, groups, size, stride, pad, weights, bias),
                windows(filters, pad),
            )
        }
        _ => {
            let pool = PoolLayer { size, stride };
            let layer = match kind {
                3 => Layer::MaxPool(pool),
                _ => Layer::AveragePool(pool),
            };
            (layer, windows(flow.channels, [0; 4]))
        }
    }
}

fn weights(count: usize, draws: &mut impl FnMut(usize) -> usize) -> Vec<f32> {
    (0..count)
        .map(|_| draws(2001) as f32 / 1000.0 - 1.0)
        .collect()
}

/// The graph gives what `bakeoff_network`, the reference of what layers mean, gives.
fn check(layers: &Layers, input: Input, images: &[Vec<u8>]) -> TestCaseResult {
    let graph: Graph = decoded(layers, input).graph.unwrap();
    let shape = layers.input();
    let each = [shape.channels, shape.height, shape.width];
    let element = if input == Input::Bytes { UINT8 } else { FLOAT };
    prop_assert_eq!(
        declared(&graph.input[0]),
        (element, [&[0], &each[..]].concat())
    );
    prop_assert_eq!(
        declared(&graph.output[0]),
        (FLOAT, vec![0, layers.classes()])
    );
    prop_assert_eq!(declared(&graph.output[1]), (INT64, vec![0]));
    let divisor = if input == Input::Bytes { 1.0 } else { 255.0 };
    let pixels = images
        .iter()
        .flatten()
        .map(|&byte| f64::from(byte) / divisor);
    let batch = Value::new(&[&[images.len()], &each[..]].concat(), pixels.collect());
    let values = evaluate(&graph, batch);
    let found = &values[&graph.output[0].name];
    prop_assert_eq!(&found.dims, &[images.len(), layers.classes()]);
    for (image, row) in images.iter().zip(found.values.chunks(layers.classes())) {
        let expected = bakeoff_network::forward(layers, image)
            .unwrap()
            .probabilities;
        for (found, expected) in row.iter().zip(&expected) {
            prop_assert!(
                (found - f64::from(*expected)).abs() < 1e-4,
                "{found} {expected}"
            );
        }
    }
    // A file of ours as somebody else's: the family `onnx` reads it, and another runtime answers.
    if !images.is_empty() {
        let names = names(layers.classes());
        let bytes = to_onnx(layers, &about(&names), input).unwrap();
        let axes = match each {
            // Axes that could be channels first or last.
            [a, b, c] if a == b && b == c => serde_json::json!({"layout": "nchw"}),
            _ => serde_json::json!({}),
        };
        let given = answers(&bytes, axes, shape, &images.concat());
        let given = given.map_err(TestCaseError::fail)?;
        prop_assert_eq!(given.len(), found.values.len());
        for (given, expected) in given.iter().zip(&found.values) {
            prop_assert!(
                (f64::from(*given) - expected).abs() < 1e-4,
                "{given} {expected}"
            );
        }
    }
    let label = |row: &[f64]| {
        (0..row.len())
            .rev()
            .max_by(|&a, &b| row[a].total_cmp(&row[b]))
    };
    let labels: Vec<f64> = found
        .values
        .chunks(layers.classes())
        .map(|row| label(row).unwrap() as f64)
        .collect();
    prop_assert_eq!(
        &values[&graph.output[1].name],
        &Value::new(&[images.len()], labels)
    );
    Ok(())
}

/// Cut off anywhere, or with a byte that is another one: an error or another model, and the runtime's panics are
/// errors too. An abort would end this test.
#[test]
fn a_damaged_file_never_ends_the_program() {
    let names = names(2);
    let bytes = to_onnx(&toy(), &about(&names), Input::Bytes).unwrap();
    let ask = |bytes: &[u8]| {
        answers(
            bytes,
            serde_json::json!({}),
            ImageShape::new(1, 1, 4),
            &[0, 1, 2, 255, 3, 4, 5, 6],
        )
    };
    let whole = ask(&bytes).unwrap();
    assert_eq!(whole.len(), 4);
    let cut: Vec<_> = (0..bytes.len())
        .map(|length| ask(&bytes[..length]))
        .collect();
    assert!(cut.iter().filter(|said| said.is_err()).count() > bytes.len() / 2);
    let mut state = 1_u64;
    let mut draws = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut refused = 0;
    for _ in 0..10_000 {
        let mut damaged = bytes.clone();
        damaged[draws(bytes.len())] = draws(256) as u8;
        refused += usize::from(ask(&damaged).is_err());
    }
    assert!((1_000..9_999).contains(&refused), "{refused}");
}

proptest! {
    #[test]
    fn any_chain_of_layers_answers_as_the_reference_does(
        shape in (1_usize..4, 1_usize..8, 1_usize..8),
        kinds in prop::collection::vec(0_usize..5, 0..7),
        sums in any::<bool>(),
        seed in any::<u64>(),
        images in 0_usize..4,
        temperature in prop::sample::select(vec![1.0_f32, 0.4, 3.0]),
        input in prop::sample::select(vec![Input::Bytes, Input::Floats]),
    ) {
        // A linear congruential generator (Knuth, MMIX) is enough to spread weights.
        let mut state = seed;
        let mut draws = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let shape = ImageShape::new(shape.0, shape.1, shape.2);
        let (mut chain, mut shapes) = (Vec::new(), Vec::new());
        let mut flow = shape;
        for kind in kinds {
            let (next, output) = layer(kind, flow, &mut draws);
            chain.push(next);
            shapes.push(output);
            flow = output;
            let same = shapes.iter().position(|shape| *shape == flow);
            let has_dense = chain.iter().any(|layer| matches!(layer, Layer::Dense(_)));
            if let Some(from) = same && sums && !has_dense {
                chain.push(Layer::Add { from });
                shapes.push(flow);
            }
        }
        let classes = 2 + draws(4);
        chain.push(dense(weights(classes * flow.pixels(), &mut draws), weights(classes, &mut draws)));
        let layers = Layers::new(shape, 1.0 / 255.0, chain).unwrap();
        let layers = layers.with_temperature(temperature).unwrap();
        let images: Vec<Vec<u8>> = (0..images)
            .map(|_| (0..shape.pixels()).map(|_| draws(256) as u8).collect())
            .collect();
        check(&layers, input, &images)?;
    }
}
