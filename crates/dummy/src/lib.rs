//! Baselines that ignore the image: every model must be better to have learned anything.
//!
//! Strategies and their names are those of scikit-learn's `DummyClassifier`. Its default,
//! `prior`, has the lowest log loss that is possible without the image.
//!
//! Rejected: a baseline that every report computes itself. As a family it is measured, saved
//! and listed like any other model.

use bakeoff_core::{
    Classifier, Engine, EngineCode, Family, FitContext, FitError, FitEvent, FitSummary,
    FittedModel, ImageShape, Images, ModelHeader, ModelReader, ModelSpec, ModelWriter, Origin,
    PredictError, Probabilities, Samples, SpecError, StepUnit, StoreError, TensorData, derive_seed,
};
use sha2::{Digest, Sha256};

/// Baselines that ignore the image, for the registry.
pub static FAMILY: Family = Family {
    name: "dummy",
    title: "Baseline that ignores the image",
    summary: "answers with how often each class occurs, whatever the image; every model must be better",
    engines: &[Engine {
        name: "native",
        summary: "counts the classes",
        deterministic: true,
        code: Some(EngineCode {
            build: |spec| {
                let (spec, strategy) = (spec.clone(), strategy(spec)?);
                Ok(Box::new(Dummy { spec, strategy }))
            },
            load: |spec, header, reader| Ok(Box::new(FittedDummy::load(spec, header, reader)?)),
        }),
    }],
    settings: &[DummySettings::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |spec| matches!(strategy(spec), Ok(Strategy::Stratified)),
    is_baseline: true,
    origin: Origin::Family,
    features: None,
};

bakeoff_core::settings! {
    /// The settings of the family.
    struct DummySettings {
        strategy: Strategy = "prior", Strategy::KIND,
            "prior: the share of each class; most-frequent: always the largest class, with \
             certainty; stratified: one class with certainty, drawn by those shares; uniform: \
             the same share for every class";
    }
}

bakeoff_core::choices! {
    /// How the answer is chosen.
    enum Strategy {
        /// The share of each class in the training data.
        Prior = "prior",
        /// The largest class.
        MostFrequent = "most-frequent",
        /// One class, drawn by the shares.
        Stratified = "stratified",
        /// The same share for every class.
        Uniform = "uniform",
    }
}

fn strategy(spec: &ModelSpec) -> Result<Strategy, SpecError> {
    Ok(spec.settings::<DummySettings>()?.strategy)
}

/// The recipe.
struct Dummy {
    spec: ModelSpec,
    strategy: Strategy,
}

impl Classifier for Dummy {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        if train.is_empty() {
            return Err(FitError::Data("there are no training images".into()));
        }
        let total = train.len() as u64;
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Sample,
            total: Some(total),
        })?;
        let counts = train.class_counts();
        // The lowest index among equals, as in all families.
        let largest = (0..counts.len())
            .rev()
            .max_by_key(|&class| counts[class])
            .unwrap_or_default();
        let probabilities = match self.strategy {
            Strategy::Prior | Strategy::Stratified => counts
                .iter()
                .map(|&count| (count as f64 / total as f64) as f32)
                .collect(),
            Strategy::MostFrequent => (0..counts.len())
                .map(|class| f32::from(u8::from(class == largest)))
                .collect(),
            Strategy::Uniform => vec![(1.0 / counts.len() as f64) as f32; counts.len()],
        };
        ctx.emit(&FitEvent::Progress {
            samples: total,
            total,
        })?;
        ctx.emit(&FitEvent::Finished(FitSummary::default()))?;
        Ok(Box::new(FittedDummy {
            shape: train.images().shape(),
            probabilities,
            seed: derive_seed(ctx.seed, "dummy"),
            strategy: self.strategy,
        }))
    }
}

/// The probabilities of every image, or those that classes are drawn by.
struct FittedDummy {
    shape: ImageShape,
    probabilities: Vec<f32>,
    seed: u64,
    strategy: Strategy,
}

impl FittedDummy {
    fn load(
        spec: &ModelSpec,
        header: &ModelHeader,
        reader: &mut dyn ModelReader,
    ) -> Result<Self, StoreError> {
        let strategy = strategy(spec)
            .map_err(|error| StoreError::Inconsistent(format!("settings: {error}")))?;
        let probabilities = reader.f32("probabilities", &[header.classes])?;
        Probabilities::new(header.classes, probabilities.clone())
            .map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        let bytes = reader.u8("seed", &[8])?;
        let mut seed = [0; 8];
        seed.copy_from_slice(&bytes);
        Ok(Self {
            shape: header.input_shape,
            probabilities,
            seed: u64::from_le_bytes(seed),
            strategy,
        })
    }

    /// A class drawn by the probabilities. The draw depends on the image's bytes, so that an
    /// image gets the same answer alone and in any batch.
    fn draw(&self, image: &[u8]) -> usize {
        let mut hasher = Sha256::new();
        hasher.update(self.seed.to_le_bytes());
        hasher.update(image);
        let hash = hasher.finalize();
        let first = u64::from_le_bytes(std::array::from_fn(|at| hash[at]));
        let mut left = (first >> 11) as f64 / (1_u64 << 53) as f64;
        for (class, &share) in self.probabilities.iter().enumerate() {
            left -= f64::from(share);
            if left < 0.0 {
                return class;
            }
        }
        // The sum of shares in 32 bits can be a little less than one.
        self.probabilities
            .iter()
            .rposition(|&share| share > 0.0)
            .unwrap_or_default()
    }
}

impl FittedModel for FittedDummy {
    fn input_shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        self.probabilities.len()
    }

    fn parameters(&self) -> u64 {
        self.probabilities.len() as u64
    }

    fn predict_proba(&self, images: &Images) -> Result<Probabilities, PredictError> {
        self.check_shape(images)?;
        let classes = self.classes();
        let values = match self.strategy {
            Strategy::Stratified => {
                let mut values = vec![0.0; images.len() * classes];
                for (row, image) in values.chunks_exact_mut(classes).zip(images.iter()) {
                    row[self.draw(image)] = 1.0;
                }
                values
            }
            _ => self.probabilities.repeat(images.len()),
        };
        Ok(Probabilities::new(classes, values)?)
    }

    fn save(&self, out: &mut dyn ModelWriter) -> Result<(), StoreError> {
        let shape = [self.probabilities.len()];
        out.tensor(
            "probabilities",
            &shape,
            TensorData::F32(&self.probabilities),
        )?;
        out.tensor("seed", &[8], TensorData::U8(&self.seed.to_le_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use bakeoff_core::Settings;
    use serde_json::json;

    use super::*;

    fn samples(labels: &[u16]) -> Samples {
        let pixels: Vec<u8> = (0..labels.len() as u32)
            .flat_map(u32::to_le_bytes)
            .collect();
        let images = Images::new(ImageShape::new(1, 2, 2), pixels).unwrap();
        Samples::new(images, labels, ["a", "b", "c"].map(String::from).to_vec()).unwrap()
    }

    fn fit(strategy: &str, train: &Samples) -> Box<dyn FittedModel> {
        let settings = Settings::from([("strategy".into(), json!(strategy))]);
        let spec = FAMILY.resolve(None, &settings).unwrap();
        let mut progress = |_: &FitEvent| ControlFlow::Continue(());
        let mut context = FitContext {
            seed: 1,
            validation: None,
            progress: &mut progress,
        };
        FAMILY
            .build(&spec)
            .unwrap()
            .fit(train, &mut context)
            .unwrap()
    }

    #[test]
    fn constant_strategies_answer_as_scikit_learn_does() {
        // DummyClassifier(strategy=...).fit(X, [0, 2, 2, 1]).predict_proba(X)[0]
        let train = samples(&[0, 2, 2, 1]);
        for (strategy, expected) in [
            ("prior", [0.25, 0.25, 0.5]),
            ("most-frequent", [0.0, 0.0, 1.0]),
            ("uniform", [1.0 / 3.0; 3]),
        ] {
            let answers = fit(strategy, &train).predict_proba(train.images()).unwrap();
            assert!(answers.rows().all(|row| row == expected), "{strategy}");
        }
    }

    #[test]
    fn equals_go_to_the_lowest_class() {
        let train = samples(&[1, 2, 2, 1]);
        let answers = fit("most-frequent", &train)
            .predict_proba(train.images())
            .unwrap();
        assert_eq!(answers.predicted(), [1; 4]);
    }

    #[test]
    fn stratified_draws_follow_the_shares_and_depend_on_the_image_only() {
        let labels = [0, 2, 2, 2].repeat(1000);
        let train = samples(&labels);
        let model = fit("stratified", &train);
        let answers = model.predict_proba(train.images()).unwrap().predicted();
        let share = |class| answers.iter().filter(|&&a| a == class).count() as f64 / 4000.0;
        // Three standard deviations of 4,000 draws are 0.02.
        assert!((share(0) - 0.25).abs() < 0.02, "{}", share(0));
        assert_eq!(share(1), 0.0);
        let alone = train.images().single(17).unwrap();
        assert_eq!(
            model.predict_proba(&alone).unwrap().predicted(),
            [answers[17]]
        );
        assert_eq!(
            answers,
            fit("stratified", &train)
                .predict_proba(train.images())
                .unwrap()
                .predicted()
        );
    }
}
