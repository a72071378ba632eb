//! What the family says of itself to the registry.

use bakeoff_core::{
    Classifier, Engine, EngineCode, Family, FittedModel, ModelHeader, ModelReader, ModelSpec,
    Setting, SettingKind, SpecError, StoreError,
};
use serde_json::json;

use crate::{classifier::Knn, model::KnnModel};

/// The engine of this crate.
pub(crate) const NATIVE: &str = "native";
/// The search of linfa-nn.
pub(crate) const LINFA_NN: &str = "linfa-nn";
/// The search of smartcore.
pub(crate) const SMARTCORE: &str = "smartcore";

/// k nearest neighbours, for the registry.
pub static FAMILY: Family = Family {
    name: "knn",
    title: "k nearest neighbours",
    summary: "the labels of the most similar training pictures vote; nothing is trained",
    engines: &[
        Engine {
            name: NATIVE,
            summary: "exact integer distances in blocks, with the widest instructions the processor has",
            deterministic: true,
            code: CODE,
        },
        Engine {
            name: LINFA_NN,
            summary: "the linear, k-d tree and ball tree search of linfa-nn, in 64-bit floats",
            deterministic: true,
            code: CODE,
        },
        Engine {
            name: SMARTCORE,
            summary: "the linear and cover tree search of smartcore",
            deterministic: true,
            code: CODE,
        },
    ],
    settings: &[&[
        Setting {
            key: "k",
            kind: SettingKind::Int {
                min: 1,
                max: i64::MAX,
            },
            default: || json!(3),
            help: "how many neighbours vote; at most the number of training pictures",
        },
        Setting {
            key: "weights",
            kind: SettingKind::Choice(&["uniform", "distance"]),
            default: || json!("uniform"),
            help: "one vote each, or 1/distance each (neighbours at distance 0 share all votes)",
        },
        Setting {
            key: "metric",
            kind: SettingKind::Choice(&["l2", "l1", "cosine"]),
            default: || json!("l2"),
            help: "Euclidean, Manhattan or cosine distance between pixels (cosine: native only)",
        },
        Setting {
            key: "index",
            kind: SettingKind::Choice(&["linear", "kd-tree", "ball-tree", "cover-tree"]),
            default: || json!("linear"),
            help: "how the search is arranged: linear (every engine), kd-tree and ball-tree \
                   (linfa-nn), cover-tree (smartcore); neighbours are the same, only time differs",
        },
    ]],
    uses_validation: false,
    is_baseline: false,
};

const CODE: Option<EngineCode> = Some(EngineCode { build, load });

fn build(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
    Ok(Box::new(Knn::new(spec)?))
}

fn load(
    spec: &ModelSpec,
    header: &ModelHeader,
    reader: &mut dyn ModelReader,
) -> Result<Box<dyn FittedModel>, StoreError> {
    Ok(Box::new(KnnModel::load(spec, header, reader)?))
}
