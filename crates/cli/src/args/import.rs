//! Arguments of `bakeoff import`.

use std::path::PathBuf;

use clap::Args;

use crate::numbers::whole;

const AFTER: &str = "\
The predictions are those of all test images, which `bakeoff export RUN --test-set DIR` \
writes: an array of images × classes (npy, npz), a table (csv, parquet) with a column for \
each class by its name, or the same as JSON; or the folder of an MLflow run that logged one of \
them (docs/mlflow.md). A column `id` or `file` matches the images; \
without one they are taken in order. Predicted classes alone can be imported as well: one \
label for each image, or a column `prediction`; then there is no ROC, log loss or \
calibration. Rows must sum to 1 within 0.001.

The model is then in the tables, tests and charts of the report, marked †. Costs are not \
measured: what you give with the options below is shown as given by its author. The plan \
of the run does not change. docs/external.md has an example.

Examples:
  bakeoff export RUN --test-set for-others
  bakeoff import RUN --name my-keras predictions.npy
  bakeoff import RUN --name my-keras --remove
  bakeoff report RUN";

#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct ImportArgs {
    /// The folder of a run
    pub(crate) run: PathBuf,
    /// The file of predictions: npy, npz, csv, json or parquet; or the folder of an MLflow run with one
    #[arg(required_unless_present = "remove", conflicts_with = "remove")]
    pub(crate) predictions: Option<PathBuf>,
    /// The model's name in reports
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// The dataset that was predicted, where the run has several
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    /// The seed of this fit, to import several fits of one model under one name [default: 1]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0, u64::MAX))]
    pub(crate) seed: Option<u64>,
    /// The array with the predictions, in an npz file with several
    #[arg(long, value_name = "NAME", conflicts_with = "remove")]
    pub(crate) array: Option<String>,
    /// Take the values for logits: apply softmax to each row
    #[arg(long, conflicts_with = "remove")]
    pub(crate) logits: bool,
    /// Its training time in seconds, as its author measured it
    #[arg(long, value_name = "S", value_parser = positive, conflicts_with = "remove")]
    pub(crate) fit_seconds: Option<f64>,
    /// Its time to predict one image alone in milliseconds, as its author measured it
    #[arg(long, value_name = "MS", value_parser = positive, conflicts_with = "remove")]
    pub(crate) predict_ms_per_image: Option<f64>,
    /// How many parameters it has
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0, u64::MAX), conflicts_with = "remove")]
    pub(crate) parameters: Option<u64>,
    /// The size of its saved model in bytes
    #[arg(long, value_name = "B", value_parser = whole::<u64>(0, u64::MAX), conflicts_with = "remove")]
    pub(crate) model_bytes: Option<u64>,
    /// What readers of the report should know of it
    #[arg(long, value_name = "TEXT", conflicts_with = "remove")]
    pub(crate) notes: Option<String>,
    /// Replace what was imported under this name
    #[arg(long, conflicts_with = "remove")]
    pub(crate) replace: bool,
    /// Take the model of this name out, with all of its seeds and datasets unless one is named
    #[arg(long)]
    pub(crate) remove: bool,
}

fn positive(word: &str) -> Result<f64, String> {
    let number = word.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "allowed: a number above 0".to_owned())
}
