//! The members of an ensemble: those that the run has trained already are read, the others are trained as
//! trials of their own would train them. So an ensemble has the same bits either way.

use std::{ops::ControlFlow, path::Path};

use bakeoff_core::{
    FitContext, FitError, FitEvent, FittedModel,
    record::{Costs, Measured, PlannedTrial, SaveName, Stage, Timing, TrialSpec},
};
use bakeoff_zoo::{Member, fit_members};

use super::contract::Stop;
use crate::{partition::Given, run_folder::RunFolder};

/// Where the members of a trial's ensemble come from.
pub(super) struct Members<'a> {
    run: &'a RunFolder,
    trial: &'a TrialSpec,
    models: &'a Path,
    given: Given,
    plan: Vec<PlannedTrial>,
    members: Vec<Member>,
    trained_before: Timing,
    peaks: Vec<u64>,
}

impl<'a> Members<'a> {
    /// `None` for a trial of one model.
    pub(super) fn of(
        run: &'a RunFolder,
        planned: &'a PlannedTrial,
        models: &'a Path,
        given: &Given,
    ) -> Result<Option<Self>, Stop> {
        let trial = &planned.trial;
        let members = bakeoff_zoo::members(&trial.spec).map_err(Stop::failed(Stage::Data))?;
        let Some(members) = members else {
            return Ok(None);
        };
        // Only of headline trials the models are kept.
        let plan = match planned.save_as {
            Some(_) => run.plan().map_err(Stop::Run)?,
            None => Vec::new(),
        };
        Ok(Some(Self {
            run,
            trial,
            models,
            given: given.clone(),
            plan,
            members,
            trained_before: Timing {
                cpu_ns: Some(0),
                ..Timing::default()
            },
            peaks: Vec::new(),
        }))
    }

    /// The ensemble.
    pub(super) fn fit(
        &mut self,
        context: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let (members, seed) = (self.members.clone(), context.seed);
        fit_members(
            &members,
            context,
            &mut |member, progress| match self.trained(member) {
                Some(model) => Ok(model),
                None => self.train(member, seed, progress),
            },
        )
    }

    /// What the fits of the members took that the run had trained before.
    pub(super) fn trained_before(&self) -> Timing {
        self.trained_before
    }

    /// Whoever trains an ensemble needs the memory of each of its members.
    pub(super) fn add_memory(&self, costs: &mut Costs) {
        let peaks = || self.peaks.iter().copied();
        costs.peak_rss_bytes = costs.peak_rss_bytes.into_iter().chain(peaks()).max();
        let own = costs.fit_peak_rss_bytes;
        costs.fit_peak_rss_bytes = own.and_then(|own| peaks().chain([own]).max());
    }

    /// The model of a trial of this run that is the same as the member's would be.
    fn trained(&mut self, member: &Member) -> Option<Box<dyn FittedModel>> {
        let is_same = |other: &TrialSpec| {
            let wanted = TrialSpec {
                model: other.model.clone(),
                spec: member.spec.clone(),
                robustness: other.robustness.clone(),
                importance: other.importance,
                ..self.trial.clone()
            };
            wanted == *other
        };
        let planned = self.plan.iter().find(|planned| is_same(&planned.trial))?;
        let record = self.run.record(&planned.id).ok().flatten()?;
        let measured = record.measured()?;
        let SaveName { dataset, model } = planned.save_as.as_ref()?;
        let fingerprint = &self.trial.data.fingerprint;
        let folder =
            bakeoff_store::of_trial(self.models, dataset, fingerprint, model, &planned.id)?;
        let loaded = bakeoff_store::load_as_fitted(&folder, bakeoff_zoo::family).ok()?;
        self.count(measured);
        Some(loaded.model)
    }

    fn count(&mut self, measured: &Measured) {
        let costs = &measured.costs;
        self.trained_before.wall_ns += costs.fit_ns;
        let cpu = self.trained_before.cpu_ns.zip(costs.fit_cpu_ns);
        self.trained_before.cpu_ns = cpu.map(|(before, own)| before + own);
        self.peaks.extend(costs.fit_peak_rss_bytes);
    }

    fn train(
        &self,
        member: &Member,
        seed: u64,
        progress: &mut dyn FnMut(&FitEvent) -> ControlFlow<()>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let uses_validation = member.uses_validation();
        let (train, validation) = self.given.clone().parts(self.trial, uses_validation);
        let mut context = FitContext {
            seed,
            validation: validation.as_ref().filter(|_| uses_validation),
            progress,
        };
        bakeoff_zoo::build(&member.spec)?.fit(&train, &mut context)
    }
}
