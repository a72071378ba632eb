//! Arguments of what runs on several machines.

use std::path::{Path, PathBuf};

use clap::{Args, builder::PossibleValuesParser};

use super::models_dir::ModelsDir;
use crate::{
    numbers::{MAX_THREADS, whole},
    schedulers,
};

/// What a store may be, and where its keys come from.
const STORES: &str = "\
A store is s3://BUCKET/PREFIX, file:///FOLDER or the path of a folder. For S3 and what speaks its protocol \
set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, for temporary keys AWS_SESSION_TOKEN, and AWS_REGION or \
AWS_ENDPOINT_URL. It needs the program curl (7.75 or later).";

/// Where files of a store are kept.
#[derive(Args)]
pub(crate) struct CacheArgs {
    /// With a store: where its files are kept on this machine [default: where the system keeps
    /// caches, on Linux ~/.cache/bakeoff]
    #[arg(long, value_name = "DIR", env = "BAKEOFF_CACHE")]
    pub(crate) cache: Option<PathBuf>,
}

/// What happens with models.
#[derive(Args)]
pub(crate) struct WithModels {
    /// With a store: leave saved models where they are, which `bakeoff pull` then says
    #[arg(long)]
    no_models: bool,
}

impl WithModels {
    /// The folder of models, if they are to travel.
    pub(crate) fn of<'a>(&self, folder: &'a Path) -> Option<&'a Path> {
        (!self.no_models).then_some(folder)
    }
}

#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct PushArgs {
    /// The folder of a run, as `bakeoff plan` prints it
    pub(crate) run: PathBuf,
    /// Where to put it
    #[arg(value_name = "STORE")]
    pub(crate) store: String,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    /// Leave the data away: every machine has them at the planned path
    #[arg(long)]
    pub(crate) no_data: bool,
    #[command(flatten)]
    pub(crate) with: WithModels,
}

#[derive(Args)]
#[command(after_help = STORES)]
pub(crate) struct PullArgs {
    /// The folder of a run, which is made where it is missing
    pub(crate) run: PathBuf,
    /// Where the run is
    #[arg(value_name = "STORE")]
    pub(crate) store: String,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) with: WithModels,
}

#[derive(Args)]
#[command(after_help = "Exit codes: 0 all trials are done, 1 some failed, 75 some are missing.")]
pub(crate) struct StatusArgs {
    /// The folder of a run, or the address of a store that has one (s3://…, file://…)
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    /// Only trials that failed
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only trials without a record: not run, ended from outside, or running
    #[arg(long)]
    pub(crate) missing: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "indices")]
    pub(crate) json: bool,
    /// Print places in the plan as `bakeoff trial --indices` takes them; of missing trials unless
    /// --failed is given
    #[arg(long)]
    pub(crate) indices: bool,
}

#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 submitted (with --follow: all trials are done), 1 something failed, 75 some \
                  trials are missing after --follow."
)]
pub(crate) struct SubmitArgs {
    /// The folder of a run, as `bakeoff plan` prints it, which every machine sees at the same path
    pub(crate) run: PathBuf,
    /// The scheduler
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(schedulers::names()))]
    pub(crate) on: String,
    /// Only print what would be submitted
    #[arg(long, conflicts_with_all = ["follow", "cancel"])]
    pub(crate) print: bool,
    /// How many trials one job runs, one after the other: more for tiny trials
    #[arg(long, value_name = "N", default_value = "1", value_parser = whole::<usize>(1, 100_000))]
    pub(crate) bundle: usize,
    /// How many jobs may run at once [default: as many as there is room for]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1, u64::MAX))]
    pub(crate) max_running: Option<usize>,
    /// Threads and processors of each trial [default: as planned]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1, MAX_THREADS))]
    pub(crate) threads: Option<usize>,
    /// An option for the scheduler, as in --option "--partition=main"; may be repeated
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) option: Vec<String>,
    /// The most jobs of one array [default: what the scheduler says]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1, u64::MAX))]
    pub(crate) max_array_size: Option<usize>,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    /// Wait until all jobs have ended, and submit again what is missing then
    #[arg(long)]
    pub(crate) follow: bool,
    /// With --follow: how often to submit again
    #[arg(long, value_name = "N", default_value = "3", requires = "follow", value_parser = whole::<usize>(0, 1000))]
    pub(crate) retries: usize,
    /// With --follow: seconds between two looks at the queue
    #[arg(long, value_name = "N", default_value = "10", requires = "follow", value_parser = whole::<u64>(1, 86_400))]
    pub(crate) poll: u64,
    /// Cancel the jobs of this run; records stay
    #[arg(long, conflicts_with = "follow")]
    pub(crate) cancel: bool,
}
