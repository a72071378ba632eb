//! `bakeoff status`: which trials of a run are done, failed or missing.

use std::process::ExitCode;

use bakeoff_bench::{NO_ANSWER, RunFolder, TrialState};
use bakeoff_core::{
    quoted,
    record::{Outcome, PlannedTrial},
};
use bakeoff_measures::format;
use bakeoff_report::terminal::Lines;
use serde_json::{Value, json};

use crate::{args::StatusArgs, indices::Indices, text};

/// How many trials are listed without being asked for.
const SHOWN: usize = 20;

/// How a trial stands, in the words of this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Done,
    Failed,
    /// It has no record that stays: also a running one, of which nothing is known here.
    Missing,
}

struct Row {
    trial: PlannedTrial,
    stands: Stands,
    reason: Option<String>,
}

/// The trials of a run by how they stand.
pub(crate) struct Counts {
    rows: Vec<Row>,
}

impl Counts {
    /// Reads and checks every record.
    pub(crate) fn of(run: &RunFolder) -> anyhow::Result<Self> {
        let row = |trial: PlannedTrial| {
            let (stands, reason) = match run.state(&trial)? {
                TrialState::Missing => (Stands::Missing, None),
                TrialState::RunsAgain(why) => (Stands::Missing, Some(why)),
                TrialState::Recorded(record) => match record.outcome {
                    Outcome::Ok(_) => (Stands::Done, None),
                    Outcome::Failed { reason, .. } => (Stands::Failed, Some(reason)),
                },
            };
            Ok(Row {
                trial,
                stands,
                reason,
            })
        };
        let rows: anyhow::Result<Vec<Row>> = run.plan()?.into_iter().map(row).collect();
        Ok(Self { rows: rows? })
    }

    fn count(&self, stands: Stands) -> usize {
        self.rows.iter().filter(|row| row.stands == stands).count()
    }

    /// The trials without a record that stays.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &PlannedTrial> {
        let missing = self.rows.iter().filter(|row| row.stands == Stands::Missing);
        missing.map(|row| &row.trial)
    }

    /// `7 of 9 trials are done, 1 failed, 1 missing`
    pub(crate) fn line(&self) -> String {
        format!(
            "{} of {} {} done, {} failed, {} missing",
            format::count(self.count(Stands::Done) as u64),
            format::counted(self.rows.len() as u64, "trial", "trials"),
            if self.rows.len() == 1 { "is" } else { "are" },
            format::count(self.count(Stands::Failed) as u64),
            format::count(self.count(Stands::Missing) as u64),
        )
    }

    /// Done, failed or worth another attempt, as of a trial.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match (self.count(Stands::Missing), self.count(Stands::Failed)) {
            (0, 0) => ExitCode::SUCCESS,
            (0, _) => ExitCode::FAILURE,
            _ => ExitCode::from(NO_ANSWER),
        }
    }
}

pub(crate) fn main(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let (run, shared) = super::run_at(&args.run, &args.cache)?;
    if let Some(shared) = &shared {
        let pulled = shared.pull_records(&run)?;
        super::say_damaged(&pulled);
    }
    let counts = Counts::of(&run)?;
    let chosen: Vec<&Row> = counts
        .rows
        .iter()
        .filter(|row| match row.stands {
            Stands::Done => !args.failed && !args.missing && !args.indices,
            Stands::Failed => args.failed || (!args.missing && !args.indices),
            Stands::Missing => args.missing || !args.failed,
        })
        .collect();
    if args.indices {
        let places = chosen.iter().map(|row| row.trial.index);
        text::print_line(Indices(places.collect()))?;
    } else if args.json {
        text::print_json(&json!({
            "run": run.path(),
            "done": counts.count(Stands::Done),
            "failed": counts.count(Stands::Failed),
            "missing": counts.count(Stands::Missing),
            "trials": chosen.iter().map(|row| as_json(row)).collect::<Vec<_>>(),
        }))?;
    } else {
        let mut out = Lines::new();
        out.line(counts.line());
        let left = chosen.iter().filter(|row| row.stands != Stands::Done);
        let shown = match args.failed || args.missing {
            true => usize::MAX,
            false => SHOWN,
        };
        let count = left.clone().count();
        left.take(shown).for_each(|row| out.line(line(row)));
        if count > shown {
            out.line(format_args!(
                "and {} more: see them with --failed or --missing",
                count - shown
            ));
        }
        if counts.missing().next().is_some() {
            let run = quoted(&args.run.to_string_lossy());
            out.blank();
            out.line(match shared {
                None => format!(
                    "Run what is missing with `bakeoff submit {run} --on slurm`, or here with"
                ),
                Some(_) => "Run what is missing on any machine with".to_owned(),
            });
            out.line(format_args!(
                "  bakeoff trial {run} --indices \"$(bakeoff status {run} --indices)\""
            ));
        }
        text::print(&out)?;
    }
    Ok(counts.exit_code())
}

fn as_json(row: &Row) -> Value {
    let trial = &row.trial.trial;
    json!({
        "index": row.trial.index,
        "id": row.trial.id,
        "model": trial.model,
        "dataset": trial.data.name,
        "variant": trial.variant(),
        "seed": trial.seed,
        "state": word(row.stands),
        "reason": row.reason,
    })
}

fn word(stands: Stands) -> &'static str {
    match stands {
        Stands::Done => "done",
        Stands::Failed => "failed",
        Stands::Missing => "missing",
    }
}

fn line(row: &Row) -> String {
    let trial = &row.trial.trial;
    let variant = trial.variant();
    let variant = variant.map_or_else(String::new, |variant| format!(", {variant}"));
    let reason = row.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    format!(
        "{:>5}  {:<7}  {} on {}{variant}, seed {}{reason}",
        row.trial.index,
        word(row.stands),
        trial.model,
        trial.data.name,
        trial.seed
    )
}
