//! Hand-built runs: records as a trial would leave them, answers made up.
//!
//! Nothing here trains or measures. Numbers come from a fixed generator and from
//! arithmetic alone, so that they are the same on every machine.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

mod images;

use std::collections::BTreeMap;

use bakeoff_core::{
    ConvLayer, Corruption, DenseLayer, EpochMetrics, FitSummary, ImageShape, Images, Layer, Layers,
    ModelSpec, PoolLayer, Probabilities, Samples,
    record::{
        CalibrationResult, CorruptionScore, Costs, Cut, DataRef, Host, IterationPoint, Latency,
        Load, Measured, Outcome, PlannedTrial, Record, Run, RunInfo, SCHEMA, SampleCounts,
        SaveName, Scores, Sidecar, SplitSpec, Stage, Timing, TrialSpec, ValidationSpec,
    },
};
use serde_json::{Value, json};

pub use images::*;
/// What becomes of a planned trial.
pub enum Fate {
    Ok(Box<Measured>, Probabilities),
    Failed(Stage, String),
    Missing,
}

/// A run in the making.
pub struct Builder {
    run: Run,
}

impl Builder {
    pub fn new(experiment: &str, data: &[&Data]) -> Self {
        Self {
            run: Run {
                info: RunInfo {
                    schema: SCHEMA,
                    name: format!("{experiment}-20260102"),
                    experiment: experiment.to_owned(),
                    experiment_toml: format!(
                        "# Made by hand.\n[experiment]\nname = \"{experiment}\"\n"
                    ),
                    command: format!("bakeoff run {experiment}.toml --seed 1"),
                    planned_at: "2026-01-02T03:04:05Z".to_owned(),
                    version: "0.1.0".to_owned(),
                    datasets: data.iter().map(|data| data.info.clone()).collect(),
                    robustness_baseline: None,
                    search: None,
                },
                plan: Vec::new(),
                records: BTreeMap::new(),
                probabilities: BTreeMap::new(),
                uncalibrated: BTreeMap::new(),
                corrupted: BTreeMap::new(),
                cuts: BTreeMap::new(),
                tests: data
                    .iter()
                    .map(|data| (data.info.test_fingerprint.clone(), data.test.clone()))
                    .collect(),
            },
        }
    }

    pub fn trial(self, data: &Data, model: &str, family: &str, seed: u64, fate: Fate) -> Self {
        self.variant(data, (model, family, seed), fate, |_| {})
    }

    /// A trial that is not planned as the headline trials are.
    pub fn variant(
        mut self,
        data: &Data,
        (model, family, seed): (&str, &str, u64),
        fate: Fate,
        change: impl Fn(&mut TrialSpec),
    ) -> Self {
        let settings = match family {
            "knn" => json!({"k": 3, "metric": "l2", "weights": "uniform"}),
            "logistic" => json!({"c": 1.0, "max_iterations": 1000, "tolerance": 1e-4}),
            _ => json!({"batch_size": 128, "epochs": 10, "hidden": [128], "dropout": 0.2,
                        "learning_rate": 0.001, "schedule": "one-cycle"}),
        };
        let engine = match family {
            "knn" => "native",
            "logistic" => "linfa",
            _ => "burn-flex",
        };
        let mut trial = TrialSpec {
            schema: SCHEMA,
            model: model.to_owned(),
            spec: ModelSpec {
                family: family.to_owned(),
                engine: engine.to_owned(),
                settings: match settings {
                    Value::Object(settings) => settings.into_iter().collect(),
                    _ => BTreeMap::new(),
                },
            },
            data: DataRef {
                name: data.info.name.clone(),
                source: data.info.source.clone(),
                fingerprint: data.info.fingerprint.clone(),
                limit_train: None,
                limit_test: None,
                train_fraction: None,
                options: Default::default(),
            },
            split: SplitSpec::Given,
            validation: ValidationSpec {
                fraction: 0.1,
                seed: 1,
                own_seed: None,
            },
            calibration: None,
            robustness: None,
            importance: None,
            seed,
        };
        change(&mut trial);
        let id = trial.id();
        let outcome = match fate {
            Fate::Missing => None,
            Fate::Failed(stage, reason) => Some(Outcome::Failed {
                stage,
                reason,
                cause: None,
            }),
            Fate::Ok(measured, probabilities) => {
                self.run.probabilities.insert(id.clone(), probabilities);
                Some(Outcome::Ok(measured))
            }
        };
        if let Some(outcome) = outcome {
            let record = Record {
                schema: SCHEMA,
                id: id.clone(),
                trial: trial.clone(),
                outcome,
                host: Host {
                    cpu: "A Processor of 2026".to_owned(),
                    logical_cpus: 2,
                    memory_bytes: 8_000_000_000,
                    os: "Linux 6.1".to_owned(),
                    arch: "x86_64".to_owned(),
                    instruction_sets: vec!["avx2".to_owned(), "avx512f".to_owned()],
                    threads: 2,
                    version: "0.1.0".to_owned(),
                    finished_at: format!("2026-01-02T03:{:02}:00Z", self.run.plan.len() % 60),
                },
                attempt: None,
                seal: None,
            };
            self.run.records.insert(id.clone(), record);
        }
        self.run.plan.push(PlannedTrial {
            index: self.run.plan.len(),
            id,
            save_as: Some(SaveName {
                dataset: trial.data.name.clone(),
                model: trial.model.clone(),
            }),
            time_limit_seconds: None,
            resources: None,
            memory_limit_mb: None,
            trial,
        });
        self
    }

    /// A trial that went well, with made-up answers.
    pub fn ok(self, data: &Data, model: &str, family: &str, seed: u64, accuracy: f64) -> Self {
        let probabilities = answers(&data.test, accuracy, 1000 * seed + model.len() as u64);
        let measured = measured(data, family, accuracy, seed);
        self.trial(
            data,
            model,
            family,
            seed,
            Fate::Ok(Box::new(measured), probabilities),
        )
    }

    /// More trials for a run.
    pub fn from(run: Run) -> Self {
        Self { run }
    }

    pub fn build(self) -> Run {
        self.run
    }
}

/// Everything that an experiment can ask for, of four families on so many digits: three
/// seeds, five folds, smaller training parts, calibration and all corruptions.
pub fn everything(samples: usize) -> Run {
    let digits = digits("mnist", samples);
    let models = [
        ("logistic", 0.926),
        ("knn", 0.9705),
        ("ann", 0.979),
        ("cnn", 0.9912),
    ];
    let mut builder = Builder::new("everything", &[&digits]);
    builder.run.info.robustness_baseline = Some("logistic".to_owned());
    let ok = |model: &str, seed: u64, accuracy: f64| {
        let probabilities = answers(&digits.test, accuracy, 1000 * seed + model.len() as u64);
        let mut measured = measured(&digits, model, accuracy, seed);
        measured.robustness = corrupted(&digits, accuracy);
        measured.calibration = (model != "knn").then(|| CalibrationResult {
            temperature: 1.25,
            validation_log_loss_before: 0.2,
            validation_log_loss_after: 0.15,
            at_bound: false,
            uncalibrated_scores: Scores::default(),
            uncalibrated: Sidecar {
                file: "x.uncalibrated".to_owned(),
                sha256: "0".repeat(64),
            },
        });
        (measured, probabilities)
    };
    for (model, accuracy) in models {
        let seeds = if model == "knn" { 1 } else { 3 };
        for seed in 1..=seeds {
            let (measured, probabilities) = ok(model, seed, accuracy - 0.001 * seed as f64);
            let uncalibrated = sharpened(&probabilities);
            let fate = Fate::Ok(Box::new(measured), probabilities);
            builder = builder.trial(&digits, model, model, seed, fate);
            let id = builder.run.plan[builder.run.plan.len() - 1].id.clone();
            builder.run.uncalibrated.insert(id.clone(), uncalibrated);
            let corrupted = corrupted_answers(&digits, accuracy - 0.001 * seed as f64);
            builder.run.corrupted.insert(id, corrupted);
        }
        for (share, loss) in [(0.01, 0.12), (0.03, 0.08), (0.1, 0.04), (0.3, 0.02)] {
            let (mut measured, probabilities) = ok(model, 1, accuracy - loss);
            measured.robustness.clear();
            measured.calibration = None;
            for count in [
                &mut measured.samples.train,
                &mut measured.samples.validation,
            ] {
                *count = (*count as f64 * share) as usize;
            }
            measured.costs.fit_ns = (measured.costs.fit_ns as f64 * share) as u64;
            let fate = Fate::Ok(Box::new(measured), probabilities);
            builder = builder.variant(&digits, (model, model, 1), fate, |trial| {
                trial.data.train_fraction = Some(share);
            });
        }
        for fold in 1..=5 {
            let labels: Vec<u16> = (0..samples).map(|i| ((i * 3 + fold) % 10) as u16).collect();
            let images = Images::new(ImageShape::new(1, 1, 1), vec![0; samples]).unwrap();
            let part = Samples::new(images, labels.clone(), digits.info.class_names.clone());
            let lucky = accuracy + 0.002 * fold as f64 - 0.006;
            let probabilities = answers(&part.unwrap(), lucky, fold as u64);
            let mut measured = measured(&digits, model, accuracy, 1);
            measured.samples = SampleCounts {
                train: 4 * samples,
                validation: 0,
                test: samples,
            };
            measured.test_fingerprint = format!("fold {fold}");
            builder.run.cuts.insert(
                measured.test_fingerprint.clone(),
                Cut {
                    labels,
                    indices: (0..samples as u32).collect(),
                    files: None,
                },
            );
            let fate = Fate::Ok(Box::new(measured), probabilities);
            builder = builder.variant(&digits, (model, model, 1), fate, |trial| {
                trial.split = SplitSpec::Fold {
                    fold,
                    folds: 5,
                    repeat: 1,
                    seed: 1,
                };
            });
        }
    }
    builder.build()
}

/// The same answers, each too sure of itself.
fn sharpened(probabilities: &Probabilities) -> Probabilities {
    let rows = probabilities.rows().flat_map(|row| {
        let squares: Vec<f32> = row.iter().map(|p| p * p).collect();
        let sum: f32 = squares.iter().sum();
        squares.into_iter().map(move |p| p / sum)
    });
    Probabilities::new(probabilities.classes(), rows.collect()).unwrap()
}

/// Scores that fall with every severity, faster for some corruptions.
fn corrupted(data: &Data, accuracy: f64) -> Vec<CorruptionScore> {
    let mut scores = Vec::new();
    for (place, corruption) in Corruption::ALL.into_iter().enumerate() {
        for severity in 1..=Corruption::SEVERITIES {
            let loss = 0.006 * (place + 1) as f64 * f64::from(severity) * (2.0 - accuracy);
            let total = data.test.len() as u64;
            scores.push(CorruptionScore {
                corruption,
                severity,
                correct: ((accuracy - loss).max(0.1) * total as f64) as u64,
                total,
                log_loss: 0.1 + loss,
                mean_confidence: 0.9,
            });
        }
    }
    scores
}

/// Predictions with those scores: the first samples of each set are right.
fn corrupted_answers(data: &Data, accuracy: f64) -> Vec<u16> {
    let labels = data.test.labels();
    let answers = corrupted(data, accuracy).into_iter().flat_map(|score| {
        let right = score.correct as usize;
        labels.iter().enumerate().map(
            move |(i, &label)| {
                if i < right { label } else { (label + 1) % 10 }
            },
        )
    });
    answers.collect()
}

/// Calls on two threads that had the processors for themselves.
pub fn timings(median_ns: u64, count: u64) -> Vec<Timing> {
    (0..count)
        .map(|call| {
            let wall_ns = median_ns * (98 + 2 * call) / (96 + 2 * count.div_ceil(2));
            Timing {
                wall_ns,
                cpu_ns: Some(wall_ns * 19 / 10),
                waited_ns: Some(wall_ns / 50),
                preemptions: Some(3),
                stolen_ns: Some(0),
            }
        })
        .collect()
}

/// Measurements such as a family would have.
pub fn measured(data: &Data, family: &str, accuracy: f64, seed: u64) -> Measured {
    let (fit_ns, p50_ns, model_bytes, parameters) = match family {
        "knn" => (12_300_000, 1_420_000, 47_104_000, 47_040_000),
        "logistic" => (29_700_000_000, 21_000, 63_100, 7_850),
        "ann" => (3_120_000_000, 96_000, 407_500, 101_770),
        _ => (52_400_000_000, 412_000, 4_800_000, 421_642),
    };
    let jitter = 1.0 + 0.03 * seed as f64;
    let scaled = |ns: u64| (ns as f64 * jitter) as u64;
    let learns = matches!(family, "ann" | "cnn");
    let validation = if learns { 6_000 } else { 0 };
    let epochs = if learns { 10 } else { 0 };
    let error = 1.0 - accuracy;
    Measured {
        samples: SampleCounts {
            train: 60_000 - validation,
            validation,
            test: data.test.len(),
        },
        costs: Costs {
            data_load_ns: 310_000_000,
            fit_ns: scaled(fit_ns),
            fit_cpu_ns: Some(scaled(fit_ns) * 19 / 10),
            fits: timings(scaled(fit_ns), if fit_ns < 1_000_000_000 { 5 } else { 1 }),
            predict_ns: scaled(p50_ns) * data.test.len() as u64 / 7,
            predict_repeats: 3,
            predictions: timings(scaled(p50_ns) * data.test.len() as u64 / 7, 3),
            throughput_per_second: 7e9 / scaled(p50_ns) as f64,
            latency: Latency {
                calls: 1000,
                warmup_calls: 50,
                p50_ns: scaled(p50_ns),
                p95_ns: scaled(p50_ns) * 13 / 10,
                p99_ns: scaled(p50_ns) * 19 / 10,
                p50_interval_ns: Some((scaled(p50_ns) * 99 / 100, scaled(p50_ns) * 102 / 100)),
                least_ns: Some(scaled(p50_ns) * 9 / 10),
                all: Some(timings(scaled(p50_ns) * 1000, 1)[0]),
            },
            model_load_ns: 4_200_000,
            model_bytes,
            parameters,
            peak_rss_bytes: (family != "logistic").then_some(612_000_000),
            rss_before_fit_bytes: Some(120_000_000),
            fit_peak_rss_bytes: (family != "logistic").then_some(240_000_000),
            predict_peak_rss_bytes: (family != "logistic").then_some(190_000_000),
            load: Some(Load {
                average: 0.25,
                running: 0,
            }),
            robustness_ns: None,
        },
        varies_with_seed: None,
        is_baseline: family == "dummy",
        trained_elsewhere: false,
        fit: FitSummary {
            steps: if learns { epochs } else { 251 },
            converged: (family == "logistic").then_some(true),
            best_epoch: learns.then_some(8),
            stopped_early: false,
            final_loss: (family == "logistic").then_some(0.2345),
            kernel: None,
        },
        epochs: (1..=epochs)
            .map(|epoch| {
                let left = 1.0 / epoch as f64;
                EpochMetrics {
                    epoch,
                    epochs,
                    train_loss: error * 3.0 * left + 0.3 * left * left,
                    train_accuracy: 1.0 - error * left - 0.05 * left * left,
                    validation_loss: Some(error * 3.2 + 0.1 * left + 0.0008 * epoch as f64),
                    validation_accuracy: Some(1.0 - error * (1.0 + 0.8 * left)),
                    learning_rate: 0.001 * left,
                }
            })
            .collect(),
        iterations: if family == "logistic" {
            (1..=251)
                .map(|iteration| IterationPoint {
                    iteration,
                    loss: 0.2345 + 2.0 / iteration as f64,
                })
                .collect()
        } else {
            Vec::new()
        },
        scores: Scores {
            accuracy,
            log_loss: 0.1,
        },
        test_fingerprint: data.info.test_fingerprint.clone(),
        probabilities: Sidecar {
            file: "x.probabilities".to_owned(),
            sha256: "0".repeat(64),
        },
        calibration: None,
        robustness: Vec::new(),
        corrupted: None,
        importance: None,
        external: None,
    }
}

/// A small network of made-up weights, with every kind of layer.
pub fn network(input: ImageShape, classes: usize) -> Layers {
    let mut dice = Dice::new(11);
    let mut values = |count: usize| -> Vec<f32> {
        (0..count)
            .map(|_| dice.share() as f32 * 0.5 - 0.25)
            .collect()
    };
    let conv = ConvLayer {
        filters: 2,
        groups: 1,
        kernel: [3, 3],
        stride: [1, 1],
        pad: [1, 1, 1, 1],
        weights: values(2 * input.channels * 9),
        bias: values(2),
    };
    let pool = PoolLayer {
        size: [2, 2],
        stride: [2, 2],
    };
    let inputs = 2 * (input.height / 2) * (input.width / 2);
    let dense = DenseLayer {
        weights: values(classes * inputs),
        bias: values(classes),
    };
    let layers = vec![
        Layer::Conv(conv),
        Layer::Relu,
        Layer::MaxPool(pool),
        Layer::Dense(dense),
    ];
    Layers::new(input, 1.0 / 255.0, layers).unwrap()
}

/// Four families on ten thousand digits.
pub fn four_families(samples: usize) -> Run {
    let digits = digits("mnist", samples);
    Builder::new("default", &[&digits])
        .ok(&digits, "logistic", "logistic", 1, 0.926)
        .ok(&digits, "knn", "knn", 1, 0.9705)
        .ok(&digits, "ann", "ann", 1, 0.979)
        .ok(&digits, "cnn", "cnn", 1, 0.9912)
        .build()
}
