//! Every command and flag, with the words a newcomer reads.

mod allow_commands;
mod ask;
mod cluster;
mod data;
mod evaluate;
mod export_model;
mod import;
mod models_dir;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Args, CommandFactory as _, Error, FromArgMatches as _, Parser, Subcommand, ValueEnum};

pub(crate) use self::{
    allow_commands::AllowCommands,
    ask::{ModelsArgs, PredictArgs, PrepareArgs, When},
    cluster::{CacheArgs, PullArgs, PushArgs, StatusArgs, SubmitArgs, WithModels},
    data::{DataArgs, DataCheckArgs, DataCommand, DataGetArgs, DataPackArgs, DataShowArgs},
    evaluate::EvaluateArgs,
    export_model::{ExportModelArgs, InputType},
    import::ImportArgs,
    models_dir::ModelsDir,
};
use crate::{
    indices::Indices,
    numbers::{MAX_THREADS, numbers_may_be_negative, whole},
    overrides::OverrideArgs,
};

const EXAMPLES: &str = "\
Examples:
  bakeoff run quick                          a first impression in seconds
  bakeoff run                                the full comparison on MNIST, with a report
  bakeoff predict --model cnn digit.png      classify an image with one model
  bakeoff predict --all digit.png            ... with every saved model
  bakeoff serve                              draw digits on a local page
  bakeoff models                             families, engines and saved models

Exit codes: 0 fine, 1 something failed, 2 the command line was not understood, \
3 a model got worse (diff --fail-if-worse), 4 no image was found, or an image is blank \
(predict, prepare).";

/// Which classifier should I use for this image data, and what does each one cost me?
///
/// bakeoff trains several model families on the same images, measures each of them in
/// the same way, writes a report for the browser, saves the trained models, and classifies
/// your own images with them.
#[derive(Parser)]
#[command(name = "bakeoff", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Reads a command line. An error is of the command that it names, with its usage.
    pub(crate) fn read(
        words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, Error> {
        let mut command = numbers_may_be_negative(Self::command());
        let matches = command.try_get_matches_from_mut(words)?;
        Self::from_arg_matches(&matches).map_err(|error| {
            let named = matches.subcommand_name();
            match named.and_then(|name| command.find_subcommand_mut(name)) {
                Some(named) => error.format(named),
                None => error,
            }
        })
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train and measure every model of an experiment, and write the report
    Run(RunArgs),
    /// List the trials of an experiment and start a run without running them
    Plan(PlanArgs),
    /// Run one trial of a plan, or several one after the other
    Trial(TrialArgs),
    /// Say which trials of a run are done, failed or missing
    Status(StatusArgs),
    /// Run the missing trials of a run on a cluster
    Submit(SubmitArgs),
    /// Put a run into a store, for machines without a shared disk
    Push(PushArgs),
    /// Bring a run, its records and its models from a store
    Pull(PullArgs),
    /// List model families, engines and saved models
    Models(ModelsArgs),
    /// Classify images with saved models
    Predict(PredictArgs),
    /// Show step by step how an image is prepared for a model
    Prepare(PrepareArgs),
    /// Measure a saved model on other labelled data
    Evaluate(EvaluateArgs),
    /// Open a local page where you draw digits and every saved model answers
    Serve(ServeArgs),
    /// Write a run's report again from its records
    Report(ReportArgs),
    /// Compare two runs model by model: better, worse or not significantly different
    Diff(DiffArgs),
    /// Rank models over several runs and datasets
    Rank(RankArgs),
    /// Write predictions, metrics and leaderboard for other programs, or their images
    Export(ExportArgs),
    /// Add the predictions of another program to the models of a run
    Import(ImportArgs),
    /// Write a saved model as an ONNX file, for ONNX Runtime and other programs
    ExportModel(ExportModelArgs),
    /// List datasets, or look at one
    Data(DataArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write manual pages, one for each command
    Man(ManArgs),
}

/// What the help says of an experiment.
fn experiment_help() -> String {
    let names: Vec<&str> = bakeoff_bench::builtin_experiments().collect();
    format!(
        "An experiment file, or the name of a built-in one ({})",
        names.join(", ")
    )
}

#[derive(Args)]
pub(crate) struct RunArgs {
    #[arg(value_name = "EXPERIMENT", default_value = "default", help = experiment_help())]
    pub(crate) experiment: String,
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// Threads for training and prediction; 0 for one per processor
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole::<usize>(0, MAX_THREADS))]
    pub(crate) threads: usize,
    /// The folder of runs
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) page: PageArgs,
    /// Continue the latest run of the same trials: run only what is missing
    #[arg(long)]
    pub(crate) resume: bool,
    /// With --resume: run failed trials again, too
    #[arg(long, requires = "resume")]
    pub(crate) retry_failed: bool,
    /// Print nothing but errors
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// Print events as lines of JSON; the last line holds the leaderboard
    #[arg(long)]
    pub(crate) json: bool,
}

/// What schedulers decide by.
const TRIAL_CODES: &str = "\
Exit codes: 0 done, 1 failed and recorded, 75 no record was written and another attempt may succeed, \
78 no attempt with this plan and this program can succeed, 128 plus its number a signal. Of several \
trials the largest.";

#[derive(Args)]
pub(crate) struct PlanArgs {
    #[arg(value_name = "EXPERIMENT", help = experiment_help())]
    pub(crate) experiment: String,
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// The folder of runs
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Processors that a scheduler should give each trial
    #[arg(long, value_name = "N", default_value = "1", value_parser = whole::<usize>(1, MAX_THREADS))]
    pub(crate) threads: usize,
    /// Pack the data into the run's folder, for machines where they are not at the same path
    #[arg(long)]
    pub(crate) pack: bool,
    /// Print the run's folder and trials as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(group = clap::ArgGroup::new("which").required(true), after_help = TRIAL_CODES)]
pub(crate) struct TrialArgs {
    /// The folder of a run, as `bakeoff plan` prints it, or the address of a store that has one
    /// (s3://…, file://…; see `bakeoff push`)
    pub(crate) run: PathBuf,
    /// The trial's position in the plan, from 0
    #[arg(long, group = "which", value_name = "N", value_parser = whole::<usize>(0, u64::MAX))]
    pub(crate) index: Option<usize>,
    /// Several, as in 0-5,8: one after the other, each in a process of its own
    #[arg(long, group = "which", value_name = "LIST")]
    pub(crate) indices: Option<Indices>,
    /// The trial's id
    #[arg(long, group = "which")]
    pub(crate) id: Option<String>,
    /// Threads for training and prediction; 0 for one per processor
    #[arg(long, value_name = "N", default_value = "0", value_parser = whole::<usize>(0, MAX_THREADS))]
    pub(crate) threads: usize,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    /// A folder of packed datasets (`bakeoff data pack`), looked into for what is not in the run's
    /// folder `data`
    #[arg(long, value_name = "DIR", env = "BAKEOFF_PACKS")]
    pub(crate) packs: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) with: WithModels,
    /// Stop it after this long and record it as failed; as planned if left out
    #[arg(long, value_name = "SECONDS", value_parser = whole::<u64>(1, u64::MAX))]
    pub(crate) time_limit: Option<u64>,
    /// Stop it when it needs more memory than this, in millions of bytes, and record it as
    /// failed; as planned if left out
    #[arg(long, value_name = "MB", value_parser = whole::<u64>(1, u64::MAX))]
    pub(crate) memory_limit: Option<u64>,
    /// Print events as lines of JSON
    #[arg(long)]
    pub(crate) events: bool,
    /// Run the trial in this process, print its events, and stop at once, without a record, when
    /// standard input ends: a run that is killed leaves no trial running
    #[arg(long, hide = true)]
    pub(crate) until_stdin_closes: bool,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    /// The port; 0 for any free one
    #[arg(long, short, value_name = "N", default_value = "8000", value_parser = whole::<u16>(0, u16::MAX.into()))]
    pub(crate) port: u16,
    /// The address or name to listen on
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Allow other machines to connect, without a password and without encryption
    #[arg(long)]
    pub(crate) allow_remote: bool,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) allow_commands: AllowCommands,
    /// The folder of runs, whose reports are listed
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) reports_dir: PathBuf,
    /// Seconds that an upload may take
    #[arg(long, value_name = "N", default_value = "30", value_parser = whole::<u64>(1, 3600))]
    pub(crate) upload_seconds: u64,
    /// The folder for images that you give the correct label of
    #[arg(long, value_name = "DIR", default_value = "corrections")]
    pub(crate) corrections_dir: PathBuf,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// The folder of a run; or a folder of runs, to write its index
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// What the command line says about a report's page.
#[derive(Args)]
pub(crate) struct PageArgs {
    /// Leave the models out of the page: it is smaller, but you cannot draw in it
    #[arg(long)]
    pub(crate) no_try_it: bool,
}

impl PageArgs {
    /// The folder of models that the page may take models from.
    pub(crate) fn models<'a>(&self, folder: &'a Path) -> Option<&'a Path> {
        (!self.no_try_it).then_some(folder)
    }
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
    /// The score to compare
    #[arg(long, value_name = "SCORE", default_value = "accuracy")]
    pub(crate) metric: ScoreName,
    /// Ignore differences up to this (0.001 of accuracy is 0.1 percentage points)
    #[arg(long, value_name = "X", default_value = "0", value_parser = margin, allow_negative_numbers = true)]
    pub(crate) margin: f64,
    /// Exit with 3 if a model got worse or has no results any more; a single fit that is worse
    /// counts only with --fits
    #[arg(long)]
    pub(crate) fail_if_worse: bool,
    /// With --fail-if-worse: also exit with 3 if one fit is worse than another, though another
    /// seed might not be
    #[arg(long, requires = "fail_if_worse")]
    pub(crate) fits: bool,
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
    /// Scores that differ by no more than this are practically equivalent (0.01 of accuracy is 1
    /// percentage point)
    #[arg(long, value_name = "X", default_value = "0.01", value_parser = margin, allow_negative_numbers = true)]
    pub(crate) margin: f64,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A difference that does not matter.
fn margin(value: &str) -> Result<f64, String> {
    let number = value.parse::<f64>().ok();
    number
        .filter(|x| x.is_finite() && *x >= 0.0)
        .ok_or_else(|| "a margin is a number from 0".to_owned())
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
    /// Write instead the training and test images of each dataset into a folder below this one, for
    /// another program to train on and to predict: see `bakeoff import`
    #[arg(long, value_name = "DIR", conflicts_with_all = ["format", "out"])]
    pub(crate) test_set: Option<PathBuf>,
    /// Write instead everything into a file store of MLflow, an experiment for the run and a run for each
    /// trial; into one that is there, other runs beside it: see docs/mlflow.md
    #[arg(long, value_name = "DIR", conflicts_with_all = ["format", "out", "test_set"])]
    pub(crate) mlflow: Option<PathBuf>,
    /// With --test-set: write the labels of the test images, too
    #[arg(long, requires = "test_set")]
    pub(crate) with_test_labels: bool,
}

#[derive(Args)]
pub(crate) struct ManArgs {
    /// The folder for the pages
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    fn refused(words: &[&str]) -> String {
        let words = ["bakeoff"].iter().chain(words);
        Cli::read(words).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_is_allowed_and_the_usage_of_its_command() {
        for (words, reason) in [
            (&["run", "--folds", "1"][..], "from 2 to 100"),
            (&["run", "--epochs", "-1"], "a whole number from 1"),
            (&["plan", "quick", "--seed", "-3"], "whole numbers from 0"),
            (&["trial", "r", "--index", "-1"], "a whole number from 0"),
            (&["run", "--threads", "-1"], "from 0 to 1024"),
            (&["run", "--threads", "1025"], "from 0 to 1024"),
            (&["serve", "--port", "-1"], "from 0 to 65535"),
            (&["serve", "--upload-seconds", "0"], "from 1 to 3600"),
            (&["data", "show", "x", "--per-class", "-1"], "from 1"),
        ] {
            let error = refused(words);
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains("tip:"), "{error}");
        }
        let error = refused(&["run", "--folds", "1"]);
        assert!(error.contains("Usage: bakeoff run "), "{error}");
        for margin in ["-1", "nan", "inf", "x"] {
            let error = refused(&["diff", "a", "b", "--margin", margin]);
            assert!(error.contains("a number from 0"), "{error}");
        }
        // The command itself says what is wrong with this one.
        assert_eq!(refused(&["run", "--threads", "0"]), "");
    }
}
