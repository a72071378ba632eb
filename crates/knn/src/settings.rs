//! The settings of the family as types, and what each engine refuses.

use bakeoff_core::{ModelSpec, SpecError};
use serde::Deserialize;

use crate::family::{LINFA_NN, NATIVE, SMARTCORE};

/// How far two pictures are apart. Pixels count as whole numbers from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Euclidean: the root of the sum of squared differences.
    L2,
    /// Manhattan: the sum of absolute differences.
    L1,
    /// One minus the cosine of the angle between the pictures as vectors. A picture
    /// that is black all over has no angle; its distance to any other is 1, as in scikit-learn.
    Cosine,
}

/// How much the vote of a neighbour counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// One vote each.
    Uniform,
    /// 1/distance. Neighbours at distance 0, where there are any, share all votes.
    Distance,
}

/// How the training pictures are arranged for the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IndexKind {
    /// Every training picture is looked at.
    Linear,
    /// A tree of boxes.
    KdTree,
    /// A tree of balls.
    BallTree,
    /// A cover tree.
    CoverTree,
}

/// The settings of the family, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct KnnSettings {
    /// How many neighbours vote, from 1.
    pub k: usize,
    /// How much each vote counts.
    pub weights: Weights,
    /// What "near" means.
    pub metric: Metric,
    /// How the search is arranged.
    pub index: IndexKind,
}

impl KnnSettings {
    /// Reads the settings from a resolved spec and refuses what its engine cannot do.
    ///
    /// # Errors
    /// [`SpecError::Setting`] where a setting is missing or of another type,
    /// [`SpecError::Unsupported`] where the engine cannot do it.
    pub fn from_spec(spec: &ModelSpec) -> Result<Self, SpecError> {
        let settings: Self = spec.settings()?;
        if settings.k == 0 {
            return Err(spec.bad_setting("k", "a whole number from 1"));
        }
        let (indices, metrics): (&[IndexKind], &[Metric]) = match spec.engine.as_str() {
            NATIVE => (
                &[IndexKind::Linear],
                &[Metric::L2, Metric::L1, Metric::Cosine],
            ),
            LINFA_NN => (
                &[IndexKind::Linear, IndexKind::KdTree, IndexKind::BallTree],
                &[Metric::L2, Metric::L1],
            ),
            SMARTCORE => (
                &[IndexKind::Linear, IndexKind::CoverTree],
                &[Metric::L2, Metric::L1],
            ),
            _ => (&[], &[]),
        };
        if !indices.contains(&settings.index) {
            let remedy = match settings.index {
                IndexKind::Linear => "choose another engine".to_owned(),
                IndexKind::KdTree | IndexKind::BallTree => {
                    format!("leave `index` out, or choose engine `{LINFA_NN}`")
                }
                IndexKind::CoverTree => {
                    format!("leave `index` out, or choose engine `{SMARTCORE}`")
                }
            };
            return Err(spec.unsupported("index", remedy));
        }
        if !metrics.contains(&settings.metric) {
            return Err(spec.unsupported(
                "metric",
                format!("choose `l2` or `l1`, or engine `{NATIVE}`"),
            ));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Settings;
    use serde_json::{Value, json};

    use super::*;
    use crate::FAMILY;

    fn refusal(engine: &str, given: Value) -> String {
        let given: Settings = given
            .as_object()
            .map(|object| object.clone().into_iter().collect())
            .unwrap_or_default();
        FAMILY
            .resolve(Some(engine), &given)
            .and_then(|spec| KnnSettings::from_spec(&spec))
            .map_or_else(|error| error.to_string(), |_| "accepted".into())
    }

    #[test]
    fn defaults_do_for_every_engine() {
        for engine in FAMILY.engines {
            assert_eq!(refusal(engine.name, json!({})), "accepted", "{engine:?}");
        }
    }

    #[test]
    fn what_an_engine_cannot_do_is_refused_by_name_with_a_remedy() {
        assert_eq!(
            refusal("native", json!({"index": "kd-tree"})),
            "engine `native` of knn cannot do `index = \"kd-tree\"`: \
             leave `index` out, or choose engine `linfa-nn`"
        );
        assert_eq!(
            refusal("linfa-nn", json!({"metric": "cosine"})),
            "engine `linfa-nn` of knn cannot do `metric = \"cosine\"`: \
             choose `l2` or `l1`, or engine `native`"
        );
        assert!(refusal("smartcore", json!({"index": "ball-tree"})).contains("`linfa-nn`"));
        assert!(refusal("linfa-nn", json!({"index": "cover-tree"})).contains("`smartcore`"));
        assert_eq!(
            refusal("smartcore", json!({"index": "cover-tree", "metric": "l1"})),
            "accepted"
        );
    }

    #[test]
    fn values_out_of_range_are_refused() {
        assert!(refusal("native", json!({"k": 0})).contains("a whole number from 1"));
        assert!(refusal("native", json!({"weights": "gaussian"})).contains("uniform, distance"));
        assert!(refusal("native", json!({"metric": "l3"})).contains("l2, l1, cosine"));
    }
}
