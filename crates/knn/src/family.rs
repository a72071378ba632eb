//! The entry of the family in the registry.

use bakeoff_core::{Engine, EngineCode, Family, Origin};

use crate::{engines::ENGINES, model::KnnModel, recipe::Knn, settings::KnnSettings};

/// k nearest neighbours, for the registry.
pub static FAMILY: Family = Family {
    name: "knn",
    title: "k nearest neighbours",
    summary: "the labels of the most similar training images vote; nothing is trained",
    engines: &ROWS,
    settings: &[KnnSettings::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| false,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};

/// The table of engines as the registry knows it.
static ROWS: [Engine; ENGINES.len()] = {
    let mut rows = [Engine {
        name: "",
        summary: "",
        deterministic: true,
        code: Some(EngineCode {
            build: |spec| Ok(Box::new(Knn::new(spec)?)),
            load: |spec, header, reader| Ok(Box::new(KnnModel::load(spec, header, reader)?)),
        }),
    }; ENGINES.len()];
    let mut at = 0;
    while at < ENGINES.len() {
        rows[at].name = ENGINES[at].name;
        rows[at].summary = ENGINES[at].summary;
        at += 1;
    }
    rows
};
