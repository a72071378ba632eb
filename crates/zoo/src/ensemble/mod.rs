//! Ensembles: models whose probabilities are averaged, each with a weight.
//!
//! It is a family like any other, whose settings hold whole recipes. It lies in the registry
//! because it is the one family that must know all the others.

mod member;
mod model;
mod recipe;

use bakeoff_core::{Engine, EngineCode, Family, Origin, Setting, SettingKind, StoreError};
use serde_json::json;

pub use member::{ENSEMBLE, Member, member_settings, members, name_members};
pub use recipe::{FitMember, fit_members};

const SETTINGS: &[Setting] = &[
    Setting {
        key: "members",
        kind: SettingKind::Recipes,
        default: || json!({"logistic": {"family": "logistic"}, "knn": {"family": "knn"}}),
        help: "Its members: names of other models of the experiment.",
        omitted: false,
    },
    Setting {
        key: "weights",
        kind: SettingKind::FloatList { min: 0.0, max: 1e6 },
        default: || json!([]),
        help: "The weight of each member, in the same order; equal if left out.",
        omitted: true,
    },
];

pub(crate) static FAMILY: Family = Family {
    name: ENSEMBLE,
    title: "ensemble",
    summary: "the mean of other models' probabilities, with weights",
    engines: &[Engine {
        name: "native",
        summary: "trains its members, or takes those that the run has trained already",
        deterministic: true,
        code: Some(EngineCode {
            build: recipe::build,
            load: |spec, header, reader| {
                let members = members(spec)
                    .map_err(|error| StoreError::Inconsistent(error.to_string()))?
                    .unwrap_or_default();
                model::Ensemble::load(&members, header, reader)
            },
        }),
    }],
    settings: &[SETTINGS],
    adapt: |spec, image| {
        // What cannot be read is refused where the recipe is built.
        if let Ok(Some(mut members)) = members(spec) {
            for member in &mut members {
                member.family.adapt_to(&mut member.spec, image);
            }
            spec.settings.extend(member_settings(&members));
        }
    },
    uses_validation: false,
    varies_with_seed: |spec| {
        let members = members(spec).ok().flatten().unwrap_or_default();
        let varies = |member: &Member| {
            member.family.uses_validation || (member.family.varies_with_seed)(&member.spec)
        };
        members.iter().any(varies)
    },
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};

#[cfg(test)]
mod tests;
