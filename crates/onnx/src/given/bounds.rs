//! What a file must not ask for: a loop without an end, far more memory than its own size, one of
//! two values of the same name, or an operator that would answer wrongly.
//!
//! Only sizes that stand in the file are found. A file can still compute a large one from the images,
//! as a program can (docs/onnx-in.md).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    tensors::{self, elements},
    written::{attribute, text},
};
use crate::schema::{Attribute, Graph, Node, Tensor};

/// Values of a tensor that a file may state by its size alone: 512 MB of float32.
pub(crate) const MOST_VALUES: usize = 1 << 27;

/// Rounds of a loop.
const MOST_ROUNDS: f64 = 10_000.0;

/// Rows or columns around an image.
const WIDEST_PADDING: f64 = 8_192.0;

/// Nodes of which each needs the one before. The runtime follows them by calls inside calls, for which
/// the stack of a thread has to be enough.
const LONGEST_CHAIN: usize = 4_000;

/// Nodes, those of inner graphs included. The runtime orders them in a time that grows with the square of
/// how many are ready at once.
const MOST_NODES: usize = 10_000;

/// How often an operator may repeat what it is given.
const MOST_TIMES: usize = 1 << 16;

/// Where an operator takes a size from: the number of an input, or the name of an attribute. A factor
/// multiplies what is there, whose size is not known here.
enum Size {
    Input(usize),
    Factor(usize),
    Attribute(&'static str),
    FactorAttribute(&'static str),
}

impl Size {
    fn most(&self) -> usize {
        match self {
            Self::Input(_) | Self::Attribute(_) => MOST_VALUES,
            Self::Factor(_) | Self::FactorAttribute(_) => MOST_TIMES,
        }
    }
}

/// Operators whose output can be larger than their inputs by a stated size or factor.
const GROWING: &[(&str, &[Size])] = &[
    ("ConstantOfShape", &[Size::Input(0)]),
    ("Expand", &[Size::Input(1)]),
    ("Tile", &[Size::Factor(1)]),
    ("OneHot", &[Size::Factor(1)]),
    // Room for as many is made before it is known how many there are.
    ("TopK", &[Size::Factor(1)]),
    ("Pad", &[Size::Input(1), Size::Attribute("pads")]),
    ("Range", &[Size::Input(0), Size::Input(1)]),
    (
        "Resize",
        &[Size::Factor(1), Size::Factor(2), Size::Input(3)],
    ),
    (
        "Upsample",
        &[Size::Factor(1), Size::FactorAttribute("scales")],
    ),
    ("Conv", &[Size::Attribute("pads")]),
    (
        "ConvTranspose",
        &[
            Size::Attribute("pads"),
            Size::FactorAttribute("strides"),
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

/// The numbers of a size: an image has few axes.
const MOST_NUMBERS: usize = 64;

/// A value that the file states.
enum Constant<'a> {
    Tensor(&'a Tensor),
    /// Of a node `Constant`: one number, several, or a tensor.
    Node(&'a Node),
}

impl Constant<'_> {
    /// `None` where they are too many for a size.
    fn numbers(&self) -> Option<Vec<f64>> {
        let node = match self {
            Self::Tensor(tensor) => return numbers_of(tensor),
            Self::Node(node) => node,
        };
        let mut numbers = Vec::new();
        for it in &node.attribute {
            if it.ints.len().max(it.floats.len()) > MOST_NUMBERS {
                return None;
            }
            match &it.t {
                Some(tensor) => numbers.extend(numbers_of(tensor)?),
                None => numbers.extend(of_attribute(it)),
            }
        }
        Some(numbers)
    }
}

fn numbers_of(tensor: &Tensor) -> Option<Vec<f64>> {
    let count = elements(tensor).filter(|&count| count <= MOST_NUMBERS);
    count.map(|_| tensors::numbers(tensor))
}

fn of_attribute(it: &Attribute) -> Vec<f64> {
    let whole = it.i.iter().chain(&it.ints).map(|&number| number as f64);
    let others = it.f.iter().chain(&it.floats).map(|&number| number.into());
    whole.chain(others).collect()
}

/// The values of a graph, those of which are constants, and those of the graphs around it.
struct Scope<'a, 'o> {
    own: BTreeMap<&'a str, Option<Constant<'a>>>,
    outer: Option<&'o Scope<'a, 'o>>,
}

impl<'a> Scope<'a, '_> {
    fn get(&self, name: &str) -> Option<&Constant<'a>> {
        match self.own.get(name) {
            Some(own) => own.as_ref(),
            None => self.outer.and_then(|outer| outer.get(name)),
        }
    }
}

/// Refuses a graph whose stated sizes or rounds are past all use.
pub(crate) fn check(graph: &Graph) -> Result<(), String> {
    named_once(graph)?;
    size(graph)?;
    within(graph, None, false)
}

/// Refuses more operators than the runtime can order.
pub(crate) fn size(graph: &Graph) -> Result<(), String> {
    match nodes(graph) {
        count if count > MOST_NODES => Err(format!(
            "has {count} operators, and at most {MOST_NODES} are supported"
        )),
        _ => Ok(()),
    }
}

fn nodes(graph: &Graph) -> usize {
    let attributes = graph.node.iter().flat_map(|node| &node.attribute);
    let inner = attributes.flat_map(|it| it.g.iter().chain(&it.graphs));
    graph.node.len() + inner.map(nodes).sum::<usize>()
}

/// Refuses a chain of operators that the runtime cannot follow.
pub(crate) fn chain(graph: &Graph) -> Result<(), String> {
    match longest_chain(graph)? {
        longest if longest > LONGEST_CHAIN => Err(format!(
            "has {longest} operators of which each needs the one before, and at most {LONGEST_CHAIN} are supported"
        )),
        _ => Ok(()),
    }
}

fn within<'a>(
    graph: &'a Graph,
    outer: Option<&Scope<'a, '_>>,
    in_loop: bool,
) -> Result<(), String> {
    chain(graph)?;
    let inputs = graph.input.iter().map(|input| (input.name.as_str(), None));
    let tensors = graph.initializer.iter();
    let tensors = tensors.map(|it| (it.name.as_str(), Some(Constant::Tensor(it))));
    let mut constants = Scope {
        own: inputs.chain(tensors).collect(),
        outer,
    };
    for node in &graph.node {
        attributes_once(node)?;
        for output in &node.output {
            let constant = (node.op_type == "Constant").then_some(Constant::Node(node));
            constants.own.insert(output, constant);
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
                within(inner, Some(&constants), in_loop || is_loop)?;
            }
        }
    }
    Ok(())
}

/// A loop has to end: its number of rounds is in the file.
fn loop_problem(node: &Node, constants: &Scope<'_, '_>, in_loop: bool) -> Option<String> {
    if in_loop {
        return Some("a loop inside a loop is not supported".into());
    }
    let rounds = node
        .input
        .first()
        .and_then(|name| constants.get(name.as_str()));
    let rounds = rounds.and_then(Constant::numbers);
    match rounds.and_then(|numbers| numbers.first().copied()) {
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

fn size_problem(node: &Node, constants: &Scope<'_, '_>) -> Option<String> {
    let (_, sizes) = GROWING
        .iter()
        .find(|(operator, _)| *operator == node.op_type)?;
    for size in *sizes {
        let numbers = match size {
            Size::Input(position) | Size::Factor(position) => {
                let input = node.input.get(*position);
                match input.and_then(|name| constants.get(name)) {
                    None => Vec::new(),
                    Some(constant) => match constant.numbers() {
                        Some(numbers) => numbers,
                        None => {
                            return Some(format!("its size has more than {MOST_NUMBERS} numbers"));
                        }
                    },
                }
            }
            Size::Attribute(name) | Size::FactorAttribute(name) => {
                attribute(node, name).map_or_else(Vec::new, of_attribute)
            }
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
        let product: f64 = numbers.iter().filter(|number| **number > 1.0).product();
        if product > size.most() as f64 {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            return Some(too_many(&numbers.join("×"), size));
        }
    }
    range_problem(node, constants)
}

fn too_many(asked: &str, size: &Size) -> String {
    let what = match size {
        Size::Input(_) | Size::Attribute(_) => "values",
        Size::Factor(_) | Size::FactorAttribute(_) => "times its input",
    };
    format!(
        "it asks for {asked} {what}, and at most {} are supported",
        size.most()
    )
}

/// From a start to an end in small steps.
fn range_problem(node: &Node, constants: &Scope<'_, '_>) -> Option<String> {
    let ("Range", [start, end, step]) = (node.op_type.as_str(), &node.input[..]) else {
        return None;
    };
    let number = |name| constants.get(name)?.numbers()?.first().copied();
    let values = (number(end)? - number(start)?) / number(step)?;
    (values > MOST_VALUES as f64).then(|| too_many(&values.to_string(), &Size::Input(1)))
}

/// What is looked at here has to be what the runtime looks at.
fn attributes_once(node: &Node) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match node.attribute.iter().find(|it| !seen.insert(&it.name)) {
        None => Ok(()),
        Some(twice) => Err(format!(
            "node `{}` has the attribute `{}` twice; the file is damaged, export it again",
            node.name.escape_debug(),
            twice.name.escape_debug()
        )),
    }
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

/// The longest way through a graph's nodes.
fn longest_chain(graph: &Graph) -> Result<usize, String> {
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let computed: BTreeSet<&str> = outputs.map(String::as_str).collect();
    let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
    let mut longest = 0;
    for node in &graph.node {
        let mut needed = BTreeSet::new();
        needs(node, &mut needed);
        let mut before = 0;
        for name in needed {
            // An inner graph may have a value of its own of that name.
            let is_later = || computed.contains(name) && node.input.iter().any(|it| it == name);
            match steps.get(name) {
                Some(&step) => before = before.max(step),
                None if !name.is_empty() && is_later() => {
                    return Err(format!(
                        "has node `{}` before one that it needs; the file is damaged, export it again",
                        node.name.escape_debug()
                    ));
                }
                None => {}
            }
        }
        let own = before + 1;
        longest = longest.max(own);
        steps.extend(node.output.iter().map(|name| (name.as_str(), own)));
    }
    Ok(longest)
}

/// Every value that a node needs, those of its inner graphs included.
pub(crate) fn needs<'a>(node: &'a Node, into: &mut BTreeSet<&'a str>) {
    into.extend(node.input.iter().map(String::as_str));
    for attribute in &node.attribute {
        for graph in attribute.g.iter().chain(&attribute.graphs) {
            into.extend(graph.output.iter().map(|value| value.name.as_str()));
            for inner in &graph.node {
                needs(inner, into);
            }
        }
    }
}
