//! Engine `native`: L-BFGS on products in single precision, preconditioned where that
//! pays, and finished in double precision where the tolerance asks for it.
//!
//! 1. On a large training set, thirty plain iterations on a few thousand of its
//!    samples, which cost two on all, come near enough to see which pictures are hard;
//!    unless there is a model to start from.
//! 2. There the curvature is measured ([`Curvature`]).
//! 3. L-BFGS on all samples, preconditioned by it. These are the iterations that are
//!    counted, reported and limited.
//! 4. Where single precision cannot tell the way any more, double precision goes on.
//!
//! Nothing in it is random: the seed changes nothing.

use bakeoff_core::{FitContext, FitError, FitEvent};

use crate::{
    curvature::Curvature,
    kernel::Lanes,
    lbfgs::{self, Function, Limits},
    objective::{Objective, Precision},
    problem::{Data, Problem, Solution},
};

/// Below this a gradient in single precision is more rounding than gradient.
const SINGLE_TOLERANCE: f64 = 2e-6;

/// Samples of the first approach, in multiples of the parameters of a class.
const APPROACH_SAMPLES: usize = 5;

/// Iterations of the first approach. More would fit the few samples and leave the many.
const APPROACH_ITERATIONS: u64 = 30;

/// What a gradient must be computed in to be compared with `tolerance`.
pub(crate) fn precision_for(tolerance: f64) -> Precision {
    if tolerance < SINGLE_TOLERANCE {
        Precision::Double
    } else {
        Precision::Single
    }
}

/// Fits from `start`, or from nothing.
pub(crate) fn solve(
    problem: &Problem<'_>,
    start: Option<Vec<f64>>,
    ctx: &mut FitContext<'_>,
) -> Result<Solution, FitError> {
    fit(problem, start, Lanes::detect(), &mut |iteration, loss| {
        ctx.emit(&FitEvent::Iteration {
            iteration,
            loss: Some(loss),
        })
    })
}

/// The objective, and what is known of its curvature.
struct Conditioned<'a> {
    objective: Objective<'a>,
    curvature: Option<Curvature>,
}

impl Function for Conditioned<'_> {
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.objective.evaluate(x, gradient)
    }

    fn precondition(&self, gradient: &mut [f64]) -> bool {
        if let Some(curvature) = &self.curvature {
            curvature.solve(gradient);
        }
        self.curvature.is_some()
    }
}

fn fit<E>(
    problem: &Problem<'_>,
    start: Option<Vec<f64>>,
    lanes: Lanes,
    each: &mut dyn FnMut(u64, f64) -> Result<(), E>,
) -> Result<Solution, E> {
    let (data, options) = (&problem.data, problem.options);
    let mut function = Conditioned {
        objective: Objective::new(data, lanes, Precision::Single),
        curvature: None,
    };
    let pays = Curvature::pays(data);
    let x = match start {
        Some(x) => x,
        None if pays => approach(data, lanes, vec![0.0; function.objective.len()]),
        None => vec![0.0; function.objective.len()],
    };
    if pays {
        let probabilities = function.objective.probabilities(&x);
        function.curvature = Curvature::measure(data, &probabilities, lanes);
    }
    let mut limits = Limits {
        tolerance: options.tolerance.max(SINGLE_TOLERANCE),
        iterations: options.max_iterations,
    };
    let mut outcome = lbfgs::minimise(&mut function, x, limits, &mut *each)?;
    let mut steps = outcome.iterations;
    // Single precision may also have come to a halt before the tolerance was met.
    let unfinished = !outcome.converged || options.tolerance < SINGLE_TOLERANCE;
    if unfinished && steps < limits.iterations {
        limits.iterations -= steps;
        limits.tolerance = options.tolerance;
        function.objective.precision = Precision::Double;
        let more = |iteration, loss| each(steps + iteration, loss);
        outcome = lbfgs::minimise(&mut function, outcome.x, limits, more)?;
        steps += outcome.iterations;
    }
    centre(&mut outcome.x[data.classes * data.columns..]);
    Ok(Solution {
        parameters: outcome.x,
        steps,
    })
}

/// A point not far from the optimum, from a part of the data.
fn approach(data: &Data<'_>, lanes: Lanes, x: Vec<f64>) -> Vec<f64> {
    let part = data.part(APPROACH_SAMPLES * (data.columns + 1));
    let mut function = Conditioned {
        objective: Objective::new(&part, lanes, Precision::Single),
        curvature: None,
    };
    let limits = Limits {
        tolerance: 0.0,
        iterations: APPROACH_ITERATIONS,
    };
    let each = |_, _| Ok::<_, std::convert::Infallible>(());
    let Ok(outcome) = lbfgs::minimise(&mut function, x, limits, each);
    outcome.x
}

/// Makes the biases sum to zero. The same added to all changes no probability, and
/// without a penalty nothing else holds them in place.
fn centre(biases: &mut [f64]) {
    let mean = biases.iter().sum::<f64>() / biases.len() as f64;
    biases.iter_mut().for_each(|bias| *bias -= mean);
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bakeoff_core::Samples;
    use bakeoff_data::toy::{ToySpec, prototypes};

    use super::*;
    use crate::{recipe::Options, vector::largest};

    fn train(samples: usize, noise: f32) -> Samples {
        let toy = prototypes(ToySpec {
            train: samples,
            noise,
            ..ToySpec::default()
        });
        toy.unwrap().train().clone()
    }

    fn solution(train: &Samples, lanes: Lanes, tolerance: f64) -> Solution {
        let options = Options {
            c: 1.0,
            max_iterations: 1000,
            tolerance,
        };
        let problem = Problem::new(train, options).unwrap();
        let Ok(solution) = fit(&problem, None, lanes, &mut |_, _| Ok::<_, Infallible>(()));
        solution
    }

    #[test]
    fn every_set_of_instructions_finds_the_same_optimum() {
        let train = train(2000, 100.0);
        let best = solution(&train, Lanes::Plain, 1e-8);
        for lanes in Lanes::all() {
            let other = solution(&train, lanes, 1e-8);
            for (a, b) in best.parameters.iter().zip(&other.parameters) {
                assert!((a - b).abs() < 1e-3, "{lanes:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn the_curvature_saves_iterations_and_changes_no_answer() {
        // Enough for the curvature to pay; and the same samples without it.
        let train = train(4000, 100.0);
        let options = Options {
            c: 1.0,
            max_iterations: 1000,
            tolerance: 1e-7,
        };
        let problem = Problem::new(&train, options).unwrap();
        assert!(Curvature::pays(&problem.data));
        let quick = solution(&train, Lanes::detect(), 1e-7);
        let mut plain = Objective::new(&problem.data, Lanes::detect(), Precision::Double);
        let mut gradient = vec![0.0; quick.parameters.len()];
        let quick_loss = plain.evaluate(&quick.parameters, &mut gradient);
        assert!(largest(&gradient) <= 1e-7);
        let mut plain = Conditioned {
            objective: plain,
            curvature: None,
        };
        let limits = Limits {
            tolerance: 1e-7,
            iterations: 1000,
        };
        let start = vec![0.0; gradient.len()];
        let each = |_, _| Ok::<_, Infallible>(());
        let Ok(slow) = lbfgs::minimise(&mut plain, start, limits, each);
        assert!(slow.converged);
        assert!((slow.value - quick_loss).abs() < 1e-8 * quick_loss);
        assert!(
            2 * quick.steps < slow.iterations,
            "{} {}",
            quick.steps,
            slow.iterations
        );
    }
}
