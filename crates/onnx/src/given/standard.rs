//! What ONNX lets a file leave out, or once meant otherwise, as the runtime needs it stated.

use std::collections::BTreeMap;

use super::written::{Written, attribute, int, ints};
use crate::schema::{Graph, Node, Tensor};

/// The version of the operators that changed softmax.
const SOFTMAX_CHANGED: i64 = 13;

/// Rewrites a graph of this version of the operators.
pub(crate) fn rewrite(graph: &mut Graph, opset: i64) {
    kernels_and_strides(graph);
    if opset < SOFTMAX_CHANGED {
        softmax(graph);
    }
}

/// A kernel has the size of its weights, and takes steps of one, where nothing else is said.
fn kernels_and_strides(graph: &mut Graph) {
    let axes_of = |tensor: &Tensor| tensor.dims.get(2..).map(<[i64]>::to_vec);
    let weights: BTreeMap<&String, Vec<i64>> = graph
        .initializer
        .iter()
        .filter_map(|tensor| Some((&tensor.name, axes_of(tensor)?)))
        .collect();
    for node in &mut graph.node {
        if !matches!(
            node.op_type.as_str(),
            "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool"
        ) {
            continue;
        }
        let stated = attribute(node, "kernel_shape").map(|it| it.ints.clone());
        let found = || weights.get(node.input.get(1)?).cloned();
        let Some(kernel) = stated.or_else(found) else {
            continue;
        };
        for (name, values) in [("strides", vec![1; kernel.len()]), ("kernel_shape", kernel)] {
            if attribute(node, name).is_none() {
                node.attribute.push(ints(name, &values));
            }
        }
    }
}

/// Softmax as it was before version 13: over all axes from `axis` on together
/// (<https://onnx.ai/onnx/operators/onnx__Softmax.html#softmax-11>).
fn softmax(graph: &mut Graph) {
    for (position, node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        let ("Softmax" | "LogSoftmax", [input], [output]) =
            (node.op_type.as_str(), &node.input[..], &node.output[..])
        else {
            graph.node.push(node);
            continue;
        };
        let axis = attribute(&node, "axis").and_then(|it| it.i).unwrap_or(1);
        let mut written = Written::new(&format!("softmax/{position}"));
        let rows = written.node("Flatten", &[input], vec![int("axis", axis)]);
        let found = written.node(&node.op_type, &[&rows], vec![int("axis", -1)]);
        let shape = written.node("Shape", &[input], Vec::new());
        let shaped = Node {
            input: vec![found, shape],
            output: vec![output.clone()],
            name: node.name.clone(),
            op_type: "Reshape".into(),
            ..Node::default()
        };
        graph.node.append(&mut written.nodes);
        graph.node.push(shaped);
    }
}
