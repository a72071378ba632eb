//! The trials of a run, with everything that views show of them computed once.

use bakeoff_core::{
    ModelSpec, Probabilities, Samples,
    record::{External, Measured, PlannedTrial, Record, Run},
};
use bakeoff_measures::{
    FIT_TIME, Measure, TrialResult, Values,
    timing::{self, Range},
};
use bakeoff_metrics::{
    Confidence, Evaluation, Interval, Metric, OneVsRest, Predictions, statistics::mid_p,
};

use crate::results::{Fate, Results, read};

/// Stands after the name of a model of another program.
pub(crate) const EXTERNAL_MARK: &str = "†";

/// The trials of one model on one dataset: one for each seed.
pub(crate) struct Entry<'a> {
    /// The name the user gave the model.
    pub(crate) model: &'a str,
    /// The model's place among all models of the run; decides its colour everywhere.
    pub(crate) series: usize,
    /// Its trials, in the order of the plan.
    pub(crate) trials: Vec<Trial<'a>>,
}

/// A planned trial and what became of it.
pub(crate) struct Trial<'a> {
    /// As planned.
    pub(crate) planned: &'a PlannedTrial,
    /// Its record, if there is one.
    pub(crate) record: Option<&'a Record>,
    /// What became of it.
    pub(crate) fate: Fate<Box<Success<'a>>>,
}

/// A trial that succeeded, with all that its charts need.
pub(crate) struct Success<'a> {
    /// What the record says.
    pub(crate) measured: &'a Measured,
    /// Threads of the trial.
    pub(crate) threads: usize,
    /// The test part it was reported on.
    pub(crate) test: &'a Samples,
    /// Its answers.
    pub(crate) probabilities: &'a Probabilities,
    /// The same without calibration, where it was calibrated.
    pub(crate) uncalibrated: Option<&'a Probabilities>,
    /// The predicted class of each test sample.
    pub(crate) predicted: Vec<u16>,
    /// Every score that is computed once for all views.
    pub(crate) evaluation: Evaluation,
    /// Every number that is shown of it.
    pub(crate) values: Values,
    /// Every class ranked against the rest, for curves; `None` where only predicted classes are known.
    pub(crate) curves: Option<OneVsRest>,
}

impl<'a> Entry<'a> {
    /// The model's recipe: an entry has at least one trial.
    pub(crate) fn spec(&self) -> &'a ModelSpec {
        &self.trials[0].planned.trial.spec
    }

    /// Its successful trials, in the order of the plan.
    pub(crate) fn successes(&self) -> impl Iterator<Item = (&Trial<'a>, &Success<'a>)> {
        self.trials
            .iter()
            .filter_map(|trial| Some((trial, trial.success()?)))
    }

    /// The trial that stands for the model where only one can: the first successful one
    /// of the plan, which no score has chosen.
    pub(crate) fn example(&self) -> Option<(&Trial<'a>, &Success<'a>)> {
        self.successes().next()
    }

    /// The mean of something over its successful trials; `None` where there are none.
    pub(crate) fn mean(&self, value: impl Fn(&Success<'a>) -> f64) -> Option<f64> {
        mean(self.successes().map(|(_, success)| value(success)))
    }

    /// The mean of a measure over its successful trials; `None` as soon as one lacks it.
    pub(crate) fn mean_of(&self, measure: &Measure) -> Option<f64> {
        Values::mean(
            self.successes().map(|(_, success)| &success.values),
            measure,
        )
    }

    /// The range of a time over its successful trials; `None` for what has none.
    pub(crate) fn range_of(&self, measure: &Measure) -> Option<Range> {
        let ranges = self
            .successes()
            .map(|(_, success)| success.range_of(measure));
        let ranges: Vec<Range> = ranges.collect::<Option<_>>()?;
        ranges.into_iter().reduce(Range::and)
    }

    /// What is known of it where another program trained it.
    pub(crate) fn external(&self) -> Option<&'a External> {
        self.successes()
            .find_map(|(_, success)| success.measured.external.as_ref())
    }

    /// Its name in tables, with a mark where another program trained it.
    pub(crate) fn marked(&self) -> String {
        match self.external() {
            None => self.model.to_owned(),
            Some(_) => format!("{}\u{a0}{EXTERNAL_MARK}", self.model),
        }
    }

    /// Whether it was read from a file and not trained here.
    pub(crate) fn is_trained_elsewhere(&self) -> bool {
        let mut fits = self.successes();
        fits.any(|(_, success)| success.measured.trained_elsewhere)
    }

    /// Whether it answers without looking at the image.
    pub(crate) fn is_baseline(&self) -> bool {
        let mut fits = self.successes();
        fits.any(|(_, success)| success.measured.is_baseline)
    }

    /// The mean of a metric over its successful trials.
    pub(crate) fn mean_metric(&self, metric: Metric) -> Option<f64> {
        self.mean_of(Measure::of(metric))
    }

    /// Mean accuracy over its successful trials.
    pub(crate) fn mean_accuracy(&self) -> Option<f64> {
        self.mean(|success| success.evaluation.accuracy)
    }
}

impl<'a> Trial<'a> {
    pub(super) fn new(run: &'a Run, planned: &'a PlannedTrial) -> Self {
        Self {
            planned,
            record: run.records.get(&planned.id),
            fate: read(run, planned)
                .and_then(|results| Ok(Box::new(Success::new(run, planned, results)?))),
        }
    }

    /// Its measurements, if it succeeded.
    pub(crate) fn success(&self) -> Option<&Success<'a>> {
        self.fate.ok().map(Box::as_ref)
    }
}

impl<'a> Success<'a> {
    fn new(run: &'a Run, planned: &PlannedTrial, results: Results<'a>) -> Result<Self, String> {
        let Results {
            measured,
            predictions,
            host,
        } = results;
        let test = run
            .tests
            .get(&measured.test_fingerprint)
            .ok_or("the images of its test data are not available")?;
        let curves = OneVsRest::new(&predictions);
        let evaluation = Evaluation::of(&predictions, &curves);
        let values = Values::of(&TrialResult {
            predictions: &predictions,
            evaluation: &evaluation,
            measured,
        });
        Ok(Self {
            measured,
            threads: host.threads,
            test,
            probabilities: predictions.probabilities(),
            uncalibrated: run.uncalibrated.get(&planned.id),
            predicted: predictions.predicted().to_vec(),
            evaluation,
            values,
            curves: (!predictions.are_labels_alone()).then_some(curves),
        })
    }

    /// Labels and probabilities together, as the metrics take them.
    pub(crate) fn predictions(&self) -> Option<Predictions<'a>> {
        // They were together once already, in `new`.
        let found = Predictions::new(self.test.labels(), self.probabilities).ok()?;
        Some(match self.curves {
            Some(_) => found,
            None => found.of_labels_alone(),
        })
    }

    /// The probability that it gives a class of a sample; `None` where only predicted classes are
    /// known.
    pub(crate) fn probability(&self, sample: usize, class: u16) -> Option<f64> {
        self.curves.as_ref()?;
        Some(f64::from(
            self.probabilities.row(sample)[usize::from(class)],
        ))
    }

    /// The range of a time; `None` for what has none.
    pub(crate) fn range_of(&self, measure: &Measure) -> Option<Range> {
        let is_untimed_fit = *measure == FIT_TIME && self.measured.trained_elsewhere;
        match self.measured.external {
            Some(_) => None,
            None if is_untimed_fit => None,
            None => timing::range(measure, &self.measured.costs, self.threads),
        }
    }

    /// The 95 % interval of its accuracy.
    pub(crate) fn interval(&self) -> Interval {
        let confusion = &self.evaluation.confusion;
        mid_p(confusion.correct(), confusion.total(), Confidence::P95)
    }

    /// Wrong predictions.
    pub(crate) fn errors(&self) -> u64 {
        let confusion = &self.evaluation.confusion;
        confusion.total() - confusion.correct()
    }
}

/// The mean, or `None` of nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, n), x| (sum + x, n + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Nanoseconds of a record in seconds.
pub(crate) fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
