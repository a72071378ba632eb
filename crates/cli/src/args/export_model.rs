//! Arguments of `bakeoff export-model`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::models_dir::ModelsDir;

/// What the file's input is.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputType {
    /// Pixels as uint8, 0 to 255
    Bytes,
    /// Pixels as float32, 0 to 1, for runtimes that take no uint8
    Float,
}

#[derive(Args)]
#[command(
    after_help = "The file has one input, `images` (N×channels×height×width, any number of images N), and two outputs: \
`probabilities` (float32, N×classes) and `labels` (int64, N: positions of the most probable classes). Scaling and \
softmax are inside. Class names and how images are prepared are in its metadata. Models of weights can be \
written (logistic, ann, cnn); docs/onnx.md shows how to use the file from Python and in a browser."
)]
pub(crate) struct ExportModelArgs {
    /// A saved model: `mnist/cnn`, or `cnn` for the newest that saw all its training data
    #[arg(value_name = "NAME")]
    pub(crate) model: String,
    /// The file [default: the model's name in the current folder, as in mnist-cnn.onnx]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if there is one
    #[arg(long)]
    pub(crate) force: bool,
    /// What the file takes
    #[arg(long, value_name = "TYPE", value_enum, default_value = "bytes")]
    pub(crate) input: InputType,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
}
