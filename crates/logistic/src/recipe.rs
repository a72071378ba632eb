//! The recipe: what the fits of all engines have in common.

use bakeoff_core::{
    Classifier, FitContext, FitError, FitEvent, FitSummary, FittedModel, ModelSpec, Samples,
    SpecError, StepUnit,
};

use crate::{
    kernel::InstructionSet,
    objective::{Objective, Precision},
    options::Options,
    problem::{Problem, Solution},
    vector::largest,
};

/// The function of an engine that minimises the objective.
type SolveFn = fn(&Problem<'_>, &mut FitContext<'_>) -> Result<Solution, FitError>;

/// Multinomial logistic regression with an L2 penalty, not trained.
struct LogisticRegression {
    spec: ModelSpec,
    options: Options,
    solve: SolveFn,
}

/// The recipe that a resolved spec describes, solved by `solve`.
pub(crate) fn build(spec: &ModelSpec, solve: SolveFn) -> Result<Box<dyn Classifier>, SpecError> {
    Ok(Box::new(LogisticRegression {
        spec: spec.clone(),
        options: spec.settings()?,
        solve,
    }))
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
        let problem = Problem::new(train, &self.options)?;
        ctx.emit(&FitEvent::Started {
            unit: StepUnit::Iteration,
            total: Some(self.options.max_iterations),
        })?;
        let solution = (self.solve)(&problem, ctx)?;
        ctx.emit(&FitEvent::Finished(summary(&problem, &solution)?))?;
        Ok(Box::new(problem.model(&solution)))
    }
}

/// How the fit ended, measured the same way for every engine.
fn summary(problem: &Problem<'_>, solution: &Solution) -> Result<FitSummary, FitError> {
    let tolerance = problem.options.tolerance;
    let precision = Precision::for_tolerance(tolerance);
    let mut objective = Objective::new(&problem.data, InstructionSet::best(), precision);
    let mut gradient = vec![0.0; solution.parameters.len()];
    let mut loss = objective.evaluate(&solution.parameters, &mut gradient);
    if precision == Precision::Single && largest(&gradient) > tolerance {
        // Rounding alone must not be the reason to report that the fit did not converge.
        objective.precision = Precision::Double;
        loss = objective.evaluate(&solution.parameters, &mut gradient);
    }
    let steepest = largest(&gradient);
    // Even finite weights can overflow, so both are checked.
    if !(loss.is_finite() && steepest.is_finite()) {
        return Err(FitError::Diverged(format!(
            "the loss is {loss}; a smaller `c` keeps the weights small"
        )));
    }
    Ok(FitSummary {
        steps: solution.steps,
        converged: Some(steepest <= tolerance),
        final_loss: Some(loss),
        kernel: solution.kernel.map(String::from),
        ..FitSummary::default()
    })
}
