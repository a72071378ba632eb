//! Every family of the registry: fitted on bytes, answering probabilities, as bytes for pickling.

use std::ops::ControlFlow;

use bakeoff_core::{
    FitContext, FitError, FitEvent, FittedModel, ImageShape, Images, ModelHeader, ModelSpec,
    Samples,
};
use bakeoff_data::split::{self, Split};
use bakeoff_store::{TensorFile, TensorMap};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2, PyUntypedArrayMethods, ndarray::Array2,
};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    neighbours::{labels, values},
    pool, refused,
};

/// A fitted model of any family.
#[pyclass(frozen, module = "bakeoff._native")]
pub(crate) struct Model {
    spec: ModelSpec,
    model: Box<dyn FittedModel>,
    /// Epochs or iterations of its fit; 0 where it was loaded.
    steps: u64,
}

/// Images of one shape: N×(C·H·W) bytes.
fn images(rows: &PyReadonlyArray2<'_, u8>, shape: (usize, usize, usize)) -> PyResult<Images> {
    let (channels, height, width) = shape;
    let shape = ImageShape::new(channels, height, width);
    if rows.shape()[1] != shape.pixels() {
        return Err(refused(format!(
            "rows have {} columns, images of {shape} have {}",
            rows.shape()[1],
            shape.pixels()
        )));
    }
    Images::new(shape, values(rows)).map_err(refused)
}

/// The recipe of a family; settings are JSON.
fn recipe(
    family: &str,
    engine: Option<&str>,
    settings: &str,
    shape: ImageShape,
) -> PyResult<ModelSpec> {
    let settings = serde_json::from_str(settings).map_err(refused)?;
    let family = bakeoff_zoo::family(family).map_err(refused)?;
    let mut spec = family.resolve(engine, &settings).map_err(refused)?;
    family.adapt_to(&mut spec, shape);
    Ok(spec)
}

/// Trains a model. `classes` are the names of all classes, `shape` is channels, height and width of an image, and
/// `validation` is the share that is held out where the family needs it, by `split_seed`, as the program does.
#[pyfunction]
#[expect(
    clippy::too_many_arguments,
    reason = "a function for Python's side, called once"
)]
pub(crate) fn fit(
    py: Python<'_>,
    family: &str,
    engine: Option<&str>,
    settings: &str,
    rows: PyReadonlyArray2<'_, u8>,
    shape: (usize, usize, usize),
    targets: &Bound<'_, PyArray1<u16>>,
    classes: Vec<String>,
    seed: u64,
    validation: f64,
    threads: usize,
) -> PyResult<Model> {
    let images = images(&rows, shape)?;
    let spec = recipe(family, engine, settings, images.shape())?;
    let train = Samples::new(images, labels(targets), classes).map_err(refused)?;
    let uses_validation = bakeoff_zoo::family(family)
        .map_err(refused)?
        .uses_validation;
    let recipe = bakeoff_zoo::build(&spec).map_err(refused)?;
    let pool = pool(threads)?;
    let model = py.detach(|| {
        pool.install(|| {
            let (train, validation) = match uses_validation && validation > 0.0 {
                false => (train, None),
                true => {
                    // The program's own part: its seeds of splits begin with 1, and so do those of fits.
                    let Split { train, held_out } = split::hold_out(train, validation, seed);
                    (train, Some(held_out).filter(|part| !part.is_empty()))
                }
            };
            recipe.check(&train.data_shape()).map_err(FitError::Spec)?;
            let interrupted = || Python::attach(|py| py.check_signals().is_err());
            let mut steps = 0;
            let mut context = FitContext {
                seed,
                validation: validation.as_ref(),
                progress: &mut |event| {
                    if let FitEvent::Finished(summary) = event {
                        steps = summary.steps;
                    }
                    match interrupted() {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                },
            };
            let model = recipe.fit(&train, &mut context)?;
            Ok((model, steps))
        })
    });
    match model {
        Ok((model, steps)) => Ok(Model { spec, model, steps }),
        Err(FitError::Cancelled) => Err(pyo3::exceptions::PyKeyboardInterrupt::new_err(())),
        Err(error) => Err(refused(error)),
    }
}

#[pymethods]
impl Model {
    /// N×K probabilities (float32).
    fn predict_proba<'py>(
        &self,
        py: Python<'py>,
        rows: PyReadonlyArray2<'py, u8>,
        threads: usize,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let shape = self.model.input_shape();
        let images = images(&rows, (shape.channels, shape.height, shape.width))?;
        let pool = pool(threads)?;
        let answers = py.detach(|| pool.install(|| self.model.predict_proba(&images)));
        let answers = answers.map_err(refused)?;
        let values = answers.values().to_vec();
        let array = Array2::from_shape_vec((answers.len(), answers.classes()), values);
        Ok(array.map_err(refused)?.into_pyarray(py))
    }

    /// Weights and biases, or stored training values.
    #[getter]
    fn parameters(&self) -> u64 {
        self.model.parameters()
    }

    /// Epochs or iterations of the fit.
    #[getter]
    fn steps(&self) -> u64 {
        self.steps
    }

    /// The recipe with every setting, as JSON.
    #[getter]
    fn recipe(&self) -> PyResult<String> {
        serde_json::to_string(&self.spec).map_err(refused)
    }

    /// What `load` reads back: the recipe, shape and tensors (safetensors).
    fn save<'py>(&self, py: Python<'py>) -> PyResult<(String, String, Bound<'py, PyBytes>)> {
        let mut tensors = TensorMap::default();
        self.model.save(&mut tensors).map_err(refused)?;
        let header = ModelHeader {
            input_shape: self.model.input_shape(),
            classes: self.model.classes(),
        };
        let header = serde_json::to_string(&header).map_err(refused)?;
        let bytes = tensors.to_bytes().map_err(refused)?;
        Ok((self.recipe()?, header, PyBytes::new(py, &bytes)))
    }

    /// A model that was saved.
    #[staticmethod]
    fn load(recipe: &str, header: &str, tensors: &[u8]) -> PyResult<Self> {
        let spec: ModelSpec = serde_json::from_str(recipe).map_err(refused)?;
        let header: ModelHeader = serde_json::from_str(header).map_err(refused)?;
        let family = bakeoff_zoo::family(&spec.family).map_err(refused)?;
        let spec = family
            .resolve(Some(&spec.engine), &spec.settings)
            .map_err(refused)?;
        let mut reader = TensorFile::parse(tensors).map_err(refused)?;
        let model = family.load(&spec, &header, &mut reader).map_err(refused)?;
        Ok(Self {
            spec,
            model,
            steps: 0,
        })
    }
}

/// The families that can be trained, with their settings: name, what it is, and for each setting its key, its default as
/// JSON, what is allowed, and help.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "a table for Python's side")]
pub(crate) fn families() -> Vec<(String, String, Vec<(String, String, String, String)>)> {
    let trained =
        |family: &&&bakeoff_core::Family| !family.is_program() && !family.is_trained_elsewhere();
    let families = bakeoff_zoo::families().iter().filter(trained);
    families
        .map(|family| {
            let settings = family.settings().map(|setting| {
                (
                    setting.key.to_owned(),
                    (setting.default)().to_string(),
                    setting.kind.allowed(),
                    setting.help.to_owned(),
                )
            });
            (
                family.name.to_owned(),
                family.summary.to_owned(),
                settings.collect(),
            )
        })
        .collect()
}
