//! Example images to try: some of a built-in dataset's test part, which no model was
//! trained on.

use std::sync::OnceLock;

use bakeoff_ask::Models;
use bakeoff_core::ImageShape;
use bakeoff_data::builtins;
use serde::Serialize;

use crate::{corrections::base_dataset, problem::Problem};

/// Examples of each class.
const PER_CLASS: usize = 2;

/// An image to try.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Example {
    /// The dataset whose test part it is from.
    dataset: String,
    /// Its position there, from 0.
    index: usize,
    /// The name of the class it shows.
    class: String,
    /// Its shape.
    shape: ImageShape,
    /// Its grey levels; they can be sent as `pixels`.
    pixels: Vec<u8>,
}

/// The examples of every built-in dataset; unpacked when they are first asked for.
#[derive(Default)]
pub(crate) struct Examples {
    all: OnceLock<Result<Vec<Example>, String>>,
}

impl Examples {
    /// Those of the datasets that the models were trained on.
    ///
    /// # Errors
    /// Only when the program itself is damaged.
    pub(crate) fn fitting(&self, models: &Models) -> Result<Vec<Example>, Problem> {
        let all = self
            .all
            .get_or_init(unpack)
            .as_ref()
            .map_err(Problem::internal)?;
        let known = |dataset: &str| {
            models
                .ready
                .iter()
                .any(|model| base_dataset(&model.saved.manifest.facts.dataset) == dataset)
        };
        Ok(all
            .iter()
            .filter(|example| known(&example.dataset))
            .cloned()
            .collect())
    }
}

fn unpack() -> Result<Vec<Example>, String> {
    let mut examples = Vec::new();
    for builtin in builtins() {
        let dataset = builtin.open().map_err(|error| error.to_string())?;
        let test = dataset.test();
        for (class, name) in test.class_names().iter().enumerate() {
            let of_class = test
                .labels()
                .iter()
                .enumerate()
                .filter(|&(_, &label)| usize::from(label) == class);
            for (index, _) in of_class.take(PER_CLASS) {
                examples.push(Example {
                    dataset: builtin.name.to_owned(),
                    index,
                    class: name.clone(),
                    shape: test.images().shape(),
                    pixels: test.images().get(index).unwrap_or_default().to_vec(),
                });
            }
        }
    }
    Ok(examples)
}
