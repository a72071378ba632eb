//! Arguments of `bakeoff evaluate`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{allow_commands::AllowCommands, data::OpenArgs, models_dir::ModelsDir};

const HELP: &str = "\
Examples:
  bakeoff evaluate my-digits --model mnist/cnn
  bakeoff evaluate my-digits --model cnn --html my-digits.html
  bakeoff evaluate scans photos drawn.zip --all

A test set of your own is a folder of images with a table labels.csv (columns file and label), or \
a folder of images for each class; docs/own-pictures.md says more.

An image that nothing is drawn in, or that is damaged, has no answer: it is listed, and counts as \
wrong.

Exit codes: 0 fine, 1 something failed, 2 the command line was not understood. Of several \
datasets, one that cannot be read is a row that says why, and the code is 1.";

#[derive(Args)]
#[command(
    group = ArgGroup::new("data").required(true).multiple(true),
    group = ArgGroup::new("who").required(true),
    override_usage = "bakeoff evaluate [OPTIONS] <--model <NAME>|--all> <DATASET>...",
    after_help = HELP,
)]
pub(crate) struct EvaluateArgs {
    /// Datasets: built-in names, folders, archives or files (see `bakeoff data list`), whose
    /// test parts are used; or labelled images without parts, which are all used
    #[arg(value_name = "DATASET", group = "data")]
    datasets: Vec<String>,
    /// The same as a flag, as `bakeoff run` takes it
    #[arg(long = "dataset", value_name = "NAME|PATH", group = "data")]
    flagged: Vec<String>,
    /// A saved model: `mnist/cnn`, or `cnn` for the newest that saw all its training data;
    /// once for each of several
    #[arg(long = "model", short, group = "who", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Every saved model that knows the classes
    #[arg(long, group = "who")]
    pub(crate) all: bool,
    /// Show images to the model as they are. Without it, a model of handwriting such as
    /// MNIST's sees image files as `bakeoff predict` prepares them, whatever their size
    #[arg(long)]
    pub(crate) as_is: bool,
    /// Write every image with its answer as CSV: file, label, answer, confidence, warnings
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) csv: Option<PathBuf>,
    /// Write a page with the confusion matrix and the misses as images
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) allow_commands: AllowCommands,
    /// Print a line of JSON for each dataset and model, with all misses
    #[arg(long)]
    pub(crate) json: bool,
}

impl EvaluateArgs {
    /// The datasets in the order in which they were named.
    pub(crate) fn datasets(&self) -> Vec<&str> {
        let all = self.datasets.iter().chain(&self.flagged);
        all.map(String::as_str).collect()
    }
}
