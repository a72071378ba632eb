//! The models that predict inside the page: architecture as JSON, weights as 16-bit floats.
//!
//! A float of 16 bits has eleven significant bits, which moves the probabilities of the
//! models here by less than a thousandth (tested in a browser), at half the size.
//! WebAssembly of our own kernels was rejected: it would have to be built beside the
//! program, and these few layers are a hundred lines in a script.

use bakeoff_core::{ImageShape, Images, Layer, Layers, PoolLayer, Preparation};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use half::f16;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Options,
    analysis::{Entry, Group},
    charts, format,
};

/// Bytes of base64 that all models of a page may take together.
pub(super) const MODEL_BYTES: usize = 2_000_000;

/// One dataset's models, as the script reads them.
#[derive(Debug, Serialize)]
pub(crate) struct Tried {
    /// The dataset's name.
    name: String,
    /// Rows and columns of a prepared image.
    height: usize,
    width: usize,
    /// Whether images are shown to the models as they are.
    plain: bool,
    /// Whether they are light on dark, by the median of the borders of some.
    dark: bool,
    classes: Vec<String>,
    models: Vec<Model>,
    /// Models that are not in the page, with the reason.
    #[serde(skip)]
    pub(crate) absent: Vec<String>,
}

/// A model inside the page.
#[derive(Debug, Serialize)]
struct Model {
    name: String,
    series: &'static str,
    scale: f32,
    temperature: f32,
    layers: Vec<Value>,
    /// Base64 of little-endian 16-bit floats: weights, then biases, layer by layer.
    weights: String,
}

/// Puts the models of a dataset into the page, the best first, until `bytes_left` is used
/// up. `None` where none of them is available, or where images have colours: a drawing is
/// grey.
pub(crate) fn tried(group: &Group<'_>, options: &Options, bytes_left: &mut usize) -> Option<Tried> {
    let data = group.data?;
    let ImageShape {
        channels,
        height,
        width,
    } = data.image;
    if channels != 1 {
        return None;
    }
    let mut tried = Tried {
        name: group.name.to_owned(),
        height,
        width,
        plain: matches!(data.preparation, Some(Preparation::Plain { .. })),
        dark: group
            .entries
            .iter()
            .find_map(Entry::example)
            .is_some_and(|(_, success)| is_dark(success.test.images())),
        classes: data.class_names.clone(),
        models: Vec::new(),
        absent: Vec::new(),
    };
    for entry in &group.entries {
        let Some((trial, _)) = entry.example() else {
            continue;
        };
        let layers = match options.layers.get(&trial.planned.id) {
            None => continue,
            Some(Err(reason)) => {
                tried.absent.push(format!("{} ({reason})", entry.model));
                continue;
            }
            Some(Ok(layers)) => layers,
        };
        if layers.input() != data.image || layers.classes() != data.class_names.len() {
            continue;
        }
        let bytes = weights(layers);
        // Three bytes become four characters.
        let characters = bytes.len().div_ceil(3) * 4;
        if characters > *bytes_left {
            tried.absent.push(format!(
                "{} ({} of weights)",
                entry.model,
                format::bytes(bytes.len() as u64)
            ));
            continue;
        }
        *bytes_left -= characters;
        tried.models.push(model(entry, layers, &bytes));
    }
    (!tried.models.is_empty()).then_some(tried)
}

/// Whether the borders of the first hundred images are dark.
fn is_dark(images: &Images) -> bool {
    let ImageShape { height, width, .. } = images.shape();
    let on_border = |at: usize| {
        let (x, y) = (at % width, at / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    };
    let mut border: Vec<u8> = images
        .iter()
        .take(100)
        .flat_map(|image| image.iter().enumerate())
        .filter(|(at, _)| on_border(*at))
        .map(|(_, value)| *value)
        .collect();
    border.sort_unstable();
    border
        .get(border.len() / 2)
        .is_some_and(|median| *median < 128)
}

fn model(entry: &Entry<'_>, layers: &Layers, weights: &[u8]) -> Model {
    Model {
        name: entry.model.to_owned(),
        series: charts::series_class(entry.series),
        scale: layers.scale(),
        temperature: layers.temperature(),
        layers: layers.layers().iter().map(described).collect(),
        weights: STANDARD.encode(weights),
    }
}

/// A layer as the script reads it; layouts are those of [`bakeoff_core::Layer`].
fn described(layer: &Layer) -> Value {
    match layer {
        Layer::Conv(conv) => json!({
            "kind": "conv",
            "filters": conv.filters,
            "groups": conv.groups,
            "kernel": conv.kernel,
            "stride": conv.stride,
            "pad": conv.pad,
        }),
        Layer::MaxPool(pool) => pooled("max-pool", pool),
        Layer::AveragePool(pool) => pooled("average-pool", pool),
        Layer::Add { from } => json!({ "kind": "add", "from": from }),
        Layer::Dense(dense) => json!({ "kind": "dense", "outputs": dense.bias.len() }),
        Layer::Relu => json!({ "kind": "relu" }),
    }
}

fn pooled(kind: &str, pool: &PoolLayer) -> Value {
    json!({ "kind": kind, "size": pool.size, "stride": pool.stride })
}

fn weights(layers: &Layers) -> Vec<u8> {
    // The bias of a class without training samples is the lowest number; it stays so here.
    let half = |value: &f32| f16::from_f32(value.clamp(f16::MIN.to_f32(), f16::MAX.to_f32()));
    layers
        .layers()
        .iter()
        .flat_map(|layer| match layer {
            Layer::Conv(conv) => [conv.weights.as_slice(), &conv.bias],
            Layer::Dense(dense) => [dense.weights.as_slice(), &dense.bias],
            _ => [&[][..], &[]],
        })
        .flatten()
        .flat_map(|value| half(value).to_le_bytes())
        .collect()
}
