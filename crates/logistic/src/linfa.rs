//! Engine `linfa`: multinomial regression of `linfa-logistic`, in double precision.

use bakeoff_core::FitError;
use linfa::{Dataset, traits::Fit};
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2};

use crate::{
    library::guarded,
    problem::{Problem, Solution},
};

pub(crate) fn solve(problem: &Problem<'_>) -> Result<Solution, FitError> {
    guarded("linfa", || fit(problem))
}

fn fit(problem: &Problem<'_>) -> Result<Solution, String> {
    let data = &problem.data;
    let samples = data.samples();
    let records = Array2::from_shape_vec((samples, data.columns), problem.scaled_pixels())
        .map_err(|error| error.to_string())?;
    let targets: Array1<usize> = data.targets.iter().copied().map(usize::from).collect();
    // linfa bounds the 2-norm of the sum's gradient. It is never below the largest
    // component, so the tolerance that is asked for is met at least.
    let tolerance = problem.options.tolerance * samples as f64;
    let fitted = MultiLogisticRegression::default()
        // linfa sums where the objective here takes the mean.
        .alpha(data.penalty * samples as f64)
        .max_iterations(problem.options.max_iterations)
        .gradient_tolerance(tolerance)
        .fit(&Dataset::new(records, targets))
        .map_err(|error| error.to_string())?;
    // Pixels × classes there, classes × pixels here.
    let weights = fitted.params().t();
    Ok(Solution {
        parameters: weights.iter().chain(fitted.intercept()).copied().collect(),
        steps: 0,
    })
}
