//! Engine `native`: L-BFGS on fused products in single precision.
use bakeoff_core::{FitContext, FitError, FitEvent};

use crate::{
    kernel::Lanes,
    lbfgs::{self, Function, Limits},
    objective::Objective,
    problem::{Problem, Solution},
};

impl Function for Objective<'_> {
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        Objective::evaluate(self, x, gradient)
    }
}

pub(crate) fn solve(problem: &Problem<'_>, ctx: &mut FitContext<'_>) -> Result<Solution, FitError> {
    let mut objective = Objective::new(problem, Lanes::detect());
    let start = vec![0.0; objective.len()];
    let limits = Limits {
        tolerance: problem.options.tolerance,
        iterations: problem.options.max_iterations,
    };
    let outcome = lbfgs::minimise(&mut objective, start, limits, |iteration, loss| {
        ctx.emit(&FitEvent::Iteration {
            iteration,
            loss: Some(loss),
        })
    })?;
    Ok(Solution {
        parameters: outcome.x,
        steps: outcome.iterations,
    })
}
