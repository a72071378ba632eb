//! scikit-learn's operators (domain `ai.onnx.ml`), which the runtime lacks, as ONNX's own:
//! <https://onnx.ai/onnx/operators/#ai-onnx-ml>.
//!
//! Only what gives scores; labels are not needed.

use super::trees;
use crate::schema::{ATTRIBUTE_INT, ATTRIBUTE_INTS, Attribute, FLOAT, Graph, INT64, Node, Tensor};

const DOMAIN: &str = "ai.onnx.ml";

/// Nodes that take the place of one, and their constants.
pub(crate) struct Written {
    prefix: String,
    nodes: Vec<Node>,
    constants: Vec<Tensor>,
}

impl Written {
    fn new(position: usize) -> Self {
        Self {
            prefix: format!("bakeoff/{position}"),
            nodes: Vec::new(),
            constants: Vec::new(),
        }
    }

    fn name(&self) -> String {
        format!(
            "{}/{}/{}",
            self.prefix,
            self.nodes.len(),
            self.constants.len()
        )
    }

    /// A constant of floats; its name.
    pub(crate) fn floats(&mut self, dims: &[usize], values: Vec<f32>) -> String {
        self.constant(
            dims,
            Tensor {
                data_type: FLOAT,
                float_data: values,
                ..Tensor::default()
            },
        )
    }

    /// A constant of whole numbers; its name.
    pub(crate) fn ints(&mut self, dims: &[usize], values: Vec<i64>) -> String {
        self.constant(
            dims,
            Tensor {
                data_type: INT64,
                int64_data: values,
                ..Tensor::default()
            },
        )
    }

    fn constant(&mut self, dims: &[usize], tensor: Tensor) -> String {
        let name = self.name();
        self.constants.push(Tensor {
            name: name.clone(),
            dims: dims.iter().map(|&length| length as i64).collect(),
            ..tensor
        });
        name
    }

    /// A node; the name of what it gives.
    pub(crate) fn node(
        &mut self,
        operator: &str,
        input: &[&str],
        attribute: Vec<Attribute>,
    ) -> String {
        let name = self.name();
        self.nodes.push(Node {
            input: input.iter().map(|&name| name.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.into(),
            attribute,
            ..Node::default()
        });
        name
    }

    /// Scores as probabilities, as the attribute `post_transform` says.
    pub(crate) fn transformed(&mut self, node: &Node, scores: &str) -> Result<String, String> {
        match text(node, "post_transform").as_deref() {
            None | Some("" | "NONE") => Ok(scores.to_owned()),
            Some("SOFTMAX") => Ok(self.node("Softmax", &[scores], vec![int("axis", -1)])),
            Some("LOGISTIC") => Ok(self.node("Sigmoid", &[scores], Vec::new())),
            Some(other) => Err(format!("post_transform {other} is not supported")),
        }
    }
}

pub(crate) fn int(name: &str, i: i64) -> Attribute {
    Attribute {
        name: name.into(),
        i: Some(i),
        r#type: ATTRIBUTE_INT,
        ..Attribute::default()
    }
}

fn ints(name: &str, values: &[i64]) -> Attribute {
    Attribute {
        name: name.into(),
        ints: values.to_vec(),
        r#type: ATTRIBUTE_INTS,
        ..Attribute::default()
    }
}

pub(crate) fn attribute<'a>(node: &'a Node, name: &str) -> Option<&'a Attribute> {
    node.attribute
        .iter()
        .find(|attribute| attribute.name == name)
}

fn text(node: &Node, name: &str) -> Option<String> {
    let bytes = attribute(node, name)?.s.as_deref()?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

pub(crate) fn floats(node: &Node, name: &str) -> Vec<f32> {
    attribute(node, name)
        .map(|it| it.floats.clone())
        .unwrap_or_default()
}

/// The number of classes by their labels.
pub(crate) fn classes(node: &Node) -> usize {
    let labels = [
        "classlabels_ints",
        "classlabels_int64s",
        "classlabels_strings",
    ];
    let lengths = labels.iter().filter_map(|name| {
        let found = attribute(node, name)?;
        Some(found.ints.len().max(found.strings.len()))
    });
    lengths.max().unwrap_or_default()
}

/// Replaces those that can be written otherwise; names those that cannot.
pub(crate) fn rewrite(graph: &mut Graph) -> Result<(), String> {
    let nodes = std::mem::take(&mut graph.node);
    let used: Vec<String> = nodes.iter().flat_map(|node| node.input.clone()).collect();
    for (position, node) in nodes.into_iter().enumerate() {
        if node.domain != DOMAIN {
            graph.node.push(node);
            continue;
        }
        let mut written = Written::new(position);
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
