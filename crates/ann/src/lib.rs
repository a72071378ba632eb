//! The dense network: pixels, any number of hidden layers with ReLU and dropout, one
//! score per class.
//!
//! The default is 784–128–10 with dropout 0.2, TensorFlow's beginner example and the
//! network that most introductions to MNIST train. Training, engines and saved models
//! are `bakeoff-network`'s.

use bakeoff_core::{Family, ImageShape, ModelSpec, Origin, SettingKind, SpecError, settings};
use bakeoff_network::{DROPOUT_RATE, NetworkFamily, Step, Training, engines};

/// The family, for the registry.
pub static FAMILY: Family = Family {
    name: "ann",
    title: "Dense network",
    summary: "a multi-layer perceptron: every pixel feeds every unit of the first hidden layer",
    engines: &engines::<Architecture>(),
    settings: &[Architecture::TABLE, Training::TABLE],
    adapt: |_, _| {},
    uses_validation: true,
    varies_with_seed: |_| true,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};

settings! {
    struct Architecture {
        hidden: Vec<usize> = [128], SettingKind::IntList { min: 1, max: 65_536 },
            "units of each hidden layer; [] is softmax regression";
        dropout: f64 = 0.2, DROPOUT_RATE,
            "share of each hidden layer's values set to zero while training";
    }
}

impl NetworkFamily for Architecture {
    fn steps(spec: &ModelSpec, _: ImageShape) -> Result<Vec<Step>, SpecError> {
        let architecture: Self = spec.settings()?;
        let mut steps = Vec::new();
        for &units in &architecture.hidden {
            steps.push(Step::Dense { units });
            if architecture.dropout > 0.0 {
                steps.push(Step::Dropout {
                    rate: architecture.dropout,
                });
            }
        }
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use bakeoff_core::{DataShape, Settings};
    use serde_json::json;

    use super::*;

    fn steps(given: serde_json::Value) -> Vec<Step> {
        let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
        let spec = FAMILY.resolve(None, &given).unwrap();
        Architecture::steps(&spec, ImageShape::new(1, 28, 28)).unwrap()
    }

    #[test]
    fn the_default_is_the_beginners_example() {
        let expected = [Step::Dense { units: 128 }, Step::Dropout { rate: 0.2 }];
        assert_eq!(steps(json!({})), expected);
        let spec = FAMILY.resolve(None, &Settings::new()).unwrap();
        assert_eq!(spec.settings["batch_norm"], json!(false));
    }

    #[test]
    fn settings_shape_the_network() {
        let expected = [Step::Dense { units: 30 }, Step::Dense { units: 20 }];
        let given = json!({"hidden": [30, 20], "dropout": 0.0, "batch_norm": true});
        assert_eq!(steps(given), expected);
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
