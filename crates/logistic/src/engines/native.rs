//! Engine `native`: preconditioned L-BFGS on products in single precision, finished in
//! double precision where the tolerance asks for it.
//!
//! 1. On a large training set, thirty plain iterations on a few thousand of its samples
//!    find a start from which uncertain images are recognised. They cost as much as two
//!    iterations on all samples.
//! 2. The curvature is measured there ([`Curvature`]).
//! 3. L-BFGS on all samples, preconditioned by the curvature. These are the iterations
//!    that are counted, reported and limited.
//! 4. Where rounding in single precision hides further progress, double precision goes on.
//!
//! Nothing is random: the seed has no effect.

use bakeoff_core::{Engine, EngineCode, FitError, FitEvent};

use crate::{
    curvature::Curvature,
    kernel::InstructionSet,
    lbfgs::{self, Function, Limits},
    model::SoftmaxModel,
    objective::{Objective, Precision, SINGLE_TOLERANCE},
    problem::{Data, Problem, Solution},
    recipe,
};

pub(super) const ENGINE: Engine = Engine {
    name: "native",
    summary: "preconditioned L-BFGS on fused products, all threads; the fastest",
    deterministic: true,
    code: Some(EngineCode {
        build: |spec| {
            recipe::build(spec, |problem, ctx| {
                fit(problem, InstructionSet::best(), &mut |iteration, loss| {
                    ctx.emit(&FitEvent::Iteration {
                        iteration,
                        loss: Some(loss),
                    })
                })
            })
        },
        load: SoftmaxModel::load,
    }),
};

/// Samples that the start is found on, in multiples of the parameters of a class.
const START_SAMPLES: usize = 5;

/// Iterations that find the start. More would overfit the few samples.
const START_ITERATIONS: u64 = 30;

/// The objective, and its curvature where that is known.
struct Preconditioned<'a> {
    objective: Objective<'a>,
    curvature: Option<Curvature>,
}

impl Function for Preconditioned<'_> {
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

fn fit(
    problem: &Problem<'_>,
    instructions: InstructionSet,
    on_iteration: &mut dyn FnMut(u64, f64) -> Result<(), FitError>,
) -> Result<Solution, FitError> {
    let (data, options) = (&problem.data, problem.options);
    let mut function = Preconditioned {
        objective: Objective::new(data, instructions, Precision::Single),
        curvature: None,
    };
    let mut x = vec![0.0; function.objective.len()];
    if Curvature::is_worthwhile(data) {
        x = start(data, instructions, x)?;
        let probabilities = function.objective.probabilities(&x);
        function.curvature = Curvature::measure(data, &probabilities, instructions);
    }
    let mut limits = Limits {
        tolerance: options.tolerance.max(SINGLE_TOLERANCE),
        iterations: options.max_iterations,
    };
    let mut outcome = lbfgs::minimise(&mut function, x, limits, on_iteration)?;
    let mut steps = outcome.iterations;
    // Single precision can also stop before it has met its tolerance.
    let unfinished = !outcome.converged || options.tolerance < SINGLE_TOLERANCE;
    if unfinished && steps < limits.iterations {
        limits.iterations -= steps;
        limits.tolerance = options.tolerance;
        function.objective.precision = Precision::Double;
        let mut on_iteration = |iteration, loss| on_iteration(steps + iteration, loss);
        outcome = lbfgs::minimise(&mut function, outcome.point.x, limits, &mut on_iteration)?;
        steps += outcome.iterations;
    }
    let mut parameters = outcome.point.x;
    centre(&mut parameters[data.classes * data.columns()..]);
    Ok(Solution {
        parameters,
        steps,
        kernel: Some(instructions.name()),
    })
}

/// A point not far from the optimum, found on a part of the data.
fn start(data: &Data, instructions: InstructionSet, x: Vec<f64>) -> Result<Vec<f64>, FitError> {
    let part = data.part(START_SAMPLES * (data.columns() + 1));
    let mut function = Preconditioned {
        objective: Objective::new(&part, instructions, Precision::Single),
        curvature: None,
    };
    let limits = Limits {
        tolerance: 0.0,
        iterations: START_ITERATIONS,
    };
    let outcome = lbfgs::minimise(&mut function, x, limits, &mut |_, _| Ok(()))?;
    Ok(outcome.point.x)
}

/// Shifts the biases so that their sum is zero. A common shift changes no probability, and
/// since the biases are not penalised, nothing else determines it.
fn centre(biases: &mut [f64]) {
    let mean = biases.iter().sum::<f64>() / biases.len() as f64;
    biases.iter_mut().for_each(|bias| *bias -= mean);
}

#[cfg(test)]
mod tests {
    use bakeoff_core::Samples;
    use bakeoff_tests::toy::{ToySpec, prototypes};

    use super::*;
    use crate::{options::Options, vector::largest};

    fn train(samples: usize, noise: f32) -> Samples {
        let toy = prototypes(ToySpec {
            train: samples,
            noise,
            ..ToySpec::default()
        });
        toy.unwrap().train().clone()
    }

    fn options(tolerance: f64) -> Options {
        Options {
            c: 1.0,
            max_iterations: 1000,
            tolerance,
            class_weight: bakeoff_core::ClassWeight::None,
        }
    }

    fn solution(train: &Samples, instructions: InstructionSet, tolerance: f64) -> Solution {
        let options = options(tolerance);
        let problem = Problem::new(train, &options).unwrap();
        fit(&problem, instructions, &mut |_, _| Ok(())).unwrap()
    }

    #[test]
    fn every_set_of_instructions_finds_the_same_optimum() {
        let train = train(2000, 100.0);
        let best = solution(&train, InstructionSet::Portable, 1e-8);
        for instructions in InstructionSet::all() {
            let other = solution(&train, instructions, 1e-8);
            assert_eq!(other.kernel, Some(instructions.name()));
            for (a, b) in best.parameters.iter().zip(&other.parameters) {
                assert!((a - b).abs() < 1e-3, "{instructions:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn the_curvature_saves_iterations_and_changes_no_answer() {
        // Enough samples for the curvature to be worthwhile; and the same without it.
        let train = train(4000, 100.0);
        let options = options(1e-7);
        let problem = Problem::new(&train, &options).unwrap();
        assert!(Curvature::is_worthwhile(&problem.data));
        let best = InstructionSet::best();
        let quick = solution(&train, best, 1e-7);
        let mut plain = Objective::new(&problem.data, best, Precision::Double);
        let mut gradient = vec![0.0; quick.parameters.len()];
        let quick_loss = plain.evaluate(&quick.parameters, &mut gradient);
        assert!(largest(&gradient) <= 1e-7);
        let mut plain = Preconditioned {
            objective: plain,
            curvature: None,
        };
        let limits = Limits {
            tolerance: 1e-7,
            iterations: 1000,
        };
        let start = vec![0.0; gradient.len()];
        let slow = lbfgs::minimise(&mut plain, start, limits, &mut |_, _| Ok(())).unwrap();
        assert!(slow.converged);
        assert!((slow.point.value - quick_loss).abs() < 1e-8 * quick_loss);
        assert!(
            2 * quick.steps < slow.iterations,
            "{} {}",
            quick.steps,
            slow.iterations
        );
    }
}
