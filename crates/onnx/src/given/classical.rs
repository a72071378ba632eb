//! scikit-learn's operators (domain `ai.onnx.ml`), which the runtime lacks, as ONNX's own:
//! <https://onnx.ai/onnx/operators/#ai-onnx-ml>.
//!
//! Only what gives scores; labels are not needed.

use std::collections::BTreeSet;

use super::{
    trees,
    written::{Written, classes, floats, int, ints, text},
};
use crate::schema::{Graph, Node};

const DOMAIN: &str = "ai.onnx.ml";

/// Replaces those that can be written otherwise; names those that cannot.
pub(crate) fn rewrite(graph: &mut Graph) -> Result<(), String> {
    let nodes = std::mem::take(&mut graph.node);
    let used: BTreeSet<String> = nodes.iter().flat_map(|node| node.input.clone()).collect();
    for (position, node) in nodes.into_iter().enumerate() {
        if node.domain != DOMAIN {
            graph.node.push(node);
            continue;
        }
        let mut written = Written::new(&position.to_string());
        let input = node.input.first().map(String::as_str).unwrap_or_default();
        let scores = match node.op_type.as_str() {
            "ZipMap" => Ok(written.node("Identity", &[input], Vec::new())),
            "Scaler" => scaler(&node, input, &mut written),
            "Normalizer" => normalizer(&node, input, &mut written),
            "LinearClassifier" => linear(&node, input, &mut written),
            "TreeEnsembleClassifier" => trees::classifier(&node, input, &mut written),
            other => Err(format!(
                "operator {DOMAIN}.{other} is not supported; a program that runs the file can be compared instead \
                 (docs/command.md), or its predictions imported (docs/external.md)"
            )),
        };
        let named = |why: String| format!("node `{}`: {why}", node.name.escape_debug());
        let scores = scores.map_err(named)?;
        // Of classifiers, the first output is the labels.
        let output = match &node.output[..] {
            [only] => only,
            [labels, scores] if !used.contains(labels) => scores,
            _ => return Err(named("its labels are used to compute scores".into())),
        };
        written.nodes.push(Node {
            input: vec![scores],
            output: vec![output.clone()],
            name: output.clone(),
            op_type: "Identity".into(),
            ..Node::default()
        });
        graph.node.append(&mut written.nodes);
        graph.initializer.append(&mut written.constants);
    }
    Ok(())
}

/// (x - offset) · scale, for each column.
fn scaler(node: &Node, input: &str, written: &mut Written) -> Result<String, String> {
    let (offset, scale) = (floats(node, "offset"), floats(node, "scale"));
    let (offset, scale) = (
        written.floats(&[offset.len()], offset),
        written.floats(&[scale.len()], scale),
    );
    let moved = written.node("Sub", &[input, &offset], Vec::new());
    Ok(written.node("Mul", &[&moved, &scale], Vec::new()))
}

/// Each row divided by its norm; a row of zeros stays.
fn normalizer(node: &Node, input: &str, written: &mut Written) -> Result<String, String> {
    let size = written.node("Abs", &[input], Vec::new());
    let last = || int("keepdims", 1);
    let norm = match text(node, "norm").as_deref() {
        None | Some("MAX") => written.node("ReduceMax", &[&size], vec![ints("axes", &[1]), last()]),
        Some("L1") => written.node("ReduceL1", &[input], vec![ints("axes", &[1]), last()]),
        Some("L2") => written.node("ReduceL2", &[input], vec![ints("axes", &[1]), last()]),
        Some(other) => return Err(format!("norm {other} is not supported")),
    };
    let zero = written.floats(&[], vec![0.0]);
    let one = written.floats(&[], vec![1.0]);
    let is_zero = written.node("Equal", &[&norm, &zero], Vec::new());
    let divisor = written.node("Where", &[&is_zero, &one, &norm], Vec::new());
    Ok(written.node("Div", &[input, &divisor], Vec::new()))
}

/// Scores of a linear model.
fn linear(node: &Node, input: &str, written: &mut Written) -> Result<String, String> {
    let (weights, bias) = (floats(node, "coefficients"), floats(node, "intercepts"));
    let outputs = bias.len();
    if outputs == 0 || weights.len() % outputs != 0 {
        return Err("its coefficients and intercepts do not fit".into());
    }
    if outputs != classes(node) {
        return Err(format!(
            "{outputs} scores for {} classes are not supported",
            classes(node)
        ));
    }
    let weights = written.floats(&[outputs, weights.len() / outputs], weights);
    let bias = written.floats(&[outputs], bias);
    let scores = written.node("Gemm", &[input, &weights, &bias], vec![int("transB", 1)]);
    written.transformed(node, &scores)
}
