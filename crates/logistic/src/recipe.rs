//! The family's settings and engines, and the recipe made of them.

use bakeoff_core::{
    Classifier, Engine, EngineCode, Family, FitContext, FitError, FitEvent, FitSummary,
    FittedModel, ModelSpec, Samples, Setting, SettingKind, SpecError, StepUnit,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    SoftmaxModel,
    kernel::Lanes,
    linfa, native,
    objective::{Objective, Precision},
    problem::{Problem, Solution},
    smartcore,
    vector::largest,
};

/// Logistic regression, as the zoo registers it.
pub static FAMILY: Family = Family {
    name: "logistic",
    title: "Logistic regression",
    summary: "A linear model of each class's log-odds with an L2 penalty: the baseline to beat.",
    engines: &[
        Engine {
            name: "native",
            summary: "preconditioned L-BFGS on fused products, all threads; the fastest",
            deterministic: true,
            code: CODE,
        },
        Engine {
            name: "linfa",
            summary: "linfa-logistic in double precision, one thread",
            deterministic: true,
            code: CODE,
        },
        Engine {
            name: "smartcore",
            summary: "smartcore in double precision, one thread; for a few thousand pictures at most",
            deterministic: true,
            code: CODE,
        },
    ],
    settings: &[&[
        Setting {
            key: "c",
            kind: SettingKind::Float {
                min: 1e-9,
                max: 1e9,
            },
            default: || json!(1.0),
            help: "inverse strength of the L2 penalty, with scikit-learn's meaning; smaller is smoother",
        },
        Setting {
            key: "max_iterations",
            kind: SettingKind::Int {
                min: 1,
                max: 1_000_000,
            },
            default: || json!(SMARTCORE_ITERATIONS),
            help: "iterations of the solver at most",
        },
        Setting {
            key: "tolerance",
            kind: SettingKind::Float {
                min: 1e-9,
                max: 1.0,
            },
            default: || json!(1e-4),
            help: "converged when no component of the mean loss's gradient is larger; scikit-learn's tol",
        },
    ]],
    uses_validation: false,
    is_baseline: false,
};

const CODE: Option<EngineCode> = Some(EngineCode {
    build: |spec| Ok(Box::new(LogisticRegression::new(spec)?)),
    load: |_, header, reader| Ok(Box::new(SoftmaxModel::load(header, reader)?)),
});

/// What smartcore is built with and cannot be told otherwise.
const SMARTCORE_ITERATIONS: u64 = 1000;

/// The settings, resolved.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Options {
    /// Inverse penalty.
    pub(crate) c: f64,
    /// At most so many iterations.
    pub(crate) max_iterations: u64,
    /// Largest component of the mean loss's gradient at convergence.
    pub(crate) tolerance: f64,
}

#[derive(Clone, Copy, Debug)]
enum Solver {
    Native,
    Linfa,
    Smartcore,
}

impl Solver {
    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Linfa => "linfa",
            Self::Smartcore => "smartcore",
        }
    }
}

/// Multinomial logistic regression with an L2 penalty, not trained.
#[derive(Clone, Debug)]
pub struct LogisticRegression {
    spec: ModelSpec,
    options: Options,
    solver: Solver,
}

impl LogisticRegression {
    /// A recipe from a spec that [`FAMILY`] resolved.
    ///
    /// # Errors
    /// When a setting is missing, or when the engine cannot do what one asks.
    pub fn new(spec: &ModelSpec) -> Result<Self, SpecError> {
        let options: Options = spec.settings()?;
        let solver = match spec.engine.as_str() {
            "native" => Solver::Native,
            "linfa" => Solver::Linfa,
            "smartcore" => {
                if options.max_iterations != SMARTCORE_ITERATIONS {
                    return Err(spec.unsupported(
                        "max_iterations",
                        format!("smartcore always allows {SMARTCORE_ITERATIONS}; leave it at that, or use another engine"),
                    ));
                }
                Solver::Smartcore
            }
            other => {
                return Err(SpecError::UnknownEngine {
                    family: FAMILY.name.into(),
                    engine: other.into(),
                    suggestion: None,
                    allowed: FAMILY.engines.iter().map(|e| e.name.into()).collect(),
                });
            }
        };
        Ok(Self {
            spec: spec.clone(),
            options,
            solver,
        })
    }

    /// As [`Classifier::fit`], from the weights of a model instead of from nothing:
    /// after a change of `c`, or of a few samples, most of the way is behind it.
    ///
    /// # Errors
    /// As `fit`; and when the model answers other pictures or classes, or the engine
    /// cannot start from a model (only `native` can).
    pub fn fit_from(
        &self,
        start: &SoftmaxModel,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<SoftmaxModel, FitError> {
        if !matches!(self.solver, Solver::Native) {
            return Err(FitError::Engine {
                engine: self.solver.name(),
                reason: "it cannot start from a model; `native` can".into(),
            });
        }
        let data = (train.images().shape(), train.classes());
        if (start.input_shape(), start.classes()) != data {
            return Err(FitError::Spec(self.spec.bad_data(format!(
                "the model to start from answers {} classes of {}, the samples are {} of {}",
                start.classes(),
                start.input_shape(),
                data.1,
                data.0
            ))));
        }
        self.run(Some(start), train, ctx)
    }

    fn run(
        &self,
        start: Option<&SoftmaxModel>,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<SoftmaxModel, FitError> {
        let problem = Problem::new(train, self.options)?;
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Iteration,
            total: Some(self.options.max_iterations),
        })?;
        let solution = match self.solver {
            Solver::Native => {
                let start = start.map(|model| problem.parameters(model));
                native::solve(&problem, start, ctx)
            }
            Solver::Linfa => linfa::solve(&problem),
            Solver::Smartcore => smartcore::solve(&problem),
        }?;
        let summary = self.judge(&problem, &solution)?;
        ctx.emit(&FitEvent::Finished(summary))?;
        Ok(problem.model(&solution))
    }

    /// How the fit ended, measured the same way for every engine.
    fn judge(&self, problem: &Problem<'_>, solution: &Solution) -> Result<FitSummary, FitError> {
        let tolerance = self.options.tolerance;
        let precision = native::precision_for(tolerance);
        let mut objective = Objective::new(&problem.data, Lanes::detect(), precision);
        let mut gradient = vec![0.0; solution.parameters.len()];
        let mut loss = objective.evaluate(&solution.parameters, &mut gradient);
        if objective.precision == Precision::Single && largest(&gradient) > tolerance {
            // Before it is said, rounding must not be what says it.
            objective.precision = Precision::Double;
            loss = objective.evaluate(&solution.parameters, &mut gradient);
        }
        let steepest = largest(&gradient);
        // Finite weights can still overflow; both must be looked at.
        if !(loss.is_finite() && steepest.is_finite()) {
            return Err(FitError::Diverged(format!(
                "the loss is {loss}; a smaller `c` keeps the weights small"
            )));
        }
        Ok(FitSummary {
            steps: solution.steps,
            converged: Some(steepest <= tolerance),
            final_loss: Some(loss),
            ..FitSummary::default()
        })
    }
}

impl Classifier for LogisticRegression {
    fn spec(&self) -> ModelSpec {
        self.spec.clone()
    }

    fn fit(
        &self,
        train: &Samples,
        ctx: &mut FitContext<'_>,
    ) -> Result<Box<dyn FittedModel>, FitError> {
        Ok(Box::new(self.run(None, train, ctx)?))
    }
}
