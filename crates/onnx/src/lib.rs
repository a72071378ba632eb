//! A model that is a chain of layers as an ONNX file, for ONNX Runtime and everything else that
//! reads the format: <https://onnx.ai/onnx/repo-docs/IR.html>.
//!
//! The file answers raw pixels with probabilities. Scaling, temperature and softmax are in the graph,
//! so that nobody who uses it has to know them. The graph is one of [`Layers`]; no family
//! and no engine is known here. Rejected: weights in files of their own beside it, which ONNX allows for
//! models of more than 2 GB; the few models of that size are refused.

#![forbid(unsafe_code)]

mod given;
mod graph;
mod schema;

pub use given::FAMILY;

use bakeoff_core::{ImageShape, Layers, Preparation};
use prost::Message as _;

use crate::schema::{Model, OperatorSetId, StringStringEntry};

/// The version of ONNX's operators that a file needs: of ONNX 1.8 (2020), so that old runtimes read
/// it too.
pub const OPSET: i64 = 13;

/// The version of the file format that belongs to [`OPSET`].
const IR_VERSION: i64 = 7;

/// A reader of Protocol Buffers takes no more bytes.
const MOST_BYTES: usize = i32::MAX as usize;

/// What the graph's input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// `uint8`, the bytes 0 to 255 of the pixels.
    Bytes,
    /// `float32`, the same divided by 255, for runtimes without `uint8`.
    Floats,
}

impl Input {
    /// The type, as NumPy and ONNX call it.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Bytes => "uint8",
            Self::Floats => "float32",
        }
    }

    /// The values that stand for black and white.
    pub fn range(self) -> &'static str {
        match self {
            Self::Bytes => "0 to 255",
            Self::Floats => "0 to 1",
        }
    }
}

/// What a file says of its model besides the graph, as metadata.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The model's full name (`mnist/cnn`).
    pub model: &'a str,
    /// The dataset that it was trained on.
    pub dataset: &'a str,
    /// The names of the classes, in the order of the probabilities.
    pub class_names: &'a [String],
    /// How an image from elsewhere is prepared for it.
    pub preparation: Preparation,
}

/// Why a model cannot be an ONNX file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// Names that are not those of the model's classes.
    #[error("{names} class names for a model of {classes} classes")]
    ClassNames {
        /// The number of names.
        names: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// More than the format allows.
    #[error("the file would have {bytes} bytes; a file of ONNX has at most {most}")]
    TooLarge {
        /// Bytes that it needs.
        bytes: usize,
        /// Bytes that there may be.
        most: usize,
    },
}

/// The model as the bytes of an ONNX file, opset [`OPSET`].
///
/// Its input `images` is N×C×H×W for any N, of the type and range that `input` says. Its outputs are
/// `probabilities`, `float32` N×classes, and `labels`, `int64` N: the position of the most
/// probable class, the first of equals.
///
/// The metadata are `model`, `dataset`, `class_names` (JSON, an array), `input` (in words),
/// `preparation` (JSON, [`Preparation`]) and `bakeoff_version`.
///
/// # Errors
/// [`OnnxError`], where names and classes differ or the file would be too large.
pub fn to_onnx(layers: &Layers, about: &About<'_>, input: Input) -> Result<Vec<u8>, OnnxError> {
    encode(&model(layers, about, input)?, MOST_BYTES)
}

fn encode(model: &Model, most: usize) -> Result<Vec<u8>, OnnxError> {
    let bytes = model.encoded_len();
    match bytes > most {
        true => Err(OnnxError::TooLarge { bytes, most }),
        false => Ok(model.encode_to_vec()),
    }
}

fn model(layers: &Layers, about: &About<'_>, input: Input) -> Result<Model, OnnxError> {
    let (names, classes) = (about.class_names.len(), layers.classes());
    if names != classes {
        return Err(OnnxError::ClassNames { names, classes });
    }
    let pixels = pixels_in_words(layers.input(), about.preparation, input);
    let entries = [
        ("model", about.model.to_owned()),
        ("dataset", about.dataset.to_owned()),
        ("class_names", json(about.class_names)),
        ("input", pixels.clone()),
        ("preparation", json(&about.preparation)),
        ("bakeoff_version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let entries = entries.map(|(key, value)| StringStringEntry {
        key: key.into(),
        value,
    });
    Ok(Model {
        ir_version: IR_VERSION,
        producer_name: "bakeoff".into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: format!("{}. Input: {pixels}.", about.model),
        graph: Some(graph::graph(layers, input)),
        opset_import: vec![OperatorSetId {
            domain: Some(String::new()),
            version: OPSET,
        }],
        metadata_props: entries.into(),
        ..Model::default()
    })
}

/// What the numbers of an image are.
fn pixels_in_words(shape: ImageShape, preparation: Preparation, input: Input) -> String {
    let ImageShape {
        channels,
        height,
        width,
    } = shape;
    let order = match channels {
        1 => "",
        3 => ", channels red, green, blue",
        _ => ", channels in the order of the training images",
    };
    let what = match preparation {
        Preparation::Ink => {
            "light ink on black, fitted and centred as the training images are (`bakeoff prepare` does it)"
        }
        Preparation::Plain { .. } => "images as they are, at the size of the training images",
    };
    let (kind, range) = (input.type_name(), input.range());
    format!("{kind} N×{channels}×{height}×{width}, {range}{order}; {what}")
}

/// Plain data: serialising to memory cannot fail.
fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
