//! What the tests of the family share.
// Each test binary uses its own part of this; clippy knows only functions marked as
// tests for tests.
#![allow(dead_code, clippy::unwrap_used)]

use std::{collections::HashMap, ops::ControlFlow};

use bakeoff_core::{
    Classifier, FitContext, FitError, FitEvent, FitSummary, FittedModel, ImageShape, Images,
    ModelHeader, ModelReader, ModelSpec, ModelWriter, Samples, Settings, StoreError, TensorData,
};
use bakeoff_logistic::FAMILY;
use serde_json::Value;

/// The names of all engines.
pub(crate) fn engines() -> impl Iterator<Item = &'static str> {
    FAMILY.engines.iter().map(|engine| engine.name)
}

/// A resolved spec; `settings` is a JSON object.
pub(crate) fn spec(engine: &str, settings: &Value) -> ModelSpec {
    let given: Settings = settings.as_object().unwrap().clone().into_iter().collect();
    FAMILY.resolve(Some(engine), &given).unwrap()
}

pub(crate) fn recipe(engine: &str, settings: &Value) -> Box<dyn Classifier> {
    FAMILY.build(&spec(engine, settings)).unwrap()
}

/// A fitted model and what was told of its fit.
pub(crate) struct Fitted {
    pub(crate) model: Box<dyn FittedModel>,
    pub(crate) events: Vec<FitEvent>,
}

impl Fitted {
    pub(crate) fn summary(&self) -> &FitSummary {
        match self.events.last() {
            Some(FitEvent::Finished(summary)) => summary,
            other => panic!("the last event is {other:?}"),
        }
    }
}

pub(crate) fn fit(recipe: &dyn Classifier, train: &Samples) -> Result<Fitted, FitError> {
    let mut events = Vec::new();
    let model = recipe.fit(
        train,
        &mut FitContext {
            seed: 7,
            validation: None,
            progress: &mut |event| {
                events.push(event.clone());
                ControlFlow::Continue(())
            },
        },
    )?;
    Ok(Fitted { model, events })
}

/// The same in a pool of so many threads.
pub(crate) fn fit_with(threads: usize, recipe: &dyn Classifier, train: &Samples) -> Fitted {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(|| fit(recipe, train).unwrap())
}

pub(crate) fn bits(model: &dyn FittedModel, images: &Images) -> Vec<u32> {
    let probabilities = model.predict_proba(images).unwrap();
    probabilities.values().iter().map(|p| p.to_bits()).collect()
}

/// Labelled images of `shape` in `classes` classes.
pub(crate) fn samples(
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u16>,
    classes: usize,
) -> Samples {
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    Samples::new(Images::new(shape, pixels).unwrap(), labels, names).unwrap()
}

/// A saved model in memory, checked as a file would be.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) HashMap<String, (Vec<usize>, Vec<f32>)>);

impl ModelWriter for Memory {
    fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        data: TensorData<'_>,
    ) -> Result<(), StoreError> {
        let TensorData::F32(values) = data else {
            return Err(StoreError::Inconsistent(format!("{name} is not f32")));
        };
        assert_eq!(shape.iter().product::<usize>(), values.len());
        let before = self.0.insert(name.into(), (shape.into(), values.into()));
        assert!(before.is_none(), "{name} is written twice");
        Ok(())
    }
}

impl ModelReader for Memory {
    fn shape(&mut self, name: &str) -> Result<Vec<usize>, StoreError> {
        let missing = || StoreError::Missing { name: name.into() };
        self.0.get(name).map(|t| t.0.clone()).ok_or_else(missing)
    }

    fn f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, StoreError> {
        let stored = self.shape(name)?;
        if stored != shape {
            return Err(StoreError::Tensor {
                name: name.into(),
                got: format!("{stored:?}"),
                expected: format!("{shape:?}"),
            });
        }
        let values = self.0[name].1.clone();
        assert!(values.iter().all(|value| value.is_finite()));
        Ok(values)
    }

    fn u8(&mut self, name: &str, _: &[usize]) -> Result<std::borrow::Cow<'_, [u8]>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }

    fn u16(&mut self, name: &str, _: &[usize]) -> Result<Vec<u16>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }

    fn u32(&mut self, name: &str, _: &[usize]) -> Result<Vec<u32>, StoreError> {
        Err(StoreError::Missing { name: name.into() })
    }
}

pub(crate) fn header(model: &dyn FittedModel) -> ModelHeader {
    ModelHeader {
        input_shape: model.input_shape(),
        classes: model.classes(),
    }
}
