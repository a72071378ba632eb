//! Softmax as ONNX defined it before version 13: over all axes from `axis` on together
//! (<https://onnx.ai/onnx/operators/onnx__Softmax.html#softmax-11>), in the terms of today.

use super::written::{Written, attribute, int};
use crate::schema::{Graph, Node};

/// The version of the operators that changed it.
pub(crate) const CHANGED: i64 = 13;

/// Rewrites those of a graph of before.
pub(crate) fn rewrite(graph: &mut Graph) {
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
