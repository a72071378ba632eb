//! Engine `smartcore`: its logistic regression, in double precision.
//!
//! smartcore answers with classes only; the probabilities are the softmax of the
//! coefficients that it fitted.

use bakeoff_core::FitError;
use smartcore::{
    linalg::basic::{arrays::Array, matrix::DenseMatrix},
    linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters},
};

use crate::{
    library::guarded,
    problem::{Problem, Solution},
};

pub(crate) fn solve(problem: &Problem<'_>) -> Result<Solution, FitError> {
    guarded("smartcore", || fit(problem))
}

fn fit(problem: &Problem<'_>) -> Result<Solution, String> {
    let data = &problem.data;
    let pixels = data.columns;
    let records = DenseMatrix::new(data.samples(), pixels, problem.scaled_pixels(), false)
        .map_err(|error| error.to_string())?;
    let targets: Vec<u32> = data.targets.iter().copied().map(u32::from).collect();
    let fitted = LogisticRegression::fit(
        &records,
        &targets,
        // One row of weights for two classes, as the penalty is meant.
        LogisticRegressionParameters::default().with_alpha(1.0 / problem.options.c),
    )
    .map_err(|error| error.to_string())?;
    let (coefficients, intercept) = (fitted.coefficients(), fitted.intercept());
    let row = |row: usize, factor: f64| {
        (0..pixels).map(move |column| coefficients.get((row, column)) * factor)
    };
    let bias = |row: usize, factor: f64| intercept.get((row, 0)) * factor;
    let parameters = match data.classes {
        // The one row is the log-odds of the second class over the first.
        2 => row(0, -0.5)
            .chain(row(0, 0.5))
            .chain([bias(0, -0.5), bias(0, 0.5)])
            .collect(),
        classes => (0..classes)
            .flat_map(|class| row(class, 1.0))
            .chain((0..classes).map(|class| bias(class, 1.0)))
            .collect(),
    };
    Ok(Solution {
        parameters,
        steps: 0,
    })
}
