//! The convolutional network, with its layers as a setting.
//!
//! The default, `layers = "auto"`, follows from the size of the images (`adapt.rs` has the rule).
//! On MNIST it is Keras's example "Simple MNIST convnet" with a dense layer of 128 units before
//! its dropout of 0.5: two convolutions of 3×3 with ReLU and pooling. Without
//! dropout it learns the training digits by heart from the fifth epoch on: 0.9894 to 0.9914
//! of MNIST's test digits right (log loss 0.030), instead of 0.9911 to 0.9927 (0.023), over
//! two and four seeds. Training, engines and saved models are `bakeoff-network`'s.

mod adapt;
mod grammar;

use bakeoff_core::{Family, ImageShape, ModelSpec, Origin, SettingKind, SpecError, settings};
use bakeoff_network::{DROPOUT_RATE, NetworkFamily, Padding, Step, Training, engines};

/// The family, for the registry.
pub static FAMILY: Family = Family {
    name: "cnn",
    title: "Convolutional network",
    summary: "small learned filters slide over the image, pools shrink it, a dense layer decides",
    engines: &engines::<Architecture>(),
    settings: &[Architecture::TABLE, Training::TABLE],
    adapt: adapt::adapt,
    uses_validation: true,
    varies_with_seed: |_| true,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};

settings! {
    struct Architecture {
        layers: Vec<String> = "auto",
            SettingKind::TextListOr { grammar: grammar::IN_WORDS, word: adapt::AUTO },
            "the hidden layers in order; ReLU follows each conv and dense, the output layer comes by itself; auto: as many as the size of the images needs";
        padding: Padding = "valid", Padding::KIND,
            "valid: convolutions use whole windows only and shrink the image; same: zeros around it keep its size";
        dropout: f64 = 0.5, DROPOUT_RATE,
            "share of each hidden dense layer's values set to zero while training; `dropout RATE` among the layers puts it anywhere";
    }
}

impl NetworkFamily for Architecture {
    fn steps(spec: &ModelSpec, image: ImageShape) -> Result<Vec<Step>, SpecError> {
        let mut spec = spec.clone();
        adapt::adapt(&mut spec, image);
        let architecture: Self = spec.settings()?;
        let parsed = grammar::parse(&architecture.layers, architecture.padding)
            .map_err(|error| error.refusal(&spec.family))?;
        let mut steps = Vec::with_capacity(parsed.len());
        for step in parsed {
            steps.push(step);
            if architecture.dropout > 0.0 && matches!(step, Step::Dense { .. }) {
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

    fn spec(given: serde_json::Value) -> ModelSpec {
        let given: Settings = given.as_object().unwrap().clone().into_iter().collect();
        FAMILY.resolve(None, &given).unwrap()
    }

    fn steps(given: serde_json::Value) -> Vec<String> {
        let steps = Architecture::steps(&spec(given), ImageShape::new(1, 28, 28)).unwrap();
        steps.iter().map(Step::to_string).collect()
    }

    fn refusal(given: serde_json::Value) -> SpecError {
        FAMILY.build(&spec(given)).err().unwrap()
    }

    fn data(height: usize, width: usize) -> DataShape {
        DataShape {
            image: ImageShape::new(1, height, width),
            classes: 10,
            train: 100,
        }
    }

    #[test]
    fn the_default_is_the_keras_example_with_a_dense_layer() {
        let expected = [
            "conv 32 3x3",
            "max-pool 2",
            "conv 64 3x3",
            "max-pool 2",
            "dense 128",
            "dropout 0.5",
        ];
        assert_eq!(steps(json!({})), expected);
    }

    #[test]
    fn dropout_follows_each_hidden_dense_layer() {
        let given = json!({
            "layers": ["conv 2 3", "dense 8", "dense 4"], "dropout": 0.25, "padding": "same",
        });
        let expected = [
            "conv 2 3x3",
            "dense 8",
            "dropout 0.25",
            "dense 4",
            "dropout 0.25",
        ];
        assert_eq!(steps(given), expected);
    }

    #[test]
    fn a_mistake_in_the_layers_points_at_its_item() {
        let error = refusal(json!({"layers": ["conv 32 3", "maxpool 2"]}));
        assert_eq!(error.key(), Some("layers"));
        assert_eq!(
            error.to_string(),
            "setting `layers` of cnn is item 2 \"maxpool 2\"; allowed: max-pool SIZE [stride N] \
             (did you mean `max-pool`?)"
        );
    }

    #[test]
    fn pictures_too_small_for_the_layers_are_refused_by_layer() {
        let layers = [
            "conv 32 3",
            "max-pool 2",
            "conv 64 3",
            "max-pool 2",
            "dense 128",
        ];
        let classifier = FAMILY.build(&spec(json!({"layers": layers}))).unwrap();
        assert_eq!(classifier.check(&data(28, 28)), Ok(()));
        assert_eq!(classifier.check(&data(10, 10)), Ok(()));
        let reason = classifier.check(&data(28, 9)).unwrap_err().to_string();
        assert!(
            reason.contains("layer 4 (max-pool 2)") && reason.contains("gets 11×1"),
            "{reason}"
        );
        let same = FAMILY
            .build(&spec(json!({"layers": layers, "padding": "same"})))
            .unwrap();
        assert_eq!(same.check(&data(4, 4)), Ok(()));
    }
}
