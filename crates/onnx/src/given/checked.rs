//! What is in a file, and what of it is needed to answer. What cannot be answered is refused here, by name.

use std::collections::BTreeSet;

use bakeoff_core::{did_you_mean, list};
use prost::Message as _;

use super::{bounds, classical, file, settings::GivenSettings, standard, tensors};
use crate::schema::{DOUBLE, FLOAT, FLOAT16, Graph, INT64, Length, Model, UINT8, ValueInfo};

/// The newest version of ONNX's operators that files have been tried with.
const NEWEST_OPSET: i64 = 28;

/// Before it, sizes of two inputs were made to fit in another way.
const OLDEST_OPSET: i64 = 7;

/// A type as ONNX calls it.
fn type_name(data_type: i32) -> &'static str {
    match data_type {
        FLOAT => "float32",
        UINT8 => "uint8",
        3 => "int8",
        4 => "uint16",
        5 => "int16",
        6 => "int32",
        INT64 => "int64",
        8 => "text",
        9 => "bool",
        FLOAT16 => "float16",
        DOUBLE => "float64",
        16 => "bfloat16",
        _ => "of another type",
    }
}

/// The numbers that an input takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Bytes,
    Floats,
}

/// A file that can be answered, as far as is known without the data.
pub(crate) struct Checked {
    /// The part of it that is needed, for the runtime.
    pub(crate) bytes: Vec<u8>,
    pub(crate) input: String,
    pub(crate) element: Element,
    /// The lengths of the input's axes, where they are stated; `None` where not even their number is.
    pub(crate) shape: Option<Vec<Option<usize>>>,
    pub(crate) output: String,
    /// The names of the classes, where our own export says them.
    pub(crate) class_names: Option<Vec<String>>,
    /// Numbers in its tensors, whole numbers of eight bytes (which are shapes) left out.
    pub(crate) parameters: u64,
}

impl Checked {
    /// The number of images that every call takes, where the file fixes it.
    pub(crate) fn fixed(&self) -> Option<usize> {
        self.shape.as_ref().and_then(|shape| *shape.first()?)
    }
}

/// Checks a file against the settings.
pub(crate) fn check(bytes: &[u8], settings: &GivenSettings) -> Result<Checked, String> {
    let mut model = file::decode(bytes)?;
    let opset = version(&model)?;
    let class_names = class_names(&model)?;
    let Some(graph) = &mut model.graph else {
        return Err("has no graph".into());
    };
    tensors::check(graph)?;
    bounds::check(graph)?;
    let initial: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs: Vec<&ValueInfo> = graph
        .input
        .iter()
        .filter(|input| !initial.contains(input.name.as_str()))
        .collect();
    let input = one_of(&inputs, &settings.input, "input")?.clone();
    let (element, shape) = of_input(&input)?;
    let output = output(graph, settings)?;
    let parameters = graph.initializer.iter().filter(|t| t.data_type != INT64);
    let parameters = parameters.filter_map(tensors::elements).sum::<usize>() as u64;
    graph.output.retain(|value| value.name == output);
    keep_needed(graph, &output);
    classical::rewrite(graph)?;
    standard::rewrite(graph, opset);
    // An operator of scikit-learn is many: a tree is a chain as long as it is deep.
    bounds::size(graph)?;
    bounds::chain(graph)?;
    // Scores alone are left, whatever types the file stated in between.
    graph.output = vec![ValueInfo {
        name: output.clone(),
        ..ValueInfo::default()
    }];
    graph.value_info.clear();
    keep_needed(graph, &output);
    Ok(Checked {
        bytes: model.encode_to_vec(),
        input: input.name,
        element,
        shape,
        output,
        class_names,
        parameters,
    })
}

/// The version of ONNX's operators.
fn version(model: &Model) -> Result<i64, String> {
    if !model.functions.is_empty() {
        return Err("defines operators of its own; write them out in Python: \
             onnx.save(onnx.inliner.inline_local_functions(onnx.load(\"model.onnx\")), \"inlined.onnx\")"
            .into());
    }
    let own = model
        .opset_import
        .iter()
        .filter(|set| matches!(set.domain.as_deref(), None | Some("" | "ai.onnx")));
    match own.map(|set| set.version).max() {
        Some(version) if version > NEWEST_OPSET => Err(format!(
            "needs version {version} of ONNX's operators (opset), and those up to {NEWEST_OPSET} are known; \
             export it with opset_version={NEWEST_OPSET} or less"
        )),
        Some(version) if version < OLDEST_OPSET => Err(format!(
            "needs version {version} of ONNX's operators (opset), and those from {OLDEST_OPSET} are known; convert \
             it in Python: onnx.save(onnx.version_converter.convert_version(onnx.load(\"model.onnx\"), 18), \"newer.onnx\")"
        )),
        Some(version) => Ok(version),
        None => Err(
            "does not say which version of ONNX's operators (opset) it needs; export it again"
                .into(),
        ),
    }
}

/// What our own export says of the classes; another program may use the key for something else.
fn class_names(model: &Model) -> Result<Option<Vec<String>>, String> {
    let entry = |key: &str| model.metadata_props.iter().find(|entry| entry.key == key);
    let (Some(names), Some(_)) = (entry("class_names"), entry("bakeoff_version")) else {
        return Ok(None);
    };
    serde_json::from_str(&names.value)
        .map(Some)
        .map_err(|error| format!("has metadata `class_names` that are no list of names: {error}"))
}

/// The value of that name, or the only one.
fn one_of<'a>(values: &[&'a ValueInfo], wanted: &str, what: &str) -> Result<&'a ValueInfo, String> {
    let names: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
    if !wanted.is_empty() {
        let found = values.iter().find(|value| value.name == wanted);
        return found.copied().ok_or_else(|| {
            format!(
                "has no {what} `{wanted}`{}; it has: {}",
                did_you_mean(wanted, &names),
                list(&names)
            )
        });
    }
    match values {
        [only] => Ok(only),
        [] => Err(format!("has no {what} that could be used")),
        [first, ..] => Err(format!(
            "has several {what}s: {}; say which one, as in {what} = \"{}\"",
            list(&names),
            first.name
        )),
    }
}

type Axes = Option<Vec<Option<usize>>>;

fn of_input(input: &ValueInfo) -> Result<(Element, Axes), String> {
    let name = input.name.escape_debug();
    let tensor = input
        .r#type
        .as_ref()
        .and_then(|kind| kind.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| format!("input `{name}` is no tensor"))?;
    let element = match tensor.elem_type {
        FLOAT => Element::Floats,
        UINT8 => Element::Bytes,
        other => {
            return Err(format!(
                "input `{name}` is {}, and images are given as float32 or uint8; export the network with \
                 an input of float32",
                type_name(other)
            ));
        }
    };
    let lengths = tensor.shape.as_ref().map(|shape| {
        let axes = shape.dim.iter().map(|axis| match &axis.value {
            Some(Length::Value(length)) => usize::try_from(*length).ok().filter(|&it| it > 0),
            Some(Length::Param(_)) | None => None,
        });
        axes.collect()
    });
    Ok((element, lengths))
}

/// The name of the output that has a number for each class.
fn output(graph: &Graph, settings: &GivenSettings) -> Result<String, String> {
    let zip_map = |value: &ValueInfo| {
        let mut nodes = graph.node.iter();
        nodes.any(|node| node.op_type == "ZipMap" && node.output.contains(&value.name))
    };
    // Labels are whole numbers or texts, and scores have two axes.
    let may_be = |value: &&ValueInfo| {
        let tensor = value
            .r#type
            .as_ref()
            .and_then(|kind| kind.tensor_type.as_ref());
        match tensor {
            None => zip_map(value) || value.r#type.is_none(),
            Some(tensor) => {
                let axes = tensor.shape.as_ref().map(|shape| shape.dim.len());
                matches!(tensor.elem_type, 0 | FLOAT | DOUBLE | FLOAT16) && axes != Some(1)
            }
        }
    };
    let all: Vec<&ValueInfo> = graph.output.iter().collect();
    let wanted: Vec<&ValueInfo> = match settings.output.is_empty() {
        true => all.iter().copied().filter(may_be).collect(),
        false => all,
    };
    let value = one_of(&wanted, &settings.output, "output")?;
    let kind = value.r#type.as_ref();
    let is_list = kind.is_some_and(|kind| kind.sequence_type.is_some() || kind.map_type.is_some());
    match is_list && !zip_map(value) {
        true => Err(format!(
            "output `{}` is a list or a table and no tensor; with skl2onnx, export with options={{\"zipmap\": False}}",
            value.name
        )),
        false => Ok(value.name.clone()),
    }
}

/// Drops nodes and tensors that the output does not depend on, such as those of labels.
fn keep_needed(graph: &mut Graph, output: &str) {
    let mut needed = BTreeSet::from([output]);
    let mut kept = vec![false; graph.node.len()];
    // Nodes stand in the order in which they are computed.
    for (node, kept) in graph.node.iter().zip(&mut kept).rev() {
        if node
            .output
            .iter()
            .any(|name| needed.contains(name.as_str()))
        {
            *kept = true;
            bounds::needs(node, &mut needed);
        }
    }
    let needed: BTreeSet<String> = needed.into_iter().map(String::from).collect();
    let mut kept = kept.into_iter();
    graph.node.retain(|_| kept.next().unwrap_or_default());
    graph
        .initializer
        .retain(|tensor| needed.contains(&tensor.name));
}
