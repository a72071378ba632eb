//! `bakeoff serve`

use std::time::Duration;

use anyhow::Context as _;
use bakeoff_bench::Program;
use bakeoff_report::terminal::Lines;
use bakeoff_server::{Config, FirstTraining, Limits, Server};

use crate::{args::ServeArgs, interrupt::Signals, text};

/// The experiment that is trained if there are no models: good enough to try, ready in
/// seconds.
const FIRST: &str = "quick";

pub(crate) fn main(args: ServeArgs) -> anyhow::Result<()> {
    args.allow_commands.apply(Signals::HangUp);
    let experiment = bakeoff_bench::builtin_experiment(FIRST)
        .context("the built-in experiment is missing")??;
    let models_dir = args.models_dir.clone();
    let first_training = FirstTraining {
        experiment,
        program: Program::running().context("cannot find the bakeoff program itself")?,
        report: Box::new(move |run| {
            bakeoff::render(run, Some(&models_dir))
                .map(drop)
                .map_err(|error| error.to_string())
        }),
    };
    let models_dir = args.models_dir.clone();
    let mut limits = Limits::default();
    limits.upload_time = Duration::from_secs(args.upload_seconds);
    let server = Server::bind(Config {
        host: args.host,
        port: args.port,
        allow_remote: args.allow_remote,
        models: args.models_dir.to_path_buf(),
        reports: args.reports_dir,
        corrections: args.corrections_dir,
        colours: bakeoff_report::colours_css(),
        first_training: Some(first_training),
        limits,
    })?;
    for unreadable in server.unreadable() {
        text::error(format_args!(
            "{}: left out: {}",
            unreadable.name, unreadable.reason
        ));
    }
    let models = server.models();
    let about = if !models.is_empty() {
        format!("Models: {}", models.join(", "))
    } else if server.trains() {
        format!(
            "There are no saved models in {} yet: training the experiment `{FIRST}` now; the \
             page shows the progress, and answers as soon as the first model is ready.",
            models_dir.display()
        )
    } else {
        format!(
            "No model in {} can be read; the reasons are above.",
            models_dir.display()
        )
    };
    let mut out = Lines::new();
    out.line(format_args!("bakeoff is at {}", server.url()));
    if !server.address().ip().is_loopback() {
        if let Some(url) = server.remote_url() {
            out.line(format_args!("From other machines: {url}"));
        }
        out.line(
            "Every machine that can reach this one can use it, without a password and without \
             encryption.",
        );
    }
    out.line(about);
    out.line("Ctrl-C ends it.");
    text::print(&out)?;
    let served = server.run();
    // A question may still be in progress.
    bakeoff_zoo::end_programs();
    Ok(served?)
}
