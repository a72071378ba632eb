//! The reports of past runs.
//!
//! A report is found by listing the folder of runs and comparing names; no part of a
//! request becomes part of a path.

use std::{collections::HashMap, path::PathBuf};

use bakeoff_bench::RunFolder;
use bakeoff_core::{
    percent_encoded,
    record::{PlannedTrial, Purpose},
};
use bakeoff_store::files;
use serde::Serialize;

use crate::{
    folders::{failed, folders},
    problem::{Code, Problem},
};

const REPORT: &str = "report.html";

/// A run with a report.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(Default))]
pub(crate) struct ReportEntry {
    /// The run's name.
    run: String,
    /// The experiment's name.
    experiment: String,
    /// The datasets it compares on.
    datasets: Vec<String>,
    /// When it was planned, RFC 3339 in UTC.
    planned_at: String,
    /// The path of the report on this server.
    href: String,
}

/// The folder of runs.
pub(crate) struct Reports {
    pub(crate) folder: PathBuf,
}

impl Reports {
    /// Those that have a report.
    fn runs(&self) -> Result<Vec<(String, PathBuf)>, Problem> {
        let mut runs = folders(&self.folder)?;
        runs.retain(|(_, path)| path.join(REPORT).is_file());
        Ok(runs)
    }

    /// Every report, the latest run first.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn list(&self) -> Result<Vec<ReportEntry>, Problem> {
        let mut entries: Vec<ReportEntry> = self
            .runs()?
            .into_iter()
            .filter_map(|(run, path)| {
                let info = RunFolder::open(&path).and_then(|run| run.info()).ok()?;
                Some(ReportEntry {
                    href: format!("/reports/{}", percent_encoded(&run)),
                    run,
                    experiment: info.experiment,
                    datasets: info.datasets.into_iter().map(|data| data.name).collect(),
                    planned_at: info.planned_at,
                })
            })
            .collect();
        entries.sort_by(|a, b| {
            b.planned_at
                .cmp(&a.planned_at)
                .then_with(|| a.run.cmp(&b.run))
        });
        Ok(entries)
    }

    /// The position of each trial's model among the models of its run, by the trial's id:
    /// the report colours the model by it. If several runs have the same trial, the latest
    /// counts. What cannot be read is left out.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn model_positions(&self) -> Result<HashMap<String, usize>, Problem> {
        let mut runs: Vec<(String, Vec<PlannedTrial>)> = folders(&self.folder)?
            .into_iter()
            .filter_map(|(_, path)| {
                let run = RunFolder::open(&path).ok()?;
                Some((run.info().ok()?.planned_at, run.plan().ok()?))
            })
            .collect();
        runs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut positions = HashMap::new();
        for (_, plan) in runs {
            let mut models: Vec<String> = Vec::new();
            for PlannedTrial { id, trial, .. } in plan {
                if trial.purpose() != Purpose::Headline {
                    continue;
                }
                let known = models.iter().position(|model| *model == trial.model);
                positions.insert(id, known.unwrap_or(models.len()));
                if known.is_none() {
                    models.push(trial.model);
                }
            }
        }
        Ok(positions)
    }

    /// The report of the run of that name.
    ///
    /// # Errors
    /// [`Code::NotFound`] if no run has this name.
    pub(crate) fn read(&self, name: &str) -> Result<String, Problem> {
        let runs = self.runs()?;
        let (_, path) = runs.iter().find(|(run, _)| run == name).ok_or_else(|| {
            Problem::new(
                Code::NotFound,
                "there is no such report; links out of the folder of runs are not followed",
            )
        })?;
        let path = path.join(REPORT);
        files::read_to_string(&path).map_err(failed(&path))
    }
}
