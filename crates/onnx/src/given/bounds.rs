//! What a file must not ask for: a loop without an end, far more memory than its own size, one of
//! two values of the same name, or an operator that would answer wrongly.
//!
//! Only sizes that stand in the file are found. A file can still compute a large one from the images,
//! as a program can (docs/onnx-in.md).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    tensors::whole_numbers,
    written::{attribute, text},
};
use crate::schema::{Graph, Node, Tensor};

/// Values of a tensor that a file may state by its size alone: 512 MB of float32.
pub(crate) const MOST_VALUES: usize = 1 << 27;

/// Rounds of a loop.
const MOST_ROUNDS: i64 = 10_000;

/// Rows or columns around an image.
const WIDEST_PADDING: i64 = 8_192;

/// Nodes of which each needs the one before. The runtime follows them by calls inside calls, for which
/// the stack of a thread has to be enough.
const LONGEST_CHAIN: usize = 4_000;

/// Where an operator takes a size from: the number of an input, or the name of an attribute.
enum Size {
    Input(usize),
    Attribute(&'static str),
}

/// Operators whose output can be larger than their inputs by a stated size or factor.
const GROWING: &[(&str, &[Size])] = &[
    ("ConstantOfShape", &[Size::Input(0)]),
    ("Expand", &[Size::Input(1)]),
    ("Tile", &[Size::Input(1)]),
    ("OneHot", &[Size::Input(1)]),
    ("Pad", &[Size::Input(1), Size::Attribute("pads")]),
    // Start, end and step: what is large is large in one of them.
    ("Range", &[Size::Input(0), Size::Input(1)]),
    ("Resize", &[Size::Input(1), Size::Input(2), Size::Input(3)]),
    ("Upsample", &[Size::Input(1), Size::Attribute("scales")]),
    ("Conv", &[Size::Attribute("pads")]),
    (
        "ConvTranspose",
        &[
            Size::Attribute("pads"),
            Size::Attribute("strides"),
            Size::Attribute("output_shape"),
            Size::Attribute("output_padding"),
        ],
    ),
    ("MaxPool", &[Size::Attribute("pads")]),
    ("AveragePool", &[Size::Attribute("pads")]),
];

/// Operators that the runtime knows and that are not asked for.
const REFUSED: &[(&str, &str)] = &[
    (
        "DynamicQuantizeLinear",
        "it scales by all images of a batch, so that an answer depends on the others; quantise the network \
         statically (onnxruntime.quantization.quantize_static)",
    ),
    (
        "ConvInteger",
        "its numbers differ from those of ONNX Runtime; quantise the network statically \
         (onnxruntime.quantization.quantize_static, with quant_format=QuantFormat.QDQ)",
    ),
];

/// Values of attributes for which the runtime's numbers are not those of ONNX Runtime.
const REFUSED_VALUES: &[(&str, &str)] = &[
    ("auto_pad", "SAME_LOWER"),
    ("mode", "cubic"),
    ("nearest_mode", "round_prefer_ceil"),
];

type Constants<'a> = BTreeMap<&'a str, &'a Tensor>;

/// Refuses a graph whose stated sizes or rounds are past all use.
pub(crate) fn check(graph: &Graph) -> Result<(), String> {
    named_once(graph)?;
    let longest = longest_chain(graph);
    if longest > LONGEST_CHAIN {
        return Err(format!(
            "has {longest} operators of which each needs the one before, and at most {LONGEST_CHAIN} are supported"
        ));
    }
    within(graph, &Constants::new(), false)
}

fn within<'a>(graph: &'a Graph, outer: &Constants<'a>, in_loop: bool) -> Result<(), String> {
    let mut constants = outer.clone();
    constants.extend(graph.initializer.iter().map(|it| (it.name.as_str(), it)));
    for node in &graph.node {
        if let ("Constant", [output]) = (node.op_type.as_str(), &node.output[..]) {
            let value = attribute(node, "value").and_then(|it| it.t.as_ref());
            constants.extend(value.map(|it| (output.as_str(), it)));
        }
        let is_loop = matches!(node.op_type.as_str(), "Loop" | "Scan");
        let refused = REFUSED
            .iter()
            .find(|(operator, _)| *operator == node.op_type);
        let other = REFUSED_VALUES
            .iter()
            .find(|(name, value)| text(node, name).as_deref() == Some(*value));
        let wrong = match (refused, other) {
            (Some((_, why)), _) => Some((*why).to_owned()),
            (None, Some((name, value))) => Some(format!(
                "{name} = {value} is not supported; a program that runs the file can be compared instead \
                 (docs/command.md), or its predictions imported (docs/external.md)"
            )),
            (None, None) if is_loop => loop_problem(node, &constants, in_loop),
            (None, None) => size_problem(node, &constants),
        };
        if let Some(why) = wrong {
            let (name, operator) = (node.name.escape_debug(), node.op_type.escape_debug());
            return Err(format!("node `{name}`, operator {operator}: {why}"));
        }
        for attribute in &node.attribute {
            for inner in attribute.g.iter().chain(&attribute.graphs) {
                within(inner, &constants, in_loop || is_loop)?;
            }
        }
    }
    Ok(())
}

/// A loop has to end: its number of rounds is in the file.
fn loop_problem(node: &Node, constants: &Constants<'_>, in_loop: bool) -> Option<String> {
    if in_loop {
        return Some("a loop inside a loop is not supported".into());
    }
    let rounds = node
        .input
        .first()
        .and_then(|name| constants.get(name.as_str()));
    match rounds.and_then(|tensor| whole_numbers(tensor).first().copied()) {
        Some(rounds) if rounds <= MOST_ROUNDS => None,
        Some(rounds) => Some(format!(
            "it goes {rounds} rounds, and at most {MOST_ROUNDS} are supported"
        )),
        None => Some(
            "a loop whose number of rounds is not a constant is not supported, because it may never end"
                .into(),
        ),
    }
}

fn size_problem(node: &Node, constants: &Constants<'_>) -> Option<String> {
    let (_, sizes) = GROWING
        .iter()
        .find(|(operator, _)| *operator == node.op_type)?;
    for size in *sizes {
        let numbers = match size {
            Size::Input(position) => {
                let tensor = node
                    .input
                    .get(*position)
                    .and_then(|name| constants.get(name.as_str()));
                tensor.map_or_else(Vec::new, |it| whole_numbers(it))
            }
            Size::Attribute(name) => attribute(node, name)
                .map(|it| {
                    let floats = it.floats.iter().map(|&value| value as i64);
                    it.ints.iter().copied().chain(floats).collect()
                })
                .unwrap_or_default(),
        };
        if node.op_type == "Pad" || matches!(size, Size::Attribute("pads")) {
            match numbers.iter().find(|number| **number > WIDEST_PADDING) {
                None => continue,
                Some(wide) => {
                    return Some(format!(
                        "it pads by {wide}, and at most {WIDEST_PADDING} are supported"
                    ));
                }
            }
        }
        // Zero and below stand for lengths that stay, and add nothing.
        let product = numbers
            .iter()
            .filter(|number| **number > 1)
            .try_fold(1_i64, |product, &number| product.checked_mul(number));
        if product.is_none_or(|product| product > MOST_VALUES as i64) {
            return Some(format!(
                "it asks for {} values, and at most {MOST_VALUES} are supported",
                numbers
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("×")
            ));
        }
    }
    None
}

/// A value that is defined twice could be either.
fn named_once(graph: &Graph) -> Result<(), String> {
    let tensors = graph.initializer.iter().map(|tensor| &tensor.name);
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let known: BTreeSet<&String> = tensors.clone().collect();
    // The oldest files name their tensors among the inputs too.
    let inputs = graph.input.iter().map(|input| &input.name);
    let inputs = inputs.filter(|name| !known.contains(name));
    let mut seen = BTreeSet::new();
    for name in tensors.chain(outputs).chain(inputs) {
        if !name.is_empty() && !seen.insert(name.as_str()) {
            let name = name.escape_debug();
            return Err(format!(
                "defines `{name}` twice; the file is damaged, export it again"
            ));
        }
    }
    Ok(())
}

/// The longest way through nodes that stand in the order in which they are computed.
fn longest_chain(graph: &Graph) -> usize {
    let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
    let mut longest = 0;
    for node in &graph.node {
        let before = node
            .input
            .iter()
            .filter_map(|name| steps.get(name.as_str()));
        let own = before.max().copied().unwrap_or_default() + 1;
        longest = longest.max(own);
        steps.extend(node.output.iter().map(|name| (name.as_str(), own)));
    }
    longest
}
