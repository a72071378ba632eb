//! Limited-memory BFGS for smooth convex functions.
//!
//! Nocedal and Wright, *Numerical Optimization*, 2nd edition, algorithms 7.4 and 7.5,
//! with the bracketing line search of Lewis and Overton (*Nonsmooth optimization via
//! quasi-Newton methods*, 2013, algorithm 2.6), its trial points found by cubic
//! interpolation, and the approximate Wolfe condition of Hager and Zhang (*A new
//! conjugate gradient method with guaranteed descent*, 2005), which still holds where
//! rounding hides the decrease of the function.
//!
//! The `argmin` crate was rejected: it asks for function and gradient in two calls,
//! each of which would read all pictures, stops by the gradient's 2-norm and not by
//! its largest component, and cannot be given an initial Hessian.

use std::collections::VecDeque;

use crate::vector::{add, dot, largest, minus};

/// Pairs of steps and gradient differences that are remembered.
const HISTORY: usize = 10;
/// Share of the decrease that the slope promises, which a step must give.
const DECREASE: f64 = 1e-4;
/// Share of the slope's steepness that may remain after a step.
const CURVATURE: f64 = 0.9;
/// Rounding of the function's value, relative to it, as far as the line search cares.
const ROUNDING: f64 = 1e-6;
/// Evaluations in one line search at most.
const TRIALS: usize = 40;

/// A function to be minimised.
pub(crate) trait Function {
    /// The value at `x`; the gradient goes into `gradient`.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;

    /// Replaces a gradient by an approximate inverse Hessian's product with it, if one
    /// is known, and answers whether. The matrix is symmetric, positive definite and
    /// always the same.
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
    /// At most so many iterations.
    pub(crate) iterations: u64,
}

/// Where and why it stopped.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The best point found.
    pub(crate) x: Vec<f64>,
    /// The value there; not finite when the function overflowed at the start.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look at it"))]
    pub(crate) value: f64,
    /// Iterations taken.
    pub(crate) iterations: u64,
    /// Whether the gradient met the tolerance.
    pub(crate) converged: bool,
}

/// Minimises `function` from `x`. `each` hears of every iteration (from 1) and the
/// value it reached, and may end everything with an error.
///
/// Ends unconverged when no step decreases the function any more: rounding then hides
/// what is left to gain.
pub(crate) fn minimise<E>(
    function: &mut impl Function,
    x: Vec<f64>,
    limits: Limits,
    mut each: impl FnMut(u64, f64) -> Result<(), E>,
) -> Result<Outcome, E> {
    let mut gradient = vec![0.0; x.len()];
    let value = function.evaluate(&x, &mut gradient);
    let mut here = Point { x, value, gradient };
    let mut memory = Memory::default();
    let mut iterations = 0;
    loop {
        let converged = largest(&here.gradient) <= limits.tolerance;
        if converged || iterations == limits.iterations || !here.value.is_finite() {
            return Ok(here.outcome(iterations, converged));
        }
        let (direction, scaled) = memory.direction(function, &here.gradient);
        let first = if scaled {
            1.0
        } else {
            // Nothing is known of the scale yet: a step of length one at most.
            1.0 / dot(&direction, &direction).sqrt().max(1.0)
        };
        match search(function, &here, &direction, first) {
            Some(next) => {
                memory.learn(function, &here, &next);
                here = next;
                iterations += 1;
                each(iterations, here.value)?;
            }
            // What was learned far from here may mislead; look at the slope alone.
            None if !memory.pairs.is_empty() => memory.pairs.clear(),
            None => return Ok(here.outcome(iterations, false)),
        }
    }
}

/// A point and what the function is like there.
struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl Point {
    fn outcome(self, iterations: u64, converged: bool) -> Outcome {
        Outcome {
            x: self.x,
            value: self.value,
            iterations,
            converged,
        }
    }
}

/// What past steps say about curvature.
#[derive(Default)]
struct Memory {
    pairs: VecDeque<Pair>,
    /// What the preconditioner must be multiplied with to fit the latest pair.
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
    /// recursion; and whether its length means something.
    fn direction(&self, function: &impl Function, gradient: &[f64]) -> (Vec<f64>, bool) {
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = [0.0; HISTORY];
        for (alpha, pair) in alphas.iter_mut().zip(&self.pairs).rev() {
            *alpha = pair.rho * dot(&pair.step, &direction);
            add(&mut direction, -*alpha, &pair.difference);
        }
        let conditioned = function.precondition(&mut direction);
        if !self.pairs.is_empty() {
            direction.iter_mut().for_each(|d| *d *= self.scale);
        }
        for (alpha, pair) in alphas.iter().zip(&self.pairs) {
            let beta = pair.rho * dot(&pair.difference, &direction);
            add(&mut direction, alpha - beta, &pair.step);
        }
        (direction, conditioned || !self.pairs.is_empty())
    }

    /// Remembers a step, unless rounding has eaten its curvature.
    fn learn(&mut self, function: &impl Function, from: &Point, to: &Point) {
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

/// A place along a direction.
#[derive(Clone, Copy)]
struct Trial {
    at: f64,
    value: f64,
    slope: f64,
}

/// A point along `direction` that satisfies the weak Wolfe conditions, or `None` where
/// there is no descent to be found.
fn search(
    function: &mut impl Function,
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

/// Sufficient decrease, by the values or, where rounding hides them, by the slopes.
fn descends(start: &Trial, trial: &Trial) -> bool {
    let enough = start.value + DECREASE * trial.at * start.slope;
    let rounding = ROUNDING * start.value.abs();
    trial.value <= enough
        || (trial.value <= start.value + rounding
            && trial.slope <= (2.0 * DECREASE - 1.0) * start.slope)
}

/// The minimum of the cubic through both trials, kept off their ends; the middle where
/// a value is not finite.
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
    use std::convert::Infallible;

    use super::*;

    /// Rosenbrock's valley in `n` dimensions: the hard case for line searches.
    struct Valley {
        evaluations: usize,
    }

    impl Function for Valley {
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

    /// A bowl ten thousand times steeper in one direction than in another.
    struct Bowl {
        preconditioned: bool,
    }

    impl Bowl {
        fn steepness(i: usize, n: usize) -> f64 {
            1e4_f64.powf(i as f64 / (n - 1) as f64)
        }
    }

    impl Function for Bowl {
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

    fn run(function: &mut impl Function, x: Vec<f64>, limits: Limits) -> Outcome {
        let Ok(outcome) = minimise(function, x, limits, |_, _| Ok::<_, Infallible>(()));
        outcome
    }

    #[test]
    fn it_finds_the_end_of_the_valley() {
        let mut valley = Valley { evaluations: 0 };
        let outcome = run(&mut valley, vec![-1.2, 1.0, -1.2, 1.0], TIGHT);
        assert!(outcome.converged);
        for x in outcome.x {
            assert!((x - 1.0).abs() < 1e-7, "{x}");
        }
        // SciPy's L-BFGS-B takes about as many.
        assert!(valley.evaluations < 100, "{}", valley.evaluations);
    }

    #[test]
    fn a_good_preconditioner_makes_the_bowl_round() {
        let [plain, preconditioned] = [false, true].map(|preconditioned| {
            let mut bowl = Bowl { preconditioned };
            let outcome = run(&mut bowl, vec![0.0; 40], TIGHT);
            assert!(outcome.converged);
            assert!(outcome.x.iter().all(|x| (x - 1.0).abs() < 1e-7));
            outcome.iterations
        });
        assert!(
            preconditioned <= 3 && plain > 20,
            "{preconditioned} {plain}"
        );
    }

    #[test]
    fn the_limit_is_kept_and_said() {
        let limits = Limits {
            iterations: 3,
            ..TIGHT
        };
        let outcome = run(&mut Valley { evaluations: 0 }, vec![-1.2, 1.0], limits);
        assert_eq!((outcome.iterations, outcome.converged), (3, false));
    }

    #[test]
    fn values_never_rise() {
        let mut last = f64::INFINITY;
        let mut valley = Valley { evaluations: 0 };
        let outcome = minimise(&mut valley, vec![-1.2, 1.0], TIGHT, |_, value| {
            let falls = value <= last;
            last = value;
            falls.then_some(()).ok_or(value)
        });
        assert!(outcome.is_ok_and(|outcome| outcome.value == last));
    }

    #[test]
    fn an_error_ends_it() {
        let mut valley = Valley { evaluations: 0 };
        let outcome = minimise(&mut valley, vec![-1.2, 1.0], TIGHT, |iteration, _| {
            if iteration == 2 {
                Err(iteration)
            } else {
                Ok(())
            }
        });
        assert_eq!(outcome.err(), Some(2));
    }

    #[test]
    fn nonsense_ends_unconverged() {
        struct Nonsense;
        impl Function for Nonsense {
            fn evaluate(&mut self, _: &[f64], gradient: &mut [f64]) -> f64 {
                gradient.fill(f64::NAN);
                f64::NAN
            }
        }
        let outcome = run(&mut Nonsense, vec![0.0], TIGHT);
        assert!(!outcome.converged && !outcome.value.is_finite());
    }
}
