//! Engine `smartcore`: its logistic regression, in double precision.
//!
//! smartcore predicts classes only; the probabilities are the softmax of the
//! coefficients that it fitted.

use bakeoff_core::{Classifier, Engine, EngineCode, ModelSpec, SpecError};
use smartcore::{
    linalg::basic::{arrays::Array, matrix::DenseMatrix},
    linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters},
};

use super::library;
use crate::{
    model::SoftmaxModel,
    options::{Options, SMARTCORE_ITERATIONS},
    problem::Problem,
    recipe,
};

pub(super) const ENGINE: Engine = Engine {
    name: "smartcore",
    summary: "smartcore in double precision, one thread; for a few thousand images at most",
    deterministic: true,
    code: Some(EngineCode {
        build,
        load: SoftmaxModel::load,
    }),
};

fn build(spec: &ModelSpec) -> Result<Box<dyn Classifier>, SpecError> {
    library::check(spec)?;
    if spec.settings::<Options>()?.max_iterations != SMARTCORE_ITERATIONS {
        return Err(spec.unsupported(
            "max_iterations",
            format!(
                "smartcore always allows {SMARTCORE_ITERATIONS}; \
                 leave it at that, or use another engine"
            ),
        ));
    }
    recipe::build(spec, |problem, _| {
        library::run(ENGINE.name, || fit(problem))
    })
}

fn fit(problem: &Problem<'_>) -> Result<Vec<f64>, String> {
    let data = &problem.data;
    let pixels = data.columns();
    let records = DenseMatrix::new(data.samples(), pixels, problem.scaled_pixels(), false)
        .map_err(|error| error.to_string())?;
    let targets: Vec<u32> = data.targets.iter().copied().map(u32::from).collect();
    let fitted = LogisticRegression::fit(
        &records,
        &targets,
        // For two classes smartcore has one row of weights, which the penalty is meant for.
        LogisticRegressionParameters::default().with_alpha(1.0 / problem.options.c),
    )
    .map_err(|error| error.to_string())?;
    let (coefficients, intercept) = (fitted.coefficients(), fitted.intercept());
    // Each of our rows: which of smartcore's it is, and by what it is multiplied. For two
    // classes the one row is the log-odds of the second class over the first.
    let rows = match data.classes {
        2 => vec![(0, -0.5), (0, 0.5)],
        classes => (0..classes).map(|class| (class, 1.0)).collect(),
    };
    let weights = rows.iter().flat_map(|&(row, factor)| {
        (0..pixels).map(move |column| coefficients.get((row, column)) * factor)
    });
    let biases = rows
        .iter()
        .map(|&(row, factor)| intercept.get((row, 0)) * factor);
    Ok(weights.chain(biases).collect())
}
