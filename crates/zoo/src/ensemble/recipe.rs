//! The recipe of an ensemble: its fit trains its members one after the other.

use std::ops::ControlFlow;

use bakeoff_core::{
    Classifier, DataShape, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec,
    Samples, SpecError, StepUnit,
};

use super::{
    member::{Member, members},
    model::Ensemble,
};

struct Recipe {
    spec: ModelSpec,
    members: Vec<Member>,
}

pub(super) fn build(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
    let members = members(spec)?.unwrap_or_default();
    for member in &members {
        member.family.build(&member.spec)?;
    }
    Ok(Box::new(Recipe {
        spec: spec.clone(),
        members,
    }))
}

/// Trains one member, or finds it trained.
pub type FitMember<'a> = dyn FnMut(
        &Member,
        &mut dyn FnMut(&FitEvent) -> ControlFlow<()>,
    ) -> Result<Box<dyn FittedModel>, FitError>
    + 'a;

/// Fits an ensemble, where each member comes from `fit`.
///
/// # Errors
/// The first error of a member, or [`FitError::Cancelled`].
pub fn fit_members(
    members: &[Member],
    ctx: &mut FitContext<'_>,
    fit: &mut FitMember<'_>,
) -> Result<Box<dyn FittedModel>, FitError> {
    let total = members.len() as u64;
    ctx.emit(&FitEvent::Started {
        unit: StepUnit::Member,
        total: Some(total),
    })?;
    let mut fitted = Vec::with_capacity(members.len());
    for (samples, member) in (0..).zip(members) {
        // The steps within a member are none of the ensemble, but may cancel it.
        let mut progress = |_: &FitEvent| (ctx.progress)(&FitEvent::Progress { samples, total });
        fitted.push((member.weight, fit(member, &mut progress)?));
    }
    ctx.emit(&FitEvent::Progress {
        samples: total,
        total,
    })?;
    ctx.emit(&FitEvent::Finished(FitSummary::default()))?;
    Ok(Box::new(Ensemble { members: fitted }))
}

impl Classifier for Recipe {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn check(&self, data: &DataShape) -> Result<(), SpecError> {
        let mut each = self.members.iter();
        each.try_for_each(|member| member.family.build(&member.spec)?.check(data))
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        let seed = ctx.seed;
        fit_members(&self.members, ctx, &mut |member, progress| {
            let mut own = FitContext {
                seed,
                validation: None,
                progress,
            };
            member.family.build(&member.spec)?.fit(train, &mut own)
        })
    }
}
