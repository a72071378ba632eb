//! Arguments of what asks saved models.

use std::path::PathBuf;

use clap::Args;

use super::{allow_commands::AllowCommands, models_dir::ModelsDir};
use crate::{commands::pictures::EXIT_CODES, numbers::whole};

#[derive(Args)]
pub(crate) struct ModelsArgs {
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    /// Show every setting of one family, with its default and what is allowed
    #[arg(long, value_name = "FAMILY")]
    pub(crate) settings: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// When to draw in the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("who").required(true), after_help = EXIT_CODES)]
pub(crate) struct PredictArgs {
    /// A saved model: `mnist/cnn`, or `cnn` for the newest that saw all its training data
    #[arg(long, short, group = "who", value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Use every saved model, side by side
    #[arg(long, group = "who")]
    pub(crate) all: bool,
    /// Images (PNG, JPEG, WebP, ...): files, folders of them, quoted patterns such as
    /// 'scans/*.png', or - for standard input; or one table of pixels (CSV, TSV), which is answered
    /// by a CSV of a row each
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// Read all digits of each image: a number, several rows of them, or the cells of a form or a
    /// sudoku (of which an empty one is a point)
    #[arg(long, conflicts_with_all = ["preview", "top"])]
    pub(crate) digits: bool,
    /// Draw the image as the models see it, if there is only one: on a terminal, always,
    /// or never
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    pub(crate) preview: When,
    /// How many classes to show, the most probable first
    #[arg(long, value_name = "N", default_value = "3", value_parser = whole::<usize>(1, u64::MAX))]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) allow_commands: AllowCommands,
    /// Print a line of JSON for each image
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PrepareArgs {
    /// Images (PNG, JPEG, WebP, ...): files, folders of them, quoted patterns such as
    /// 'scans/*.png', or - for standard input
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// The folder for the steps, one PNG each, and an overview of all of them
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Prepare for this saved model instead of MNIST's 28×28
    #[arg(long, short, value_name = "NAME")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) allow_commands: AllowCommands,
}
