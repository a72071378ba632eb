//! The table: one row for each measure.

use bakeoff_core::record::{Costs, GivenCosts, Measured};
use bakeoff_metrics::{Evaluation, Metric, Predictions, zero_probabilities};

use crate::{Unit, format};

/// A result to take values from.
#[derive(Clone, Copy, Debug)]
pub struct TrialResult<'a> {
    /// Labels and probabilities.
    pub predictions: &'a Predictions<'a>,
    /// The scores that are computed once for all views.
    pub evaluation: &'a Evaluation,
    /// What the record says: costs and numbers of samples.
    pub measured: &'a Measured,
}

/// A number that is shown of a result.
#[derive(Debug)]
pub struct Measure {
    /// Its key in `leaderboard.json` and `leaderboard.csv`.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// How it is written.
    pub unit: Unit,
    /// What it tells of a result.
    pub kind: Kind,
    /// Which direction is better; `None` where neither is.
    pub better: Option<Better>,
    /// Where it is shown.
    pub shown: Shown,
    /// The same as a metric, which can be resampled for an interval.
    pub metric: Option<Metric>,
    /// Whether a model that only says the class has none.
    pub needs_probabilities: bool,
    /// Takes the value from a result, where that is not the metric's.
    take: fn(&TrialResult<'_>) -> Option<f64>,
}

/// What a measure tells of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// How good the answers are.
    Score,
    /// What the result took: time, memory, size.
    Cost,
    /// How many samples there were.
    Samples,
}

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// Where a measure is shown. Each place shows all that the later ones do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// In the tables of one model on the report page; scores in `metrics.json` too.
    Details,
    /// In `leaderboard.json` and `leaderboard.csv`.
    LeaderboardFiles,
    /// In the leaderboard of the report page.
    Page,
    /// In the terminal.
    Terminal,
    /// In short tables: Markdown, LaTeX, the index of runs.
    Summary,
}

impl TrialResult<'_> {
    fn costs(&self) -> &Costs {
        &self.measured.costs
    }

    /// `None` where nothing was trained.
    fn fit_seconds(&self) -> Option<f64> {
        match self.measured.trained_elsewhere {
            true => None,
            false => seconds(self.costs().fit_ns),
        }
    }
}

impl Measure {
    /// The value of a result; `None` where it is undefined or was not measured.
    pub fn value(&self, result: &TrialResult<'_>) -> Option<f64> {
        if self.needs_probabilities && result.predictions.are_labels_alone() {
            return None;
        }
        if let Some(external) = &result.measured.external {
            match self.kind {
                Kind::Score => {}
                Kind::Cost => return self.given(&external.given),
                Kind::Samples if *self == TEST_SAMPLES => {}
                Kind::Samples => return None,
            }
        }
        match self.metric {
            Some(metric) => result.evaluation.get(metric),
            None => (self.take)(result),
        }
    }

    /// A cost as the author of a model of another program gives it.
    fn given(&self, given: &GivenCosts) -> Option<f64> {
        if *self == FIT_TIME {
            given.fit_seconds
        } else if *self == LATENCY_P50 {
            given.predict_ms_per_image.map(|ms| 1e3 * ms)
        } else if *self == PARAMETERS {
            given.parameters.map(|count| count as f64)
        } else if *self == MODEL_SIZE {
            given.model_bytes.map(|bytes| bytes as f64)
        } else {
            None
        }
    }

    /// A value in words; `samples` as in [`Unit::write`].
    pub fn write(&self, value: f64, samples: usize) -> String {
        self.unit.write(value, samples)
    }

    /// A value that may be undefined, with a dash in its place.
    pub fn write_or_dash(&self, value: Option<f64>, samples: usize) -> String {
        format::or_nothing(value, |value| self.write(value, samples))
    }

    /// How much better one value is than another; negative where it is worse.
    pub fn gain(&self, value: f64, over: f64) -> f64 {
        match self.better {
            Some(Better::Lower) => over - value,
            _ => value - over,
        }
    }

    /// The row of a metric.
    pub fn of(metric: Metric) -> &'static Self {
        let row = MEASURES.iter().find(|row| row.metric == Some(metric));
        // Every metric has a row: a test sees to it.
        row.copied().unwrap_or(&ACCURACY)
    }

    /// The measures that a place shows, in order.
    pub fn shown_in(place: Shown) -> impl Iterator<Item = &'static Self> {
        MEASURES.iter().copied().filter(move |m| m.shown >= place)
    }
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

type Take = fn(&TrialResult<'_>) -> Option<f64>;

/// A score of the predictions: written with four decimals, higher is better.
const fn score(id: &'static str, label: &'static str, take: Take) -> Measure {
    Measure {
        id,
        label,
        unit: Unit::Score,
        kind: Kind::Score,
        better: Some(Better::Higher),
        shown: Shown::LeaderboardFiles,
        metric: None,
        needs_probabilities: false,
        take,
    }
}

/// A score that is a metric.
const fn metric(metric: Metric, id: &'static str, label: &'static str) -> Measure {
    Measure {
        metric: Some(metric),
        needs_probabilities: metric.needs_probabilities(),
        ..score(id, label, |_| None)
    }
}

/// A cost: lower is better.
const fn cost(id: &'static str, label: &'static str, unit: Unit, take: Take) -> Measure {
    Measure {
        kind: Kind::Cost,
        ..score(id, label, take).in_unit(unit).lower_is_better()
    }
}

/// A number of samples.
const fn samples(id: &'static str, label: &'static str, take: Take) -> Measure {
    Measure {
        kind: Kind::Samples,
        better: None,
        ..score(id, label, take).in_unit(Unit::Count)
    }
}

impl Measure {
    const fn in_unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    const fn lower_is_better(self) -> Self {
        let better = Some(Better::Lower);
        Self { better, ..self }
    }

    const fn higher_is_better(self) -> Self {
        let better = Some(Better::Higher);
        Self { better, ..self }
    }

    const fn of_probabilities(self) -> Self {
        let needs_probabilities = true;
        Self {
            needs_probabilities,
            ..self
        }
    }

    const fn shown(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }
}

/// A share of samples whose class is among the most probable ones.
const fn top_k(id: &'static str, label: &'static str, take: Take) -> Measure {
    score(id, label, take)
        .in_unit(Unit::Percent)
        .of_probabilities()
}

fn top(result: &TrialResult<'_>, k: usize) -> Option<f64> {
    let mut known = result.evaluation.top_k.iter();
    known.find(|top| top.k == k).map(|top| top.accuracy)
}

fn seconds(ns: u64) -> Option<f64> {
    Some(ns as f64 / 1e9)
}

fn microseconds(ns: u64) -> Option<f64> {
    Some(ns as f64 / 1e3)
}

macro_rules! measures {
    ($($(#[$doc:meta])+ $name:ident = $row:expr;)+) => {
        $($(#[$doc])+ pub static $name: Measure = $row;)+

        /// Every measure, in the order of tables and files.
        pub static MEASURES: &[&Measure] = &[$(&$name),+];
    };
}

measures! {
    /// Share of correct predictions on the test part.
    ACCURACY = metric(Metric::Accuracy, "accuracy", "accuracy")
        .in_unit(Unit::Percent).shown(Shown::Summary);
    /// Wrong predictions on the test part.
    ERRORS = score("errors", "errors", |r| {
        let confusion = &r.evaluation.confusion;
        Some((confusion.total() - confusion.correct()) as f64)
    }).in_unit(Unit::Count).lower_is_better().shown(Shown::Page);
    /// Mean recall over the classes that occur.
    BALANCED_ACCURACY = metric(Metric::BalancedAccuracy, "balanced_accuracy", "balanced accuracy")
        .in_unit(Unit::Percent);
    /// Share of samples whose class is among the two most probable ones; undefined with two classes.
    TOP_2_ACCURACY = top_k("top_2_accuracy", "top-2 accuracy", |r| top(r, 2))
        .shown(Shown::Details);
    /// Share of samples whose class is among the three most probable ones; undefined with
    /// three classes or fewer.
    TOP_3_ACCURACY = top_k("top_3_accuracy", "top-3 accuracy", |r| top(r, 3));
    /// Share of samples whose class is among the five most probable ones; undefined with five classes
    /// or fewer.
    TOP_5_ACCURACY = top_k("top_5_accuracy", "top-5 accuracy", |r| top(r, 5))
        .shown(Shown::Details);
    /// Mean precision over classes.
    MACRO_PRECISION = metric(Metric::MacroPrecision, "macro_precision", "macro precision");
    /// Mean recall over classes.
    MACRO_RECALL = metric(Metric::MacroRecall, "macro_recall", "macro recall");
    /// Mean F1 over classes.
    MACRO_F1 = metric(Metric::MacroF1, "macro_f1", "macro F1").shown(Shown::Summary);
    /// Mean precision, each class weighted by its samples.
    WEIGHTED_PRECISION =
        metric(Metric::WeightedPrecision, "weighted_precision", "weighted precision")
        .shown(Shown::Details);
    /// Mean recall, each class weighted by its samples; equals accuracy.
    WEIGHTED_RECALL = metric(Metric::WeightedRecall, "weighted_recall", "weighted recall")
        .shown(Shown::Details);
    /// Mean F1, each class weighted by its samples.
    WEIGHTED_F1 = metric(Metric::WeightedF1, "weighted_f1", "weighted F1");
    /// Correlation of actual and predicted classes, from −1 to 1.
    MATTHEWS_CORRELATION =
        metric(Metric::MatthewsCorrelation, "matthews_correlation", "Matthews correlation")
        .shown(Shown::Details);
    /// Agreement of actual and predicted classes beyond chance.
    COHEN_KAPPA = metric(Metric::CohenKappa, "cohen_kappa", "Cohen's kappa")
        .shown(Shown::Details);
    /// Mean one-vs-rest area under the ROC curve over the classes that have one.
    MACRO_AUC = metric(Metric::MacroAuc, "macro_auc", "macro AUC")
        .in_unit(Unit::Area).shown(Shown::Summary);
    /// Area under the ROC curve of all one-vs-rest decisions pooled.
    MICRO_AUC = score("micro_auc", "micro AUC", |r| r.evaluation.micro_auc).of_probabilities().in_unit(Unit::Area);
    /// As [`MACRO_AUC`], each class weighted by its samples.
    WEIGHTED_AUC = metric(Metric::WeightedAuc, "weighted_auc", "weighted AUC")
        .in_unit(Unit::Area).shown(Shown::Details);
    /// Mean area under the ROC curve of every two classes.
    ONE_VS_ONE_AUC = score("one_vs_one_auc", "one-vs-one AUC", |r| r.evaluation.one_vs_one_auc).of_probabilities()
        .in_unit(Unit::Area).shown(Shown::Details);
    /// Mean average precision over classes.
    MACRO_AVERAGE_PRECISION =
        score("macro_average_precision", "macro average precision", |r| {
            r.evaluation.macro_average_precision
        }).of_probabilities().shown(Shown::Details);
    /// Average precision of all one-vs-rest decisions pooled.
    MICRO_AVERAGE_PRECISION =
        score("micro_average_precision", "micro average precision", |r| {
            r.evaluation.micro_average_precision
        }).of_probabilities().shown(Shown::Details);
    /// Mean average precision, each class weighted by its samples.
    WEIGHTED_AVERAGE_PRECISION =
        score("weighted_average_precision", "weighted average precision", |r| {
            r.evaluation.weighted_average_precision
        }).of_probabilities().shown(Shown::Details);
    /// Mean negative log probability of the correct class, in nats, of the `f32` probabilities as `f64`.
    LOG_LOSS = metric(Metric::LogLoss, "log_loss", "log loss")
        .lower_is_better().shown(Shown::Summary);
    /// Samples whose correct class has a probability of 0. The log loss counts each as 36.04 nats,
    /// where its clipping ends.
    ZERO_PROBABILITIES = score("zero_probabilities", "correct class has probability 0", |r| {
        Some(zero_probabilities(r.predictions) as f64)
    }).of_probabilities().in_unit(Unit::Count).lower_is_better().shown(Shown::Details);
    /// Mean squared distance of the probabilities from the truth, from 0 to 2.
    BRIER_SCORE = metric(Metric::BrierScore, "brier_score", "Brier score").lower_is_better();
    /// Mean distance between confidence and accuracy, over 15 bins of equal width.
    EXPECTED_CALIBRATION_ERROR = metric(
        Metric::ExpectedCalibrationError, "expected_calibration_error", "expected calibration error"
    ).lower_is_better();
    /// As [`EXPECTED_CALIBRATION_ERROR`], over 15 bins of as many samples each.
    EQUAL_MASS_CALIBRATION_ERROR = score(
        "expected_calibration_error_equal_mass", "calibration error, equal bins", |r| {
            Some(r.evaluation.expected_calibration_error_equal_mass)
        }
    ).of_probabilities().lower_is_better().shown(Shown::Details);
    /// The largest distance between confidence and accuracy in any of 15 bins of equal width.
    MAXIMUM_CALIBRATION_ERROR =
        score("maximum_calibration_error", "maximum calibration error", |r| {
            Some(r.evaluation.maximum_calibration_error)
        }).of_probabilities().lower_is_better().shown(Shown::Details);
    /// Mean accuracy over all corruptions and severities, where the experiment asks for
    /// them. It is of a model, over its seeds, so a single result has none.
    CORRUPTED_ACCURACY =
        score("corrupted_accuracy", "accuracy on corrupted images", |_| None)
        .in_unit(Unit::Percent);
    /// Errors on corrupted images relative to the baseline's: 1 is as robust as the
    /// baseline, less is more robust. It is of a model, so a single result has none.
    MEAN_CORRUPTION_ERROR =
        score("mean_corruption_error", "mean corruption error", |_| None)
        .in_unit(Unit::Percent).lower_is_better();
    /// Training, wall clock.
    FIT_TIME = cost("fit_seconds", "fit time", Unit::Seconds, |r| r.fit_seconds())
        .shown(Shown::Summary);
    /// Training, processor time over all threads.
    FIT_CPU_TIME =
        cost("fit_cpu_seconds", "fit CPU time", Unit::Seconds, |r| seconds(r.costs().fit_cpu_ns?));
    /// Reading and splitting the dataset, wall clock.
    DATA_LOAD_TIME =
        cost("load_seconds", "data load time", Unit::Seconds, |r| seconds(r.costs().data_load_ns));
    /// Reading the saved model back, wall clock.
    MODEL_LOAD_TIME = cost("model_load_seconds", "model load time", Unit::Seconds, |r| {
        seconds(r.costs().model_load_ns)
    });
    /// Predicting the whole test part in one call, wall clock.
    PREDICT_TIME = cost("predict_seconds", "time for all test images", Unit::Seconds, |r| {
        seconds(r.costs().predict_ns)
    });
    /// Median time to predict one image alone.
    LATENCY_P50 = cost("latency_p50_us", "latency p50", Unit::Microseconds, |r| {
        microseconds(r.costs().latency.p50_ns)
    }).shown(Shown::Summary);
    /// 95 of 100 single images take less.
    LATENCY_P95 = cost("latency_p95_us", "latency p95", Unit::Microseconds, |r| {
        microseconds(r.costs().latency.p95_ns)
    });
    /// 99 of 100 single images take less.
    LATENCY_P99 = cost("latency_p99_us", "latency p99", Unit::Microseconds, |r| {
        microseconds(r.costs().latency.p99_ns)
    }).shown(Shown::Page);
    /// Test images predicted per second, all in one call.
    THROUGHPUT = cost("throughput_per_second", "throughput", Unit::PerSecond, |r| {
        Some(r.costs().throughput_per_second)
    }).higher_is_better().shown(Shown::Terminal);
    /// Memory that the fit and the predictions added to what was there before, data included.
    MEMORY = cost("memory_bytes", "memory", Unit::Bytes, |r| {
        Some(r.costs().memory_bytes()? as f64)
    }).shown(Shown::Terminal);
    /// Largest resident size of the trial's process, data included.
    PEAK_MEMORY = cost("peak_rss_bytes", "peak memory", Unit::Bytes, |r| {
        Some(r.costs().peak_rss_bytes? as f64)
    });
    /// Resident size before the fit, data included.
    MEMORY_BEFORE_FIT = cost("rss_before_fit_bytes", "memory before the fit", Unit::Bytes, |r| {
        Some(r.costs().rss_before_fit_bytes? as f64)
    }).shown(Shown::Details);
    /// Size of the saved model.
    MODEL_SIZE = cost("model_bytes", "model size", Unit::Bytes, |r| {
        Some(r.costs().model_bytes as f64)
    }).shown(Shown::Summary);
    /// Numbers that the fit chose or kept.
    PARAMETERS = cost("parameters", "parameters", Unit::Count, |r| {
        // 0 where nobody knows.
        (r.costs().parameters > 0).then_some(r.costs().parameters as f64)
    }).shown(Shown::Page);
    /// Samples trained on.
    TRAINING_SAMPLES =
        samples("train_samples", "training samples", |r| Some(r.measured.samples.train as f64));
    /// Samples held out to choose by.
    VALIDATION_SAMPLES = samples("validation_samples", "validation samples", |r| {
        Some(r.measured.samples.validation as f64)
    });
    /// Samples reported on.
    TEST_SAMPLES =
        samples("test_samples", "test samples", |r| Some(r.measured.samples.test as f64));
}

#[cfg(test)]
mod tests;
