//! The dense network: pixels, any number of hidden layers with ReLU and dropout, one
//! score per class.
//!
//! The default is 784–128–10 with dropout 0.2, TensorFlow's beginner example and the
//! network that most introductions to MNIST train. Training, engines and saved models
//! are `bakeoff-network`'s.

use bakeoff_core::{
    Classifier, EngineCode, Family, FittedModel, ModelHeader, ModelReader, ModelSpec, Setting,
    SettingKind, SpecError, StoreError,
};
use bakeoff_network::{
    BATCH_NORM_SETTING, Blueprint, NetworkClassifier, Step, TRAINING_SETTINGS, dropout_setting,
    engines,
};
use serde::Deserialize;
use serde_json::json;

/// The family, for the registry.
pub static FAMILY: Family = Family {
    name: "ann",
    title: "Dense network",
    summary: "a multi-layer perceptron: every pixel feeds every unit of the first hidden layer",
    engines: &engines(EngineCode { build, load }),
    settings: &[&OWN, &TRAINING_SETTINGS],
    uses_validation: true,
    is_baseline: false,
};

const OWN: [Setting; 3] = [
    Setting {
        key: "hidden",
        kind: SettingKind::IntList {
            min: 1,
            max: 65_536,
        },
        default: || json!([128]),
        help: "units of each hidden layer; [] is softmax regression",
    },
    dropout_setting(
        || json!(0.2),
        "share of each hidden layer's values set to zero while training",
    ),
    BATCH_NORM_SETTING,
];

#[derive(Deserialize)]
struct Architecture {
    hidden: Vec<usize>,
    dropout: f64,
    batch_norm: bool,
}

impl Architecture {
    fn blueprint(&self) -> Blueprint {
        let mut steps = Vec::new();
        for &units in &self.hidden {
            steps.push(Step::Dense { units });
            if self.dropout > 0.0 {
                steps.push(Step::Dropout { rate: self.dropout });
            }
        }
        Blueprint {
            steps,
            batch_norm: self.batch_norm,
        }
    }
}

fn recipe(spec: &ModelSpec) -> Result<NetworkClassifier, SpecError> {
    let architecture: Architecture = spec.settings()?;
    NetworkClassifier::new(spec, architecture.blueprint())
}

fn build(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
    Ok(Box::new(recipe(spec)?))
}

fn load(
    spec: &ModelSpec,
    header: &ModelHeader,
    reader: &mut dyn ModelReader,
) -> Result<Box<dyn FittedModel>, StoreError> {
    recipe(spec)
        .map_err(|error| StoreError::Inconsistent(error.to_string()))?
        .load(header, reader)
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{DataShape, ImageShape, Settings};

    use super::*;

    fn blueprint(given: serde_json::Value) -> Blueprint {
        let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
        let spec = FAMILY.resolve(None, &given).unwrap();
        spec.settings::<Architecture>().unwrap().blueprint()
    }

    #[test]
    fn the_default_is_the_beginners_example() {
        let expected = Blueprint {
            steps: vec![Step::Dense { units: 128 }, Step::Dropout { rate: 0.2 }],
            batch_norm: false,
        };
        assert_eq!(blueprint(json!({})), expected);
    }

    #[test]
    fn settings_shape_the_network() {
        let expected = Blueprint {
            steps: vec![Step::Dense { units: 30 }, Step::Dense { units: 20 }],
            batch_norm: true,
        };
        let given = json!({"hidden": [30, 20], "dropout": 0.0, "batch_norm": true});
        assert_eq!(blueprint(given), expected);
    }

    #[test]
    fn any_picture_fits_and_every_engine_builds() {
        let data = DataShape {
            image: ImageShape::new(3, 1, 2),
            classes: 2,
            train: 10,
        };
        for engine in FAMILY.engines.iter().filter(|engine| engine.code.is_some()) {
            let spec = FAMILY.resolve(Some(engine.name), &Settings::new()).unwrap();
            let classifier = FAMILY.build(&spec).unwrap();
            assert_eq!(classifier.check(&data), Ok(()));
            assert_eq!(classifier.spec(), spec);
        }
    }

    #[test]
    fn contradicting_settings_are_refused_when_built() {
        let given: Settings = [
            ("patience".into(), json!(3)),
            ("keep".into(), json!("last")),
        ]
        .into();
        let spec = FAMILY.resolve(None, &given).unwrap();
        let refusal = FAMILY.build(&spec).err().unwrap();
        assert_eq!(refusal.key(), Some("keep"));
    }
}
