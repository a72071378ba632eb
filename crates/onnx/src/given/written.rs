//! Nodes and constants that are written in the place of another node, and the attributes of that one.

use crate::schema::{ATTRIBUTE_INT, ATTRIBUTE_INTS, Attribute, FLOAT, INT64, Node, Tensor};

/// Nodes that take the place of one, and their constants.
pub(crate) struct Written {
    prefix: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: Vec<Tensor>,
}

impl Written {
    /// `of` tells the names of its values from those of others.
    pub(crate) fn new(of: &str) -> Self {
        Self {
            prefix: format!("bakeoff/{of}"),
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

pub(crate) fn ints(name: &str, values: &[i64]) -> Attribute {
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

pub(crate) fn text(node: &Node, name: &str) -> Option<String> {
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
