//! Every command and flag, with the words a newcomer reads.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::pictures::EXIT_CODES;

const EXAMPLES: &str = "\
Examples:
  bakeoff run quick                          a first impression in seconds
  bakeoff run                                the full comparison on MNIST, with a report
  bakeoff predict --model cnn digit.png      ask one model about a picture
  bakeoff predict --all digit.png            ask every saved model
  bakeoff serve                              draw digits on a local page
  bakeoff models                             what can be trained, and what has been

Exit codes: 0 fine, 1 something failed, 2 the command line was not understood, 3 a model
got worse (diff --fail-if-worse), 4 no picture was found, or nothing is drawn in one
(predict, prepare).";

/// Which classifier should I use for this image data, and what does each one cost me?
///
/// bakeoff trains several model families on the same pictures, measures every one the
/// same way, writes a report to read in a browser, keeps the trained models, and
/// answers with the model you name.
#[derive(Parser)]
#[command(name = "bakeoff", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train and measure every model of an experiment, and write the report
    Run(RunArgs),
    /// Write down the trials of an experiment without running them
    Plan(PlanArgs),
    /// Run one trial of a plan
    Trial(TrialArgs),
    /// List model families, engines and saved models
    Models(ModelsArgs),
    /// Ask saved models what a picture shows
    Predict(PredictArgs),
    /// Show, step by step, what models see of a picture
    Prepare(PrepareArgs),
    /// Measure a saved model on other labelled data
    Evaluate(EvaluateArgs),
    /// Draw digits on a local page and see what every saved model says
    Serve(ServeArgs),
    /// Render a run's report again from its records
    Report(ReportArgs),
    /// Compare two runs model by model: better, worse or within noise
    Diff(DiffArgs),
    /// Rank models over several runs and datasets
    Rank(RankArgs),
    /// Write predictions, metrics and leaderboard for other programs
    Export(ExportArgs),
    /// List datasets, or look at one
    Data(DataArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// What the command line changes in an experiment.
#[derive(Args)]
pub(crate) struct OverrideArgs {
    /// Only these models of the experiment, by name
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) models: Option<Vec<String>>,
    /// Another dataset: a built-in name, or a folder (`bakeoff data list` says which)
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) dataset: Option<String>,
    /// Epochs of every model that has them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) epochs: Option<u64>,
    /// These seeds instead of the experiment's: one fit of every model for each
    #[arg(long, value_delimiter = ',', value_name = "N,...")]
    pub(crate) seed: Option<Vec<u64>>,
    /// Use only so many training samples (a stratified part)
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) limit_train: Option<usize>,
    /// Use only so many test samples (a stratified part)
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) limit_test: Option<usize>,
    /// Cross-validate on the training part as well, in so many folds
    #[arg(long, value_name = "N")]
    pub(crate) folds: Option<usize>,
    /// Train on these shares of the training part as well (0.1,0.3)
    #[arg(long, value_delimiter = ',', value_name = "SHARE,...")]
    pub(crate) train_fractions: Option<Vec<f64>>,
    /// Calibrate every model: fit a temperature on its validation part
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Corrupt the test pictures in every way and see how the models bear it
    #[arg(long)]
    pub(crate) robustness: bool,
}

/// A whole number from 1.
fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("a whole number from 1 is needed".into()),
    }
}

/// More threads than this help on no machine and take minutes to start.
const MAX_THREADS: usize = 1024;

/// A number of threads.
fn threads(text: &str) -> Result<usize, String> {
    match threads_or_0(text) {
        Ok(number @ 1..) => Ok(number),
        _ => Err(format!("a whole number from 1 to {MAX_THREADS} is needed")),
    }
}

/// A number of threads, or 0 for as many as there are processors.
fn threads_or_0(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 0..=MAX_THREADS) => Ok(number),
        _ => Err(format!("a whole number from 0 to {MAX_THREADS} is needed")),
    }
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// An experiment file, or the name of a built-in one (default, quick, engines, seeds, trust)
    #[arg(value_name = "EXPERIMENT", default_value = "default")]
    pub(crate) experiment: String,
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// Threads for training and answering [default: one per processor]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub(crate) threads: Option<usize>,
    /// The folder of runs
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// The folder of saved models
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    /// Go on with the latest run of the same trials: only what is missing is run
    #[arg(long)]
    pub(crate) resume: bool,
    /// With --resume: run failed trials again
    #[arg(long, requires = "resume")]
    pub(crate) retry_failed: bool,
    /// Print nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// Print what happens as lines of JSON; the last one holds the leaderboard
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct PlanArgs {
    /// An experiment file, or the name of a built-in one (default, quick, engines, seeds, trust)
    #[arg(value_name = "EXPERIMENT")]
    pub(crate) experiment: String,
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// The folder of runs
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Print the run's folder and trials as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct TrialArgs {
    /// The folder of a run, as `bakeoff plan` made it
    pub(crate) run: PathBuf,
    /// The trial's position in the plan, from 0
    #[arg(long, group = "which", value_name = "N")]
    pub(crate) index: Option<usize>,
    /// The trial's id
    #[arg(long, group = "which")]
    pub(crate) id: Option<String>,
    /// Threads for training and answering; 0 for one per processor
    #[arg(long, value_name = "N", default_value = "0", value_parser = threads_or_0)]
    pub(crate) threads: usize,
    /// The folder of saved models
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
    /// Print what happens as lines of JSON
    #[arg(long)]
    pub(crate) events: bool,
    /// Stop at once, without a record, when standard input ends: a run that is killed
    /// leaves no trial behind
    #[arg(long, hide = true)]
    pub(crate) until_stdin_closes: bool,
}

#[derive(Args)]
pub(crate) struct ModelsArgs {
    /// The folder of saved models
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
    /// Every setting of one family, with its default and what is allowed
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
    /// A saved model: `cnn`, or `mnist/cnn` where several datasets have one
    #[arg(long, short, group = "who", value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// Every saved model, side by side
    #[arg(long, group = "who")]
    pub(crate) all: bool,
    /// Pictures (PNG or JPEG): files, folders of them, quoted patterns such as
    /// 'scans/*.png', or - for standard input
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// Draw what the models see of a single picture: on a terminal, always, or never
    #[arg(long, value_name = "WHEN", value_enum, default_value = "auto")]
    pub(crate) preview: When,
    /// How many classes to show, the most probable first
    #[arg(long, value_name = "N", default_value = "3", value_parser = positive)]
    pub(crate) top: usize,
    /// The folder of saved models
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
    /// Print a line of JSON for each picture
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct PrepareArgs {
    /// Pictures (PNG or JPEG): files, folders of them, quoted patterns such as
    /// 'scans/*.png', or - for standard input
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<PathBuf>,
    /// The folder for the stages, one PNG each, and a sheet of all of them
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// As this saved model sees them, instead of MNIST's 28×28
    #[arg(long, short, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// The folder of saved models
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct EvaluateArgs {
    /// A saved model: `cnn`, or `mnist/cnn` where several datasets have one
    #[arg(long, short, value_name = "NAME")]
    pub(crate) model: String,
    /// A built-in dataset or a folder (`bakeoff data list` says which), of which the test
    /// part is used; or pictures of the model's size with a labels.csv (columns file,label)
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) dataset: String,
    /// The folder of saved models
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The port; 0 for any that is free
    #[arg(long, short, value_name = "N", default_value = "8000")]
    pub(crate) port: u16,
    /// The address or name to listen on
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Let other machines in: they need no password, and nothing is encrypted
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// The folder of saved models
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
    /// The folder of runs, whose reports are listed
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) reports_dir: PathBuf,
    /// Seconds that a picture may take to arrive
    #[arg(long, value_name = "N", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) upload_seconds: u64,
    /// Where pictures are kept whose right answer you tell
    #[arg(long, value_name = "DIR", default_value = "corrections")]
    pub(crate) corrections_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The folder of a run; or a folder of runs, whose index is then written
    pub(crate) run: PathBuf,
    /// The folder of saved models, for those that answer inside the page
    #[arg(
        long,
        value_name = "DIR",
        default_value = "models",
        env = "BAKEOFF_MODELS_DIR"
    )]
    pub(crate) models_dir: PathBuf,
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// What a person may choose about a report's page.
#[derive(Args)]
pub(crate) struct PageArgs {
    /// Leave the models out of the page: smaller, but nobody can draw in it
    #[arg(long)]
    pub(crate) no_try_it: bool,
}

/// The score that models are compared by.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ScoreName {
    Accuracy,
    MacroF1,
    MacroAuc,
    LogLoss,
}

impl From<ScoreName> for bakeoff_metrics::Metric {
    fn from(name: ScoreName) -> Self {
        match name {
            ScoreName::Accuracy => Self::Accuracy,
            ScoreName::MacroF1 => Self::MacroF1,
            ScoreName::MacroAuc => Self::MacroAuc,
            ScoreName::LogLoss => Self::LogLoss,
        }
    }
}

#[derive(Args)]
pub(crate) struct DiffArgs {
    /// The folder of the earlier run
    #[arg(value_name = "RUN_A")]
    pub(crate) first: PathBuf,
    /// The folder of the later run
    #[arg(value_name = "RUN_B")]
    pub(crate) second: PathBuf,
    /// The score that says better or worse
    #[arg(long, value_name = "SCORE", default_value = "accuracy")]
    pub(crate) metric: ScoreName,
    /// Differences up to this do not matter (0.001 of accuracy is a tenth of a point)
    #[arg(long, value_name = "X", default_value = "0")]
    pub(crate) margin: f64,
    /// Exit with 3 if a model got worse, or has no results any more
    #[arg(long)]
    pub(crate) fail_if_worse: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct RankArgs {
    /// The folders of runs
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// The score to rank by
    #[arg(long, value_name = "SCORE", default_value = "accuracy")]
    pub(crate) metric: ScoreName,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A format that a run can be exported in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Every prediction as CSV, a file for each trial
    Csv,
    /// Probabilities and labels as NumPy arrays, a file for each trial
    Npy,
    /// Probabilities and labels as safetensors, a file for each dataset
    Safetensors,
    /// Every score with its interval as JSON (docs/schema/metrics.schema.json)
    Json,
    /// The leaderboard as a Markdown table
    Markdown,
    /// The leaderboard as a LaTeX table
    Latex,
}

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The folder of a run
    pub(crate) run: PathBuf,
    /// What to write; several with commas [default: everything]
    #[arg(long, value_delimiter = ',', value_name = "FORMAT,...")]
    pub(crate) format: Vec<ExportFormat>,
    /// The folder to write to, or - for standard output (json, markdown, latex)
    /// [default: the run's own folder, in exports]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// List the datasets inside the program and the kinds of folder it reads
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Counts per class, and a sheet of pictures to look at
    Show(DataShowArgs),
}

#[derive(Args)]
pub(crate) struct DataShowArgs {
    /// A built-in name, or a folder (`bakeoff data list` says which)
    #[arg(value_name = "NAME|PATH")]
    pub(crate) dataset: String,
    /// Write a contact sheet as PNG: a row per class
    #[arg(long, value_name = "FILE.png")]
    pub(crate) sheet: Option<PathBuf>,
    /// Write a sheet of corrupted test pictures as PNG: a row per corruption, each
    /// picture as it is and then in five severities
    #[arg(long, value_name = "FILE.png")]
    pub(crate) corruptions: Option<PathBuf>,
    /// Pictures per class on the sheet
    #[arg(long, value_name = "N", default_value = "20", value_parser = positive)]
    pub(crate) per_class: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
