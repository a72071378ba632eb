//! What a graph computes, by the definitions of ONNX's operators and nothing else:
//! <https://onnx.ai/onnx/operators/>. One image at a time would hide mistakes of the first axis, so that
//! every value is a whole batch.

use std::collections::HashMap;

use crate::schema::{FLOAT, Graph, INT64, Node, Tensor, UINT8};

/// A tensor; whole numbers are exact in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    pub(super) dims: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Value {
    pub(super) fn new(dims: &[usize], values: Vec<f64>) -> Self {
        assert_eq!(dims.iter().product::<usize>(), values.len());
        Self {
            dims: dims.to_vec(),
            values,
        }
    }

    fn of(tensor: &Tensor) -> Self {
        let dims: Vec<usize> = tensor.dims.iter().map(|&length| length as usize).collect();
        let raw = &tensor.raw_data;
        let values = match tensor.data_type {
            FLOAT => raw
                .chunks_exact(4)
                .map(|it| f64::from(f32::from_le_bytes(it.try_into().unwrap())))
                .collect(),
            INT64 => raw
                .chunks_exact(8)
                .map(|it| i64::from_le_bytes(it.try_into().unwrap()) as f64)
                .collect(),
            other => panic!("a constant of type {other}"),
        };
        Self::new(&dims, values)
    }

    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::new(
            &self.dims,
            self.values.iter().map(|&value| f(value)).collect(),
        )
    }

    fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        let [_, columns] = self.dims[..] else {
            panic!("{:?} is no matrix", self.dims);
        };
        self.values.chunks_exact(columns)
    }
}

/// Every named value that comes of this input.
pub(super) fn evaluate(graph: &Graph, input: Value) -> HashMap<String, Value> {
    let mut values: HashMap<String, Value> = HashMap::new();
    for tensor in &graph.initializer {
        assert!(
            values
                .insert(tensor.name.clone(), Value::of(tensor))
                .is_none()
        );
    }
    values.insert(graph.input[0].name.clone(), input);
    for node in &graph.node {
        let inputs: Vec<&Value> = node.input.iter().map(|name| &values[name]).collect();
        let output = compute(node, &inputs);
        assert!(values.insert(node.output[0].clone(), output).is_none());
    }
    values
}

fn int(node: &Node, name: &str) -> i64 {
    let found = node.attribute.iter().find(|it| it.name == name);
    found.unwrap().i.unwrap()
}

fn ints(node: &Node, name: &str) -> Vec<usize> {
    let found = node.attribute.iter().find(|it| it.name == name);
    found.unwrap().ints.iter().map(|&it| it as usize).collect()
}

fn compute(node: &Node, inputs: &[&Value]) -> Value {
    match (node.op_type.as_str(), inputs) {
        ("Cast", [x]) => {
            assert_eq!(int(node, "to"), i64::from(FLOAT));
            (*x).clone()
        }
        ("Mul", [x, by]) => x.map(|value| value * by.values[0]),
        ("Div", [x, by]) => x.map(|value| value / by.values[0]),
        ("Relu", [x]) => x.map(|value| value.max(0.0)),
        ("Reshape", [x, shape]) => {
            let lengths = shape.values.iter().zip(&x.dims);
            let dims: Vec<usize> = lengths
                .map(|(&length, &same)| if length == 0.0 { same } else { length as usize })
                .chain(
                    shape
                        .values
                        .iter()
                        .skip(x.dims.len())
                        .map(|&it| it as usize),
                )
                .collect();
            Value::new(&dims, x.values.clone())
        }
        ("Gemm", [x, weights, bias]) => {
            assert_eq!(int(node, "transB"), 1);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let row = |x: &[f64]| -> Vec<f64> {
                let outputs = weights.rows().zip(&bias.values);
                outputs.map(|(w, bias)| dot(x, w) + bias).collect()
            };
            let out = x.rows().flat_map(row).collect();
            Value::new(&[x.dims[0], weights.dims[0]], out)
        }
        ("Conv", [x, weights, bias]) => {
            assert_eq!(ints(node, "kernel_shape"), weights.dims[2..]);
            let windows = Windows::of(node, x, &ints(node, "pads"));
            let inputs = weights.dims[1];
            let each = weights.dims[0] / (x.dims[1] / inputs);
            windows.each(weights.dims[0], |image, filter, seen| {
                let mut sum = bias.values[filter];
                for channel in 0..inputs {
                    let from = (filter * inputs + channel) * windows.size.iter().product::<usize>();
                    for &(place, at) in seen {
                        let channel = filter / each * inputs + channel;
                        let value = x.values[windows.plane(image, channel) + at];
                        sum += weights.values[from + place] * value;
                    }
                }
                sum
            })
        }
        ("MaxPool", [x]) => {
            let windows = Windows::of(node, x, &[0; 4]);
            windows.each(x.dims[1], |image, channel, seen| {
                let values = seen
                    .iter()
                    .map(|&(_, at)| x.values[windows.plane(image, channel) + at]);
                values.fold(f64::NEG_INFINITY, f64::max)
            })
        }
        ("AveragePool", [x]) => {
            let windows = Windows::of(node, x, &[0; 4]);
            windows.each(x.dims[1], |image, channel, seen| {
                let values = seen
                    .iter()
                    .map(|&(_, at)| x.values[windows.plane(image, channel) + at]);
                values.sum::<f64>() / seen.len() as f64
            })
        }
        ("Add", [a, b]) => {
            assert_eq!(a.dims, b.dims);
            let sums = a.values.iter().zip(&b.values).map(|(a, b)| a + b);
            Value::new(&a.dims, sums.collect())
        }
        ("Softmax", [x]) => {
            assert_eq!(int(node, "axis"), 1);
            let row = |x: &[f64]| -> Vec<f64> {
                let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = x.iter().map(|value| (value - top).exp()).sum();
                x.iter().map(|value| (value - top).exp() / sum).collect()
            };
            Value::new(&x.dims, x.rows().flat_map(row).collect())
        }
        ("ArgMax", [x]) => {
            assert_eq!((int(node, "axis"), int(node, "keepdims")), (1, 0));
            let first = |x: &[f64]| (0..x.len()).rev().max_by(|&a, &b| x[a].total_cmp(&x[b]));
            let labels = x.rows().map(|row| first(row).unwrap() as f64);
            Value::new(&x.dims[..1], labels.collect())
        }
        (other, _) => panic!("{other} of {} values", inputs.len()),
    }
}

/// The windows of a convolution or pool over N×C×H×W.
struct Windows {
    dims: [usize; 4],
    size: Vec<usize>,
    stride: Vec<usize>,
    pads: Vec<usize>,
    out: [usize; 2],
}

impl Windows {
    fn of(node: &Node, x: &Value, pads: &[usize]) -> Self {
        let (size, stride) = (ints(node, "kernel_shape"), ints(node, "strides"));
        let dims: [usize; 4] = x.dims[..].try_into().unwrap();
        // `floor((input + pads - kernel) / stride) + 1`, as the operators' pages say.
        let count = |axis: usize| {
            (dims[2 + axis] + pads[axis] + pads[axis + 2] - size[axis]) / stride[axis] + 1
        };
        Self {
            dims,
            out: [count(0), count(1)],
            size,
            stride,
            pads: pads.to_vec(),
        }
    }

    /// Where a channel of an image begins.
    fn plane(&self, image: usize, channel: usize) -> usize {
        (image * self.dims[1] + channel) * self.dims[2] * self.dims[3]
    }

    /// What `f` gives for every image, output channel and window. It is given the places within the
    /// window and the image that lie on the image.
    fn each(&self, channels: usize, f: impl Fn(usize, usize, &[(usize, usize)]) -> f64) -> Value {
        let [images, _, height, width] = self.dims;
        let mut values = Vec::new();
        for image in 0..images {
            for channel in 0..channels {
                for y in 0..self.out[0] {
                    for x in 0..self.out[1] {
                        let mut seen = Vec::new();
                        for ky in 0..self.size[0] {
                            for kx in 0..self.size[1] {
                                let row = (y * self.stride[0] + ky).checked_sub(self.pads[0]);
                                let column = (x * self.stride[1] + kx).checked_sub(self.pads[1]);
                                if let (Some(row), Some(column)) = (row, column)
                                    && row < height
                                    && column < width
                                {
                                    seen.push((ky * self.size[1] + kx, row * width + column));
                                }
                            }
                        }
                        values.push(f(image, channel, &seen));
                    }
                }
            }
        }
        Value::new(&[images, channels, self.out[0], self.out[1]], values)
    }
}

/// The element type and lengths that the graph declares of an input or output, an unknown one as 0.
pub(super) fn declared(value: &crate::schema::ValueInfo) -> (i32, Vec<usize>) {
    use crate::schema::Length;
    let tensor = value.r#type.as_ref().unwrap().tensor_type.as_ref().unwrap();
    let dims = tensor.shape.as_ref().unwrap().dim.iter();
    let length = |length: &Option<Length>| match length {
        Some(Length::Value(length)) => *length as usize,
        Some(Length::Param(name)) => {
            assert_eq!(name, "N");
            0
        }
        None => panic!("a length that is neither"),
    };
    assert!([FLOAT, UINT8, INT64].contains(&tensor.elem_type));
    (tensor.elem_type, dims.map(|it| length(&it.value)).collect())
}
