//! From the analysis to the types of `metrics.json`.

use std::collections::BTreeMap;

use bakeoff_core::record::{External, Purpose, Timing};
use bakeoff_measures::{
    FIT_TIME, Kind, LATENCY_P50, MEASURES, Measure,
    timing::{Disturbances, lost_share},
};
use bakeoff_metrics::{Agreement, Predictions};

use super::metrics::{
    AgreementMetrics, ClassMetrics, CostMetrics, DatasetMetrics, DifferenceMetrics,
    ExternalMetrics, FORMAT, MetricsExport, ModelMetrics, PairMetrics, RangeMetrics,
    RobustnessMetrics, ScoreMetrics, TimingMetrics, TrialMetrics, VariantMetrics,
};
use crate::analysis::{
    Analysis, Entry, Group, Success, Trial, seconds,
    significance::{ModelScores, PairDifference},
};

/// Gathers what the analysis has computed.
pub(crate) fn metrics(analysis: &Analysis<'_>) -> MetricsExport {
    let info = &analysis.run.info;
    MetricsExport {
        format: FORMAT,
        bakeoff: info.version.clone(),
        run: info.name.clone(),
        experiment: info.experiment.clone(),
        confidence: 0.95,
        datasets: analysis.groups.iter().map(dataset).collect(),
    }
}

fn dataset(group: &Group<'_>) -> DatasetMetrics {
    let found = &group.significance;
    let name = |model: usize| group.entries[found.models[model].entry].model.to_owned();
    DatasetMetrics {
        name: group.name.to_owned(),
        fingerprint: group.data.map(|data| data.fingerprint.clone()),
        test_fingerprint: group.data.map(|data| data.test_fingerprint.clone()),
        class_names: group
            .data
            .map_or_else(Vec::new, |data| data.class_names.clone()),
        models: group
            .entries
            .iter()
            .enumerate()
            .map(|(index, entry)| model(group, index, entry))
            .collect(),
        pairs: found
            .pairs
            .iter()
            .map(|pair| pair_metrics(pair, name(pair.first), name(pair.second)))
            .collect(),
        agreement: agreement(group),
        variants: group
            .variants
            .points
            .iter()
            .map(|point| VariantMetrics {
                model: point.model.to_owned(),
                purpose: purpose_name(point.purpose).to_owned(),
                reported_on: point.split.to_string(),
                train_samples: point.samples.train,
                validation_samples: point.samples.validation,
                test_samples: point.samples.test,
                accuracy: point.accuracy,
                macro_f1: point.macro_f1,
                log_loss: point.log_loss,
                fit_seconds: point.fit_seconds,
            })
            .collect(),
    }
}

fn model(group: &Group<'_>, index: usize, entry: &Entry<'_>) -> ModelMetrics {
    let spec = entry.spec();
    let scores = group.significance.of_entry(index);
    ModelMetrics {
        model: entry.model.to_owned(),
        family: spec.family.clone(),
        engine: spec.engine.clone(),
        settings: spec.settings.clone(),
        tied_with_best: scores.map(|scores| scores.tied_with_best),
        scores: scores.map_or_else(BTreeMap::new, headline_scores),
        robustness: group.robustness.as_ref().and_then(|found| {
            let own = found.of_entry(index)?;
            let names = found.corruptions.iter().map(|c| c.name().to_owned());
            Some(RobustnessMetrics {
                mean_accuracy: own.mean,
                mean_corruption_error: own.error,
                baseline: found.baseline.clone(),
                p_against_best: own.against_best.map(|test| test.p),
                accuracy: names.zip(own.accuracy.iter().cloned()).collect(),
            })
        }),
        trials: entry
            .trials
            .iter()
            .map(|trial| trial_metrics(group, trial))
            .collect(),
    }
}

fn headline_scores(scores: &ModelScores) -> BTreeMap<String, ScoreMetrics> {
    let named = scores.scores.iter().map(|score| {
        let found = ScoreMetrics {
            mean: score.value,
            interval: score.interval.ok(),
            no_interval: score.interval.err(),
            seed_deviation: score.seeds.map(|seeds| seeds.deviation),
        };
        (Measure::of(score.metric).id.to_owned(), found)
    });
    named.collect()
}

/// The purpose of a trial in files.
pub(super) fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Headline => "headline",
        Purpose::DataSize => "data-size",
        Purpose::Resampling => "resampling",
    }
}

/// A headline trial.
pub(super) fn trial_metrics(group: &Group<'_>, trial: &Trial<'_>) -> TrialMetrics {
    let success = trial.success();
    let id = &trial.planned.id;
    let intervals = || {
        let intervals = group.significance.of_trial(id).iter();
        intervals.map(|(metric, interval)| (Measure::of(*metric).id.to_owned(), *interval))
    };
    TrialMetrics {
        trial: id.clone(),
        seed: trial.planned.trial.seed,
        status: trial.fate.status().as_str().to_owned(),
        reason: trial.fate.reason().map(str::to_owned),
        scores: success.map_or_else(BTreeMap::new, |success| {
            let scores = MEASURES.iter().filter(|m| m.kind == Kind::Score);
            let defined = scores.filter_map(|m| Some((m.id.to_owned(), success.values.get(m)?)));
            defined.collect()
        }),
        intervals: intervals()
            .filter_map(|(name, interval)| Some((name, interval.ok()?)))
            .collect(),
        no_interval: intervals()
            .filter_map(|(name, interval)| Some((name, interval.err()?)))
            .collect(),
        classes: success.map_or_else(Vec::new, classes),
        confusion: success.map_or_else(Vec::new, |success| {
            let confusion = &success.evaluation.confusion;
            let rows = confusion.counts().chunks(confusion.classes());
            rows.map(<[u64]>::to_vec).collect()
        }),
        costs: success
            .filter(|success| success.measured.external.is_none())
            .map(costs),
        external: success.and_then(|success| Some(external(success.measured.external.as_ref()?))),
    }
}

fn external(external: &External) -> ExternalMetrics {
    let given = external.given;
    ExternalMetrics {
        file: external.file.clone(),
        sha256: external.sha256.clone(),
        labels_alone: external.labels_alone,
        given_fit_seconds: given.fit_seconds,
        given_predict_ms_per_image: given.predict_ms_per_image,
        given_parameters: given.parameters,
        given_model_bytes: given.model_bytes,
        notes: external.notes.clone(),
        remarks: external.remarks.clone(),
        warnings: external.warnings.clone(),
    }
}

fn classes(success: &Success<'_>) -> Vec<ClassMetrics> {
    success
        .evaluation
        .per_class
        .iter()
        .zip(success.test.class_names())
        .map(|(class, name)| ClassMetrics {
            class: name.clone(),
            support: class.support,
            predicted: class.predicted,
            precision: class.precision,
            recall: class.recall,
            f1: class.f1,
            auc: class.auc,
            average_precision: class.average_precision,
        })
        .collect()
}

fn costs(success: &Success<'_>) -> CostMetrics {
    let (samples, costs) = (&success.measured.samples, &success.measured.costs);
    let disturbed = Disturbances::of(costs);
    let range = |measure: &Measure, scale: f64| {
        let range = success.range_of(measure)?;
        Some(RangeMetrics {
            low: range.low * scale,
            high: range.high * scale,
        })
    };
    let calls = |calls: &[Timing]| calls.iter().map(timing).collect();
    CostMetrics {
        train_samples: samples.train,
        validation_samples: samples.validation,
        test_samples: samples.test,
        fit_seconds: (!success.measured.trained_elsewhere).then(|| seconds(costs.fit_ns)),
        fit_seconds_range: range(&FIT_TIME, 1.0),
        fit_cpu_seconds: costs.fit_cpu_ns.map(seconds),
        fits: calls(&costs.fits),
        fit_disturbed: disturbed.fit,
        predict_seconds: seconds(costs.predict_ns),
        predictions: calls(&costs.predictions),
        predict_disturbed: disturbed.batch,
        latency_p50_seconds: seconds(costs.latency.p50_ns),
        latency_p50_seconds_range: range(&LATENCY_P50, 1e-6),
        latency_disturbed: disturbed.latency,
        latency_p95_seconds: seconds(costs.latency.p95_ns),
        latency_p99_seconds: seconds(costs.latency.p99_ns),
        memory_bytes: costs.memory_bytes(),
        peak_rss_bytes: costs.peak_rss_bytes,
        load_average: costs.load.map(|load| load.average),
        model_bytes: costs.model_bytes,
        parameters: costs.parameters,
    }
}

fn timing(timing: &Timing) -> TimingMetrics {
    TimingMetrics {
        seconds: seconds(timing.wall_ns),
        cpu_seconds: timing.cpu_ns.map(seconds),
        lost_share: lost_share(timing),
    }
}

fn pair_metrics(pair: &PairDifference, first: String, second: String) -> PairMetrics {
    PairMetrics {
        first,
        second,
        claim: pair.claim,
        probability_ahead: pair.together.map(|together| together.probability_ahead()),
        detectable_difference: pair.detectable,
        only_first: pair.swap.first_ahead,
        only_second: pair.swap.second_ahead,
        exact_p: pair.swap.exact_p,
        mid_p: pair.swap.mid_p,
        distinguishable: pair.differs(),
        differences: pair
            .differences
            .iter()
            .map(|difference| {
                let found = DifferenceMetrics {
                    difference: difference.value,
                    interval: difference.interval.ok(),
                    no_interval: difference.interval.err(),
                    p: difference.p,
                    adjusted_p: difference.adjusted_p,
                };
                (Measure::of(difference.metric).id.to_owned(), found)
            })
            .collect(),
    }
}

fn agreement(group: &Group<'_>) -> Option<AgreementMetrics> {
    let models: Vec<Predictions<'_>> = group
        .entries
        .iter()
        .filter_map(|entry| entry.example()?.1.predictions())
        .collect();
    let models: Vec<&Predictions<'_>> = models.iter().collect();
    if models.len() < 2 {
        return None;
    }
    let found = Agreement::new(&models).ok()?;
    Some(AgreementMetrics {
        missed_by_all: found.missed_by_all(),
        oracle_accuracy: found.oracle_accuracy(),
        soft_vote_accuracy: match models.iter().any(|model| model.are_labels_alone()) {
            true => None,
            false => found.soft_vote_accuracy().ok(),
        },
    })
}
