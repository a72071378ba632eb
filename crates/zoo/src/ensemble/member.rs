//! The members of an ensemble, as its settings describe them.

use std::collections::BTreeMap;

use bakeoff_core::{Family, ModelSpec, Settings, SpecError, did_you_mean};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the family.
pub const ENSEMBLE: &str = "ensemble";

/// A recipe with its weight in an ensemble.
#[derive(Clone)]
pub struct Member {
    /// Its name in the experiment.
    pub name: String,
    /// Above 0; only the weights' proportions count.
    pub weight: f64,
    /// The recipe.
    pub spec: ModelSpec,
    pub(crate) family: &'static Family,
}

impl Member {
    /// A member.
    ///
    /// # Errors
    /// When there is no such family.
    pub fn new(name: &str, weight: f64, spec: ModelSpec) -> Result<Self, SpecError> {
        Ok(Self {
            name: name.to_owned(),
            weight,
            family: crate::family(&spec.family)?,
            spec,
        })
    }

    /// Whether its fit needs validation data, as [`Family::uses_validation`] says.
    pub fn uses_validation(&self) -> bool {
        self.family.uses_validation
    }
}

/// A member in the settings of an ensemble.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    family: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
    #[serde(default)]
    settings: Settings,
    #[serde(default = "one")]
    weight: f64,
}

fn one() -> f64 {
    1.0
}

/// The members of an ensemble in the order of their names; `None` for a spec of another family.
///
/// # Errors
/// When there are none, or one of them cannot be a member.
pub fn members(spec: &ModelSpec) -> Result<Option<Vec<Member>>, SpecError> {
    if spec.family != ENSEMBLE {
        return Ok(None);
    }
    let refused = |allowed: String| spec.bad_setting("members", allowed);
    let Some(Value::Object(entries)) = spec.settings.get("members") else {
        return Err(refused(
            "names of other models of the experiment, which only an experiment's file can \
             resolve, or a table of recipes"
                .into(),
        ));
    };
    if spec.settings.contains_key("weights") {
        let allowed = "one number for each name in `members`; in a table of recipes each has its own `weight`";
        return Err(spec.bad_setting("weights", allowed));
    }
    if entries.is_empty() {
        return Err(refused("at least one member".into()));
    }
    let member = |(name, value): (&String, &Value)| {
        let entry: Entry = serde_json::from_value(value.clone())
            .map_err(|error| refused(format!("a table of recipes, but `{name}`: {error}")))?;
        if !(entry.weight.is_finite() && entry.weight > 0.0) {
            return Err(refused(format!("weights above 0, also for `{name}`")));
        }
        let family = crate::family(&entry.family)?;
        if family.is_program() || family.is_trained_elsewhere() || family.name == ENSEMBLE {
            return Err(refused(format!(
                "models that are trained here; `{name}` is of family {}, which cannot be a member",
                family.name
            )));
        }
        Ok(Member {
            name: name.clone(),
            weight: entry.weight,
            spec: family.resolve(entry.engine.as_deref(), &entry.settings)?,
            family,
        })
    };
    entries
        .iter()
        .map(member)
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The settings of an ensemble with these members.
pub fn member_settings(members: &[Member]) -> Settings {
    let entry = |member: &Member| {
        let entry = Entry {
            family: member.spec.family.clone(),
            engine: Some(member.spec.engine.clone()),
            settings: member.spec.settings.clone(),
            weight: member.weight,
        };
        // Numbers that are finite and texts: it cannot fail.
        let value = serde_json::to_value(entry).unwrap_or_default();
        (member.name.clone(), value)
    };
    // In the order of the names, whatever the order of the keys of a table is.
    let entries: BTreeMap<String, Value> = members.iter().map(entry).collect();
    let table = Value::Object(entries.into_iter().collect());
    Settings::from([("members".to_owned(), table)])
}

/// Replaces the names of members by the recipes that `find` knows by these names, each with its weight; does
/// nothing to a spec of another family, or with recipes.
///
/// # Errors
/// When there is no such model, one is named twice, or there are not as many weights as members.
pub fn name_members(spec: &mut ModelSpec, known: &[(&str, &ModelSpec)]) -> Result<(), SpecError> {
    if spec.family != ENSEMBLE {
        return Ok(());
    }
    let Some(Value::Array(names)) = spec.settings.get("members") else {
        return Ok(());
    };
    let weights = spec.settings.get("weights").and_then(Value::as_array);
    if weights.is_some_and(|weights| weights.len() != names.len()) {
        let allowed = format!("as many numbers as there are members, {}", names.len());
        return Err(spec.bad_setting("weights", allowed));
    }
    let mut named: Vec<Member> = Vec::new();
    for (at, name) in names.iter().filter_map(Value::as_str).enumerate() {
        let found = known.iter().find(|(other, _)| *other == name);
        let Some((_, found)) = found else {
            let all: Vec<String> = known.iter().map(|(name, _)| (*name).to_owned()).collect();
            return Err(spec.bad_setting(
                "members",
                format!(
                    "names of other models of the experiment; there is no `{name}`{}, only: {}",
                    did_you_mean(name, &all),
                    all.join(", ")
                ),
            ));
        };
        if named.iter().any(|other| other.name == name) {
            let allowed =
                format!("different models, but `{name}` is named twice; give it a larger weight");
            return Err(spec.bad_setting("members", allowed));
        }
        let weight = weights.and_then(|weights| weights[at].as_f64());
        named.push(Member::new(name, weight.unwrap_or(1.0), (*found).clone())?);
    }
    spec.settings.remove("weights");
    spec.settings.extend(member_settings(&named));
    members(spec).map(drop)
}
