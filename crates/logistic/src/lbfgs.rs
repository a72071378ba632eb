//! Limited-memory BFGS for smooth convex functions.
//!
//! Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithms 7.4 and 7.5,
//! with the bracketing line search of Lewis and Overton (*Nonsmooth optimization via
//! quasi-Newton methods*, 2013, algorithm 2.6), its trial points found by cubic
//! interpolation, and the approximate Wolfe condition of Hager and Zhang (*A new
//! conjugate gradient method with guaranteed descent*, 2005), which still works where
//! rounding hides the decrease of the function.
//!
//! The `argmin` crate was rejected: it computes function and gradient in two calls, each
//! of which would read all images; it stops by the 2-norm of the gradient and not by its
//! largest component; and it takes no initial Hessian.

use std::collections::VecDeque;

use bakeoff_core::FitError;

use crate::vector::{add, dot, largest, minus};

/// Pairs of steps and gradient differences that are remembered.
const HISTORY: usize = 10;
/// A step must give at least this share of the decrease that the slope predicts.
const DECREASE: f64 = 1e-4;
/// At most this share of the slope may remain after a step.
const CURVATURE: f64 = 0.9;
/// Relative rounding error of the function's value that the line search tolerates.
const ROUNDING: f64 = 1e-6;
/// Largest number of evaluations in one line search.
const TRIALS: usize = 40;

/// A function to minimise.
pub(crate) trait Function {
    /// The value at `x`; the gradient goes into `gradient`.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;

    /// Multiplies a gradient by an approximate inverse Hessian, if one is known; returns
    /// whether it did. The matrix is symmetric, positive definite and always the same.
    fn precondition(&self, gradient: &mut [f64]) -> bool {
        let _ = gradient;
        false
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Converged when no component of the gradient is larger.
    pub(crate) tolerance: f64,
    /// Largest number of iterations.
    pub(crate) iterations: u64,
}

/// A point, with the function's value and gradient there.
pub(crate) struct Point {
    pub(crate) x: Vec<f64>,
    /// Not finite when the function overflowed at the start.
    pub(crate) value: f64,
    gradient: Vec<f64>,
}

/// Where it stopped, and whether it converged.
pub(crate) struct Outcome {
    /// The best point found.
    pub(crate) point: Point,
    /// Number of iterations.
    pub(crate) iterations: u64,
    /// Whether the gradient met the tolerance.
    pub(crate) converged: bool,
}

/// Minimises `function` from `x`. `on_iteration` is called after every iteration with its
/// number (from 1) and the value it reached; its error ends the minimisation.
///
/// Ends without convergence when no step decreases the function any more, because rounding
/// hides any further decrease.
pub(crate) fn minimise(
    function: &mut dyn Function,
    x: Vec<f64>,
    limits: Limits,
    on_iteration: &mut dyn FnMut(u64, f64) -> Result<(), FitError>,
) -> Result<Outcome, FitError> {
    let mut gradient = vec![0.0; x.len()];
    let value = function.evaluate(&x, &mut gradient);
    let mut point = Point { x, value, gradient };
    let mut memory = Memory::default();
    let mut iterations = 0;
    loop {
        let converged = largest(&point.gradient) <= limits.tolerance;
        let outcome = |point| Outcome {
            point,
            iterations,
            converged,
        };
        if converged || iterations == limits.iterations || !point.value.is_finite() {
            return Ok(outcome(point));
        }
        let (direction, scaled) = memory.direction(function, &point.gradient);
        let first = if scaled {
            1.0
        } else {
            // The scale is not known yet: the length of the first step is at most one.
            1.0 / dot(&direction, &direction).sqrt().max(1.0)
        };
        match search(function, &point, &direction, first) {
            Some(next) => {
                memory.learn(function, &point, &next);
                point = next;
                iterations += 1;
                on_iteration(iterations, point.value)?;
            }
            // Pairs from distant points may mislead; try the gradient alone.
            None if !memory.pairs.is_empty() => memory.pairs.clear(),
            None => return Ok(outcome(point)),
        }
    }
}

/// The curvature along past steps.
#[derive(Default)]
struct Memory {
    pairs: VecDeque<Pair>,
    /// The factor that fits the preconditioner to the latest pair.
    scale: f64,
}

struct Pair {
    step: Vec<f64>,
    difference: Vec<f64>,
    /// 1 / (step · difference).
    rho: f64,
}

impl Memory {
    /// Minus the approximate inverse Hessian times the gradient, by the two-loop
    /// recursion; and whether its length is meaningful.
    fn direction(&self, function: &dyn Function, gradient: &[f64]) -> (Vec<f64>, bool) {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = [0.0; HISTORY];
        for (alpha, pair) in alphas.iter_mut().zip(&self.pairs).rev() {
            *alpha = pair.rho * dot(&pair.step, &direction);
            add(&mut direction, -*alpha, &pair.difference);
        }
        let preconditioned = function.precondition(&mut direction);
        if !self.pairs.is_empty() {
            direction.iter_mut().for_each(|d| *d *= self.scale);
        }
        for (alpha, pair) in alphas.iter().zip(&self.pairs) {
            let beta = pair.rho * dot(&pair.difference, &direction);
            add(&mut direction, alpha - beta, &pair.step);
        }
        (direction, preconditioned || !self.pairs.is_empty())
    }

    /// Remembers a step, unless its curvature is lost in rounding.
    fn learn(&mut self, function: &dyn Function, from: &Point, to: &Point) {
        let difference = minus(&to.gradient, &from.gradient);
        let step = minus(&to.x, &from.x);
        let curvature = dot(&step, &difference);
        let mut product = difference.clone();
        function.precondition(&mut product);
        let square = dot(&difference, &product);
        if curvature > f64::EPSILON * square && curvature.is_finite() {
            if self.pairs.len() == HISTORY {
                self.pairs.pop_front();
            }
            self.scale = curvature / square;
            self.pairs.push_back(Pair {
                step,
                difference,
                rho: 1.0 / curvature,
            });
        }
    }
}

/// A step length along a direction, with the value and slope there.
#[derive(Clone, Copy)]
struct Trial {
    at: f64,
    value: f64,
    slope: f64,
}

/// A point along `direction` that satisfies the weak Wolfe conditions, or `None` if none
/// is found.
fn search(
    function: &mut dyn Function,
    from: &Point,
    direction: &[f64],
    first: f64,
) -> Option<Point> {
    let start = Trial {
        at: 0.0,
        value: from.value,
        slope: dot(direction, &from.gradient),
    };
    if start.slope.is_nan() || start.slope >= 0.0 {
        return None;
    }
    let (mut low, mut high) = (start, None::<Trial>);
    let mut at = first;
    let mut next = Point {
        x: vec![0.0; direction.len()],
        value: 0.0,
        gradient: vec![0.0; direction.len()],
    };
    for _ in 0..TRIALS {
        for ((to, &x), &d) in next.x.iter_mut().zip(&from.x).zip(direction) {
            *to = x + at * d;
        }
        next.value = function.evaluate(&next.x, &mut next.gradient);
        let trial = Trial {
            at,
            value: next.value,
            slope: dot(direction, &next.gradient),
        };
        if !descends(&start, &trial) {
            high = Some(trial);
        } else if trial.slope < CURVATURE * start.slope {
            low = trial;
        } else {
            return Some(next);
        }
        at = match high {
            Some(high) => between(&low, &high),
            None => 4.0 * at,
        };
    }
    None
}

/// Whether the decrease is sufficient, by the values or, where rounding hides their
/// difference, by the slopes.
fn descends(start: &Trial, trial: &Trial) -> bool {
    let enough = start.value + DECREASE * trial.at * start.slope;
    let rounding = ROUNDING * start.value.abs();
    trial.value <= enough
        || (trial.value <= start.value + rounding
            && trial.slope <= (2.0 * DECREASE - 1.0) * start.slope)
}

/// The minimum of the cubic through both trials, with a distance from both ends; the middle
/// if a value is not finite.
fn between(low: &Trial, high: &Trial) -> f64 {
    let width = high.at - low.at;
    let mean = 3.0 * (low.value - high.value) / width + low.slope + high.slope;
    let root = (mean * mean - low.slope * high.slope).sqrt();
    let share = 1.0 - (high.slope + root - mean) / (high.slope - low.slope + 2.0 * root);
    let share = if share.is_finite() {
        share.clamp(0.1, 0.9)
    } else {
        0.5
    };
    low.at + share * width
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's function in `n` dimensions: hard for line searches.
    struct Rosenbrock {
        evaluations: usize,
    }

    impl Function for Rosenbrock {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            self.evaluations += 1;
            gradient.fill(0.0);
            let mut value = 0.0;
            for i in 0..x.len() - 1 {
                let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
                value += a * a + 100.0 * b * b;
                gradient[i] += -2.0 * a - 400.0 * b * x[i];
                gradient[i + 1] += 200.0 * b;
            }
            value
        }
    }

    /// A quadratic that is ten thousand times steeper in one direction than in another.
    struct Quadratic {
        preconditioned: bool,
    }

    impl Quadratic {
        fn steepness(i: usize, n: usize) -> f64 {
            1e4_f64.powf(i as f64 / (n - 1) as f64)
        }
    }

    impl Function for Quadratic {
        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            let n = x.len();
            let mut value = 0.0;
            for (i, (x, g)) in x.iter().zip(gradient).enumerate() {
                *g = Self::steepness(i, n) * (x - 1.0);
                value += 0.5 * *g * (x - 1.0);
            }
            value
        }

        fn precondition(&self, gradient: &mut [f64]) -> bool {
            let n = gradient.len();
            if self.preconditioned {
                for (i, g) in gradient.iter_mut().enumerate() {
                    *g /= Self::steepness(i, n);
                }
            }
            self.preconditioned
        }
    }

    const TIGHT: Limits = Limits {
        tolerance: 1e-8,
        iterations: 1000,
    };

    fn run(function: &mut dyn Function, x: Vec<f64>, limits: Limits) -> Outcome {
        minimise(function, x, limits, &mut |_, _| Ok(())).unwrap()
    }

    #[test]
    fn it_finds_the_minimum_of_rosenbrocks_function() {
        let mut rosenbrock = Rosenbrock { evaluations: 0 };
        let outcome = run(&mut rosenbrock, vec![-1.2, 1.0, -1.2, 1.0], TIGHT);
        assert!(outcome.converged);
        for x in outcome.point.x {
            assert!((x - 1.0).abs() < 1e-7, "{x}");
        }
        // SciPy's L-BFGS-B takes about as many.
        assert!(rosenbrock.evaluations < 100, "{}", rosenbrock.evaluations);
    }

    #[test]
    fn a_good_preconditioner_saves_iterations() {
        let [plain, preconditioned] = [false, true].map(|preconditioned| {
            let mut quadratic = Quadratic { preconditioned };
            let outcome = run(&mut quadratic, vec![0.0; 40], TIGHT);
            assert!(outcome.converged);
            assert!(outcome.point.x.iter().all(|x| (x - 1.0).abs() < 1e-7));
            outcome.iterations
        });
        assert!(
            preconditioned <= 3 && plain > 20,
            "{preconditioned} {plain}"
        );
    }

    #[test]
    fn the_limit_on_iterations_is_kept() {
        let limits = Limits {
            iterations: 3,
            ..TIGHT
        };
        let outcome = run(&mut Rosenbrock { evaluations: 0 }, vec![-1.2, 1.0], limits);
        assert_eq!((outcome.iterations, outcome.converged), (3, false));
    }

    #[test]
    fn values_never_rise() {
        let mut last = f64::INFINITY;
        let mut rosenbrock = Rosenbrock { evaluations: 0 };
        let outcome = minimise(&mut rosenbrock, vec![-1.2, 1.0], TIGHT, &mut |_, value| {
            assert!(value <= last);
            last = value;
            Ok(())
        });
        assert!(outcome.is_ok_and(|outcome| outcome.point.value == last));
    }

    #[test]
    fn an_error_of_the_callback_ends_it() {
        let mut rosenbrock = Rosenbrock { evaluations: 0 };
        let mut last = 0;
        let outcome = minimise(
            &mut rosenbrock,
            vec![-1.2, 1.0],
            TIGHT,
            &mut |iteration, _| {
                last = iteration;
                if iteration == 2 {
                    Err(FitError::Cancelled)
                } else {
                    Ok(())
                }
            },
        );
        assert!(matches!(outcome.map(|_| ()), Err(FitError::Cancelled)));
        assert_eq!(last, 2);
    }

    #[test]
    fn a_function_that_is_nan_ends_without_convergence() {
        struct NotANumber;
        impl Function for NotANumber {
            fn evaluate(&mut self, _: &[f64], gradient: &mut [f64]) -> f64 {
                gradient.fill(f64::NAN);
                f64::NAN
            }
        }
        let outcome = run(&mut NotANumber, vec![0.0], TIGHT);
        assert!(!outcome.converged && !outcome.point.value.is_finite());
    }
}
