//! The ensemble of the models that a search ends with.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::PathBuf,
};

use bakeoff_core::{
    Settings,
    record::{ChosenEnsemble, Run},
};
use bakeoff_search::select;
use bakeoff_zoo::{ENSEMBLE, Member};

use super::finals::Finals;
use crate::{error::BenchError, experiment::ModelEntry, run_folder::RunFolder};

/// The weights of all models together, at most: more weigh no finer than a few thousand images can tell.
const MOST_ADDED: usize = 20;

/// Where the answers of a candidate on held-out images are: its trials on the larger share, one for each draw.
pub(super) struct HeldOut {
    pub(super) run: PathBuf,
    pub(super) trials: Vec<String>,
}

/// Answers on the held-out images of some draws.
#[derive(Default)]
struct Answers {
    labels: Vec<u16>,
    classes: usize,
    /// By candidate.
    probabilities: BTreeMap<String, Vec<f32>>,
}

/// An ensemble of the chosen models that is better on held-out images than each of them; `None` if there is none.
///
/// # Errors
/// When a round cannot be read.
pub(super) fn ensemble(
    finals: &Finals,
    held_out: &BTreeMap<String, HeldOut>,
) -> Result<Option<(ModelEntry, ChosenEnsemble)>, BenchError> {
    let answers = answers(&finals.candidates, held_out)?;
    let known = finals.models.iter().zip(&finals.candidates);
    let known: Vec<(&ModelEntry, &[f32])> = known
        .filter_map(|(model, candidate)| {
            Some((model, answers.probabilities.get(candidate)?.as_slice()))
        })
        .collect();
    let probabilities: Vec<&[f32]> = known.iter().map(|(_, own)| *own).collect();
    let weights = select(&probabilities, &answers.labels, answers.classes, MOST_ADDED);
    let chosen = known.iter().zip(weights).filter(|(_, weight)| *weight > 0);
    let chosen: Vec<(&ModelEntry, usize)> = chosen
        .map(|((model, _), weight)| (*model, weight))
        .collect();
    if chosen.len() < 2 {
        return Ok(None);
    }
    let at = |source| BenchError::Spec {
        model: ENSEMBLE.to_owned(),
        source: Box::new(source),
    };
    let member = |(model, weight): &(&ModelEntry, usize)| {
        Member::new(&model.name, *weight as f64, model.spec.clone())
    };
    let members: Result<Vec<Member>, _> = chosen.iter().map(member).collect();
    let settings: Settings = bakeoff_zoo::member_settings(&members.map_err(at)?);
    let family = bakeoff_zoo::family(ENSEMBLE).map_err(at)?;
    let entry = ModelEntry {
        name: ENSEMBLE.to_owned(),
        spec: family.resolve(None, &settings).map_err(at)?,
        calibration: None,
    };
    let members = chosen.into_iter();
    let info = ChosenEnsemble {
        model: ENSEMBLE.to_owned(),
        members: members
            .map(|(model, weight)| (model.name.clone(), weight))
            .collect(),
    };
    Ok(Some((entry, info)))
}

/// What the candidates answered, on the draws that all of them have.
fn answers(
    candidates: &[String],
    held_out: &BTreeMap<String, HeldOut>,
) -> Result<Answers, BenchError> {
    let mut known: Vec<(&String, &HeldOut)> = candidates
        .iter()
        .filter_map(|name| held_out.get_key_value(name))
        .collect();
    known.dedup_by_key(|(name, _)| *name);
    let draws = known.iter().map(|(_, found)| found.trials.len()).min();
    let mut answers = Answers::default();
    let mut runs: BTreeMap<&PathBuf, Run> = BTreeMap::new();
    for (at, (name, found)) in known.into_iter().enumerate() {
        let run = match runs.entry(&found.run) {
            Entry::Occupied(run) => run.into_mut(),
            Entry::Vacant(place) => place.insert(RunFolder::open(&found.run)?.read()?),
        };
        let own = answers.probabilities.entry(name.clone()).or_default();
        for id in found.trials.iter().take(draws.unwrap_or_default()) {
            let measured = run.records.get(id).and_then(|record| record.measured());
            // A member is averaged as it was before it was calibrated.
            let probabilities = run.uncalibrated.get(id).or(run.probabilities.get(id));
            let (Some(measured), Some(probabilities)) = (measured, probabilities) else {
                continue;
            };
            own.extend_from_slice(probabilities.values());
            // All have the same held-out images.
            if at == 0 {
                answers.classes = probabilities.classes();
                let labels = run.labels(&measured.test_fingerprint);
                answers.labels.extend_from_slice(labels.unwrap_or_default());
            }
        }
    }
    Ok(answers)
}
