//! Engine `linfa`: multinomial regression of `linfa-logistic`, in double precision.

use bakeoff_core::{Engine, EngineCode};
use linfa::{Dataset, traits::Fit};
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

use super::library;
use crate::{model::SoftmaxModel, problem::Problem, recipe};

pub(super) const ENGINE: Engine = Engine {
    name: "linfa",
    summary: "linfa-logistic in double precision, one thread",
    deterministic: true,
    code: Some(EngineCode {
        build: |spec| {
            library::check(spec)?;
            recipe::build(spec, |problem, _| {
                library::run(ENGINE.name, || fit(problem))
            })
        },
        load: SoftmaxModel::load,
    }),
};

fn fit(problem: &Problem<'_>) -> Result<Vec<f64>, String> {
    let data = &problem.data;
    let samples = data.samples();
    let records = Array2::from_shape_vec((samples, data.columns()), problem.scaled_pixels())
        .map_err(|error| error.to_string())?;
    let targets: Array1<usize> = data.targets.iter().copied().map(usize::from).collect();
    // linfa limits the 2-norm of the gradient of the sum. The 2-norm is at least as large
    // as the largest component, so this is as strict as the tolerance or stricter.
    let tolerance = problem.options.tolerance * samples as f64;
    let fitted = MultiLogisticRegression::default()
        // linfa takes the sum where the objective here takes the mean.
        .alpha(data.penalty * samples as f64)
        .max_iterations(problem.options.max_iterations)
        .gradient_tolerance(tolerance)
        .fit(&Dataset::new(records, targets))
        .map_err(|error| error.to_string())?;
    // linfa's weights are pixels × classes; ours are classes × pixels.
    let weights = fitted.params().t();
    Ok(weights.iter().chain(fitted.intercept()).copied().collect())
}
