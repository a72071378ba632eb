//! The table of engines. A new engine is a module and a row.
//!
//! Engines find the same neighbours, so a row holds only what differs: the values of each
//! setting that the engine supports, the data that it refuses, and the function that prepares
//! the search.

mod library;
mod linfa_nn;
mod native;
mod smartcore;

use bakeoff_core::{DataShape, FitError, ImageShape, ModelSpec, SpecError};
use serde_json::Value;

use crate::{
    search::{BuildSearch, Progress, Search},
    settings::KnnSettings,
    tangent::Tangent,
};

/// One engine.
pub(crate) struct KnnEngine {
    /// Kebab-case name.
    pub(crate) name: &'static str,
    /// One line for people.
    pub(crate) summary: &'static str,
    /// Settings of which not every engine supports every value, each with those supported here.
    pub(crate) supports: &'static [(&'static str, &'static [&'static str])],
    /// Why the engine cannot be trained on such data, if it cannot.
    pub(crate) refuses: fn(&KnnSettings, &DataShape) -> Option<String>,
    /// Prepares the training images for the search.
    pub(crate) build: BuildSearch,
}

/// Every engine; the first is the default.
pub(crate) static ENGINES: [KnnEngine; 3] = [
    KnnEngine {
        name: "native",
        summary: "exact distances in whole numbers (l2, l1, cosine), in blocks, with the widest \
                  instructions the processor has",
        supports: &[("index", &["linear"]), ("metric", &["l2", "l1", "cosine"])],
        refuses: native::refuses,
        build: native::build,
    },
    KnnEngine {
        name: linfa_nn::NAME,
        summary: "the linear, k-d tree and ball tree search of linfa-nn (l2, l1), in 64-bit floats",
        supports: &[
            ("index", &["linear", "kd-tree", "ball-tree"]),
            ("metric", &["l2", "l1"]),
        ],
        refuses: |_, _| None,
        build: linfa_nn::build,
    },
    KnnEngine {
        name: smartcore::NAME,
        summary: "the linear and cover tree search of smartcore (l2, l1)",
        supports: &[
            ("index", &["linear", "cover-tree"]),
            ("metric", &["l2", "l1"]),
        ],
        refuses: smartcore::refuses,
        build: smartcore::build,
    },
];

impl KnnEngine {
    /// Reads the engine and the settings of a resolved spec, and refuses by name what the
    /// engine does not support.
    pub(crate) fn of(spec: &ModelSpec) -> Result<(&'static Self, KnnSettings), SpecError> {
        let names = |engines: &mut dyn Iterator<Item = &Self>| -> Vec<String> {
            engines.map(|engine| engine.name.to_owned()).collect()
        };
        let engine = ENGINES.iter().find(|engine| engine.name == spec.engine);
        let engine = engine.ok_or_else(|| SpecError::UnknownEngine {
            family: spec.family.clone(),
            engine: spec.engine.clone(),
            allowed: names(&mut ENGINES.iter()),
        })?;
        let settings = spec.settings()?;
        for (key, words) in engine.supports {
            let word = spec.settings.get(*key).and_then(Value::as_str);
            let word = word.unwrap_or_default();
            if !words.contains(&word) {
                let others = names(&mut ENGINES.iter().filter(|other| other.supports(key, word)));
                let (words, others) = (words.join("` or `"), others.join("` or `"));
                let remedy = format!("choose `{words}`, or engine `{others}`");
                return Err(spec.unsupported(key, remedy));
            }
        }
        Ok((engine, settings))
    }

    /// Prepares training images for the search, and for the tangent distance behind it.
    pub(crate) fn prepare(
        &self,
        rows: &[u8],
        shape: ImageShape,
        settings: &KnnSettings,
        progress: &mut Progress<'_>,
    ) -> Result<Box<dyn Search>, FitError> {
        let search = (self.build)(rows, shape.pixels(), settings, progress)?;
        Ok(match settings.tangent {
            0 => search,
            shortlist => Box::new(Tangent {
                search,
                rows: rows.to_vec(),
                shape,
                shortlist,
            }),
        })
    }

    fn supports(&self, key: &str, word: &str) -> bool {
        let mut restricted = self.supports.iter().filter(|(name, _)| *name == key);
        restricted.all(|(_, words)| words.contains(&word))
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{SettingKind, Settings};
    use serde_json::json;

    use super::*;
    use crate::FAMILY;

    fn refusal(engine: &str, given: Value) -> String {
        let given: Settings = given
            .as_object()
            .map(|object| object.clone().into_iter().collect())
            .unwrap_or_default();
        FAMILY
            .resolve(Some(engine), &given)
            .and_then(|spec| KnnEngine::of(&spec).map(|_| ()))
            .map_or_else(|error| error.to_string(), |()| "accepted".into())
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
             choose `linear`, or engine `linfa-nn`"
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

    #[test]
    fn every_word_of_the_table_is_a_value_of_its_setting_and_the_other_way_round() {
        for key in ["index", "metric"] {
            let setting = FAMILY.settings().find(|setting| setting.key == key);
            let Some(SettingKind::Choice(allowed)) = setting.map(|setting| setting.kind) else {
                panic!("{key} is no choice");
            };
            let rows = ENGINES.iter().flat_map(|engine| engine.supports);
            let rows = rows.filter(|(name, _)| *name == key);
            let mut words: Vec<&str> = rows.flat_map(|(_, words)| *words).copied().collect();
            assert!(words.iter().all(|word| allowed.contains(word)), "{words:?}");
            words.sort_unstable();
            words.dedup();
            assert_eq!(
                words.len(),
                allowed.len(),
                "{key}: some value has no engine"
            );
        }
    }
}
