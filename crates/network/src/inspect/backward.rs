//! The slope of an answer along the pixels of its image.

use bakeoff_core::{ConvLayer, DenseLayer, ImageShape, Layer, Layers, LayersError};

use super::forward::{for_each_product, for_each_window, forward, largest};

/// `∂ ln p(class) / ∂ x` of one image of C×H×W bytes, where `x = byte · scale` is
/// what the first layer sees: C×H×W values, in nats for each unit of `x`.
///
/// Where a layer has a kink the slope is that of one side: zero at a ReLU's zero, and
/// a window's maximum is the first of equals.
///
/// # Errors
/// When the image has another length or the model has no such class.
pub fn input_gradient(
    model: &Layers,
    picture: &[u8],
    class: usize,
) -> Result<Vec<f32>, LayersError> {
    if class >= model.classes() {
        return Err(LayersError::Class {
            class,
            classes: model.classes(),
        });
    }
    let answer = forward(model, picture)?;
    // d ln softmax(s / t)[class] / d s = (1[class] − p) / t
    let mut slope: Vec<f32> = answer.probabilities.iter().map(|p| -p).collect();
    slope[class] += 1.0;
    for value in &mut slope {
        *value /= model.temperature();
    }
    // What sums send back to layers before them.
    let mut more: Vec<(usize, Vec<f32>)> = Vec::new();
    for index in (0..model.layers().len()).rev() {
        for (_, add) in more.extract_if(.., |(from, _)| *from == index) {
            slope
                .iter_mut()
                .zip(add)
                .for_each(|(slope, add)| *slope += add);
        }
        let (shape, values) = match index.checked_sub(1) {
            Some(before) => (model.shapes()[before], &answer.layers[before].values),
            None => (model.input(), &answer.input),
        };
        let output = model.shapes()[index];
        slope = match &model.layers()[index] {
            Layer::Relu => values
                .iter()
                .zip(&slope)
                .map(|(&value, &slope)| if value > 0.0 { slope } else { 0.0 })
                .collect(),
            Layer::Dense(dense) => through_dense(dense, shape, &slope),
            Layer::Conv(conv) => through_convolution(conv, shape, output, &slope),
            Layer::Add { from } => {
                more.push((*from, slope.clone()));
                slope
            }
            Layer::AveragePool(pool) => {
                let mut back = vec![0.0; shape.pixels()];
                let mut slopes = slope.iter();
                for_each_window(pool, shape, output, |window| {
                    let share = slopes.next().unwrap_or(&0.0) / window.len() as f32;
                    window.iter().for_each(|&at| back[at] += share);
                });
                back
            }
            Layer::MaxPool(pool) => {
                let mut back = vec![0.0; shape.pixels()];
                let places = largest(pool, shape, output, values);
                for (place, slope) in places.into_iter().zip(&slope) {
                    back[place] += slope;
                }
                back
            }
        };
    }
    Ok(slope)
}

fn through_dense(dense: &DenseLayer, input: ImageShape, slope: &[f32]) -> Vec<f32> {
    let mut back = vec![0.0_f64; input.pixels()];
    for (row, &slope) in dense.weights.chunks_exact(back.len()).zip(slope) {
        for (back, &weight) in back.iter_mut().zip(row) {
            *back += f64::from(weight) * f64::from(slope);
        }
    }
    back.into_iter().map(|value| value as f32).collect()
}

fn through_convolution(
    conv: &ConvLayer,
    input: ImageShape,
    output: ImageShape,
    slope: &[f32],
) -> Vec<f32> {
    let mut back = vec![0.0_f64; input.pixels()];
    for_each_product(conv, input, output, |weight, value, from| {
        back[value] += f64::from(conv.weights[weight]) * f64::from(slope[from]);
    });
    back.into_iter().map(|value| value as f32).collect()
}
