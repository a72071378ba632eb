//! Layers as nodes of a graph.

use bakeoff_core::{ConvLayer, DenseLayer, ImageShape, Layer, Layers, PoolLayer};

use crate::{
    Input,
    schema::{
        ATTRIBUTE_INT, ATTRIBUTE_INTS, Attribute, Dimension, FLOAT, Graph, INT64, Length, Node,
        Tensor, TensorShape, TensorType, Type, UINT8, ValueInfo,
    },
};

/// What the number of images is called.
const BATCH: &str = "N";

/// The whole model as a graph.
pub(crate) fn graph(layers: &Layers, input: Input) -> Graph {
    let shape = layers.input();
    let mut chain = Chain::new("images");
    if input == Input::Bytes {
        chain.then("Cast", &[], vec![int("to", FLOAT.into())]);
    }
    // A float has been divided by 255 already, and then there is most often nothing left to do.
    let scale = match input {
        Input::Bytes => layers.scale(),
        Input::Floats => (f64::from(layers.scale()) * 255.0) as f32,
    };
    if scale != 1.0 {
        chain.then_with_number("Mul", "scale", scale);
    }
    let mut flow = Flow {
        shape,
        is_flat: false,
    };
    let mut names = Vec::with_capacity(layers.layers().len());
    for (layer, &output) in layers.layers().iter().zip(layers.shapes()) {
        flow = chain.layer(layer, flow, output, &names);
        names.push(chain.last.clone());
    }
    if layers.temperature() != 1.0 {
        chain.then_with_number("Div", "temperature", layers.temperature());
    }
    chain.then("Softmax", &[], vec![int("axis", 1)]);
    chain.name_value("probabilities");
    chain.then("ArgMax", &[], vec![int("axis", 1), int("keepdims", 0)]);
    chain.name_value("labels");
    let element = match input {
        Input::Bytes => UINT8,
        Input::Floats => FLOAT,
    };
    let pixels = [shape.channels, shape.height, shape.width];
    Graph {
        node: chain.nodes,
        // Names in a graph are identifiers; the model's own is among the metadata.
        name: "classifier".into(),
        initializer: chain.constants,
        input: vec![value("images", element, &pixels)],
        output: vec![
            value("probabilities", FLOAT, &[layers.classes()]),
            value("labels", INT64, &[]),
        ],
        ..Graph::default()
    }
}

/// What goes into a layer: values of this shape, for each image an axis alone or three.
#[derive(Clone, Copy)]
struct Flow {
    shape: ImageShape,
    is_flat: bool,
}

/// Nodes of which each takes what the one before gives.
struct Chain {
    nodes: Vec<Node>,
    constants: Vec<Tensor>,
    /// The name of the last value.
    last: String,
}

impl Chain {
    fn new(input: &str) -> Self {
        Self {
            nodes: Vec::new(),
            constants: Vec::new(),
            last: input.into(),
        }
    }

    /// Appends a node that takes the last value and these constants.
    fn then(&mut self, operator: &str, constants: &[String], attribute: Vec<Attribute>) {
        let name = format!("{}{}", operator.to_lowercase(), self.nodes.len() + 1);
        let mut input = vec![std::mem::replace(&mut self.last, name.clone())];
        input.extend_from_slice(constants);
        self.nodes.push(Node {
            input,
            output: vec![name.clone()],
            name,
            op_type: operator.into(),
            attribute,
            ..Node::default()
        });
    }

    /// Calls the last value by a name that users see.
    fn name_value(&mut self, name: &str) {
        self.last = name.into();
        if let Some(node) = self.nodes.last_mut() {
            node.output = vec![name.into()];
        }
    }

    /// Adds a constant of the node that comes next; returns its name.
    fn constant(
        &mut self,
        what: &str,
        dims: &[usize],
        data_type: i32,
        raw_data: Vec<u8>,
    ) -> String {
        let name = format!("{what}{}", self.nodes.len() + 1);
        self.constants.push(Tensor {
            dims: dims.iter().map(|&length| length as i64).collect(),
            data_type,
            name: name.clone(),
            raw_data,
            ..Tensor::default()
        });
        name
    }

    fn floats(&mut self, what: &str, dims: &[usize], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(what, dims, FLOAT, bytes.collect())
    }

    fn then_with_number(&mut self, operator: &str, what: &str, number: f32) {
        let number = self.floats(what, &[], &[number]);
        self.then(operator, &[number], Vec::new());
    }

    /// `names` are the values of the layers before.
    fn layer(&mut self, layer: &Layer, flow: Flow, output: ImageShape, names: &[String]) -> Flow {
        let is_flat = match layer {
            Layer::Relu => {
                self.then("Relu", &[], Vec::new());
                flow.is_flat
            }
            Layer::Dense(dense) => {
                self.dense(dense, flow);
                true
            }
            Layer::Conv(conv) => {
                self.conv(conv, flow);
                false
            }
            Layer::MaxPool(pool) => {
                self.pool("MaxPool", pool, flow);
                false
            }
            Layer::AveragePool(pool) => {
                self.pool("AveragePool", pool, flow);
                false
            }
            // Before any dense layer, so that both are images.
            Layer::Add { from } => {
                self.then("Add", &names[*from..=*from], Vec::new());
                flow.is_flat
            }
        };
        Flow {
            shape: output,
            is_flat,
        }
    }

    fn dense(&mut self, dense: &DenseLayer, flow: Flow) {
        if !flow.is_flat {
            self.reshape(&[flow.shape.pixels()]);
        }
        let outputs = dense.bias.len();
        let weights = self.floats("weights", &[outputs, flow.shape.pixels()], &dense.weights);
        let bias = self.floats("bias", &[outputs], &dense.bias);
        self.then("Gemm", &[weights, bias], vec![int("transB", 1)]);
    }

    fn conv(&mut self, conv: &ConvLayer, flow: Flow) {
        self.as_image(flow);
        let [rows, columns] = conv.kernel;
        let seen = flow.shape.channels / conv.groups;
        let dims = [conv.filters, seen, rows, columns];
        let weights = self.floats("weights", &dims, &conv.weights);
        let bias = self.floats("bias", &[conv.filters], &conv.bias);
        let mut attributes = vec![
            ints("kernel_shape", &conv.kernel),
            // In the same order: above, left, below, right.
            ints("pads", &conv.pad),
            ints("strides", &conv.stride),
        ];
        if conv.groups > 1 {
            attributes.push(int("group", conv.groups as i64));
        }
        self.then("Conv", &[weights, bias], attributes);
    }

    fn pool(&mut self, operator: &str, pool: &PoolLayer, flow: Flow) {
        self.as_image(flow);
        let attributes = vec![
            ints("kernel_shape", &pool.size),
            ints("strides", &pool.stride),
        ];
        self.then(operator, &[], attributes);
    }

    /// Outputs of a dense layer become channels of 1×1.
    fn as_image(&mut self, flow: Flow) {
        if flow.is_flat {
            let shape = flow.shape;
            self.reshape(&[shape.channels, shape.height, shape.width]);
        }
    }

    /// Other axes for each image; a length of 0 keeps the number of images.
    fn reshape(&mut self, each: &[usize]) {
        let lengths: Vec<i64> = [0]
            .iter()
            .chain(each)
            .map(|&length| length as i64)
            .collect();
        let bytes = lengths.iter().flat_map(|length| length.to_le_bytes());
        let shape = self.constant("shape", &[lengths.len()], INT64, bytes.collect());
        self.then("Reshape", &[shape], Vec::new());
    }
}

fn int(name: &str, i: i64) -> Attribute {
    Attribute {
        name: name.into(),
        i: Some(i),
        r#type: ATTRIBUTE_INT,
        ..Attribute::default()
    }
}

fn ints(name: &str, values: &[usize]) -> Attribute {
    Attribute {
        name: name.into(),
        ints: values.iter().map(|&value| value as i64).collect(),
        r#type: ATTRIBUTE_INTS,
        ..Attribute::default()
    }
}

/// An input or output: for each of any number of images values of these axes.
fn value(name: &str, elem_type: i32, each: &[usize]) -> ValueInfo {
    let lengths = each.iter().map(|&length| Length::Value(length as i64));
    let lengths = std::iter::once(Length::Param(BATCH.into())).chain(lengths);
    let dim = lengths.map(|length| Dimension {
        value: Some(length),
    });
    ValueInfo {
        name: name.into(),
        r#type: Some(Type {
            tensor_type: Some(TensorType {
                elem_type,
                shape: Some(TensorShape { dim: dim.collect() }),
            }),
            ..Type::default()
        }),
        doc_string: String::new(),
    }
}
