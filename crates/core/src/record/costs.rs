//! What a trial cost, and whether it had the machine for itself.
//!
//! A time alone does not say whether other programs ran beside it. Each timed call therefore
//! comes with what the system knows about that ([`Timing`]); what follows from it is decided
//! where costs are shown.

use serde::{Deserialize, Serialize};

/// A timed call. What only Linux reports is `None` elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Wall clock.
    pub wall_ns: u64,
    /// Processor time of the process, over all threads.
    pub cpu_ns: Option<u64>,
    /// Time in which threads of the process could have run and waited for a processor, over
    /// all threads (Linux).
    pub waited_ns: Option<u64>,
    /// How often a thread lost its processor to another one before it wanted to (Linux).
    pub preemptions: Option<u64>,
    /// Time that a virtual machine's processors, all together, did not get from their host, in
    /// steps of 10 ms (Linux).
    pub stolen_ns: Option<u64>,
}

/// What else was running on the machine before a trial (Linux).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The load average over the last minute. It holds what the trial before did.
    pub average: f64,
    /// Threads that ran or could have run at that moment, apart from the one that asked.
    pub running: u64,
}

/// Time to predict one image alone, after warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Timed predictions.
    pub calls: usize,
    /// Predictions before them, which were not timed.
    pub warmup_calls: usize,
    /// Median.
    pub p50_ns: u64,
    /// 95th percentile.
    pub p95_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
    /// The 95 % interval of the median by order statistics; `None` in records of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_interval_ns: Option<(u64, u64)>,
    /// The fastest of the predictions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_ns: Option<u64>,
    /// The timed predictions together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Timing>,
}

/// The costs of a trial, each measured separately. METHODOLOGY.md says how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Reading and splitting the dataset, wall clock.
    pub data_load_ns: u64,
    /// `fit`, wall clock, median of `fits`; with calibration, it includes predicting the
    /// validation part and fitting the temperature.
    pub fit_ns: u64,
    /// `fit`, processor time over all threads, median of `fits`; `None` if the system does not
    /// report it.
    pub fit_cpu_ns: Option<u64>,
    /// Every fit. The first one gave the model; short ones are repeated with the same seed for
    /// their time alone. Empty in records of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fits: Vec<Timing>,
    /// `predict_proba` on the whole test part at once, wall clock, median of the repeats.
    pub predict_ns: u64,
    /// How often the whole test part was predicted.
    pub predict_repeats: usize,
    /// Every one of these. Empty in records of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predictions: Vec<Timing>,
    /// Test samples per second in that call.
    pub throughput_per_second: f64,
    /// One image at a time.
    pub latency: Latency,
    /// Reading the saved model, wall clock.
    pub model_load_ns: u64,
    /// Size of the saved model in bytes.
    pub model_bytes: u64,
    /// [`crate::FittedModel::parameters`].
    pub parameters: u64,
    /// The largest resident size of the trial's process until the fit and the predictions
    /// were done, data included; `None` if the system does not report it.
    pub peak_rss_bytes: Option<u64>,
    /// Resident size before the fit, data included.
    pub rss_before_fit_bytes: Option<u64>,
    /// The largest resident size during the first fit; `None` where it cannot be measured
    /// apart from what was before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit_peak_rss_bytes: Option<u64>,
    /// The largest resident size while the test part was predicted, at once and one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predict_peak_rss_bytes: Option<u64>,
    /// Corrupting the reported images and predicting them, wall clock, for all corruptions
    /// in every severity together; `None` if the experiment has none.
    pub robustness_ns: Option<u64>,
    /// What ran on the machine before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
}

impl Costs {
    /// The memory that the model added to what was there before the fit: the larger of what the
    /// first fit and the predictions added. The training data were in memory all the time.
    /// `None` where it was not measured.
    pub fn memory_bytes(&self) -> Option<u64> {
        let peak = self.fit_peak_rss_bytes?.max(self.predict_peak_rss_bytes?);
        Some(peak.saturating_sub(self.rss_before_fit_bytes?))
    }
}
