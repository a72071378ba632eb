//! The reference for what layers compute: one image, plain loops, nothing clever.

use bakeoff_core::{ConvLayer, DenseLayer, ImageShape, Layer, Layers, LayersError, PoolLayer};

/// What came out of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// Channels, rows and columns; outputs of a dense layer are channels of 1×1.
    pub shape: ImageShape,
    /// In the order channel, row, column.
    pub values: Vec<f32>,
}

/// What one image became, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// The image as the first layer saw it: `byte · scale`, C×H×W.
    pub input: Vec<f32>,
    /// What came out of each layer, in the order of [`Layers::layers`]. The last are the
    /// scores before temperature and softmax.
    pub layers: Vec<Activation>,
    /// One for each class; they sum to one.
    pub probabilities: Vec<f32>,
}

/// Answers one image of C×H×W bytes and returns what came out of every layer.
///
/// # Errors
/// [`LayersError::Picture`] when the length is another.
pub fn forward(model: &Layers, picture: &[u8]) -> Result<Activations, LayersError> {
    if picture.len() != model.input().pixels() {
        return Err(LayersError::Picture {
            expected: model.input(),
            got: picture.len(),
        });
    }
    let scaled = picture.iter().map(|&byte| f32::from(byte) * model.scale());
    Ok(forward_scaled(model, scaled.collect()))
}

/// The same for an image that is scaled already and has the right length.
pub(super) fn forward_scaled(model: &Layers, input: Vec<f32>) -> Activations {
    let mut layers: Vec<Activation> = Vec::with_capacity(model.layers().len());
    let mut shape = model.input();
    for (layer, &output) in model.layers().iter().zip(model.shapes()) {
        let values = layers.last().map_or(&input, |last| &last.values);
        let values = match layer {
            Layer::Conv(conv) => convolve(conv, shape, output, values),
            Layer::MaxPool(pool) => max_pool(pool, shape, output, values),
            Layer::AveragePool(pool) => average(pool, shape, output, values),
            Layer::Add { from } => {
                let more = &layers[*from].values;
                values.iter().zip(more).map(|(a, b)| a + b).collect()
            }
            Layer::Dense(dense) => multiply(dense, values),
            Layer::Relu => values.iter().map(|&value| value.max(0.0)).collect(),
        };
        shape = output;
        layers.push(Activation { shape, values });
    }
    let scores = layers.last().map_or(&input, |last| &last.values);
    let probabilities = softmax(scores, model.temperature());
    Activations {
        input,
        layers,
        probabilities,
    }
}

/// Calls `f` with the index of the weight, of the input and of the output of every product of
/// a convolution. What a window sees of the zeros around the image is left out.
pub(super) fn for_each_product(
    conv: &ConvLayer,
    input: ImageShape,
    output: ImageShape,
    mut f: impl FnMut(usize, usize, usize),
) {
    let [rows, columns] = conv.kernel;
    let [above, left, ..] = conv.pad;
    let inside = |at: usize, before: usize, len: usize| {
        at.checked_sub(before).filter(|&position| position < len)
    };
    let mut out = 0;
    let (seen, each) = (input.channels / conv.groups, conv.filters / conv.groups);
    for filter in 0..conv.filters {
        for y in 0..output.height {
            for x in 0..output.width {
                for of_group in 0..seen {
                    let channel = filter / each * seen + of_group;
                    for ky in 0..rows {
                        let Some(row) = inside(y * conv.stride[0] + ky, above, input.height) else {
                            continue;
                        };
                        for kx in 0..columns {
                            let at = x * conv.stride[1] + kx;
                            let Some(column) = inside(at, left, input.width) else {
                                continue;
                            };
                            let weight = ((filter * seen + of_group) * rows + ky) * columns + kx;
                            let value = (channel * input.height + row) * input.width + column;
                            f(weight, value, out);
                        }
                    }
                }
                out += 1;
            }
        }
    }
}

fn convolve(conv: &ConvLayer, input: ImageShape, output: ImageShape, values: &[f32]) -> Vec<f32> {
    let each = output.height * output.width;
    let biases = conv.bias.iter().map(|&bias| f64::from(bias));
    let mut out: Vec<f64> = biases.flat_map(|bias| vec![bias; each]).collect();
    for_each_product(conv, input, output, |weight, value, to| {
        out[to] += f64::from(conv.weights[weight]) * f64::from(values[value]);
    });
    out.into_iter().map(|sum| sum as f32).collect()
}

/// The place in `values` of the largest value of each window, the first of equals.
pub(super) fn largest(
    pool: &PoolLayer,
    input: ImageShape,
    output: ImageShape,
    values: &[f32],
) -> Vec<usize> {
    let mut found = Vec::with_capacity(output.pixels());
    for_each_window(pool, input, output, |window| {
        let first = window.first().copied().unwrap_or_default();
        let larger = |best, &at| if values[at] > values[best] { at } else { best };
        found.push(window.iter().fold(first, larger));
    });
    found
}

/// Calls `f` with the places of the values in each window, channel by channel.
pub(super) fn for_each_window(
    pool: &PoolLayer,
    input: ImageShape,
    output: ImageShape,
    mut f: impl FnMut(&[usize]),
) {
    let mut window = Vec::with_capacity(pool.size[0] * pool.size[1]);
    for channel in 0..output.channels {
        for y in 0..output.height {
            for x in 0..output.width {
                window.clear();
                for ky in 0..pool.size[0] {
                    let row = channel * input.height + y * pool.stride[0] + ky;
                    let first = row * input.width + x * pool.stride[1];
                    window.extend(first..first + pool.size[1]);
                }
                f(&window);
            }
        }
    }
}

fn average(pool: &PoolLayer, input: ImageShape, output: ImageShape, values: &[f32]) -> Vec<f32> {
    let mut means = Vec::with_capacity(output.pixels());
    for_each_window(pool, input, output, |window| {
        let sum: f64 = window.iter().map(|&at| f64::from(values[at])).sum();
        means.push((sum / window.len() as f64) as f32);
    });
    means
}

fn max_pool(pool: &PoolLayer, input: ImageShape, output: ImageShape, values: &[f32]) -> Vec<f32> {
    let places = largest(pool, input, output, values);
    places.into_iter().map(|place| values[place]).collect()
}

fn multiply(dense: &DenseLayer, values: &[f32]) -> Vec<f32> {
    dense
        .weights
        .chunks_exact(values.len())
        .zip(&dense.bias)
        .map(|(row, &bias)| {
            let products = row
                .iter()
                .zip(values)
                .map(|(&w, &v)| f64::from(w) * f64::from(v));
            (f64::from(bias) + products.sum::<f64>()) as f32
        })
        .collect()
}

/// `softmax(scores / temperature)`, shifted by the largest so that it cannot overflow.
fn softmax(scores: &[f32], temperature: f32) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let temperature = f64::from(temperature);
    let shifted: Vec<f64> = scores
        .iter()
        .map(|&score| ((f64::from(score) - f64::from(top)) / temperature).exp())
        .collect();
    let sum: f64 = shifted.iter().sum();
    shifted.iter().map(|value| (value / sum) as f32).collect()
}
