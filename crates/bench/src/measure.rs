//! Timing predictions: the whole test part at once, and one image at a time.

use std::time::{Duration, Instant};

use bakeoff_core::{FittedModel, Images, PredictError, Probabilities, record::Latency};

use crate::clock::elapsed_ns;

/// Calls that are not timed, unless the model is too slow for so many.
const WARMUP_CALLS: usize = 50;
/// Calls that are timed, unless the model is too slow for so many.
const TIMED_CALLS: usize = 1000;
/// With fewer, the 99th percentile means nothing.
const MIN_TIMED_CALLS: usize = 20;
/// A slow model is timed for this long.
const LATENCY_BUDGET: Duration = Duration::from_secs(2);
/// The batch is predicted this many times, for the median ...
const BATCH_REPEATS: usize = 5;
/// ... unless that takes longer than this in all.
const BATCH_BUDGET: Duration = Duration::from_secs(1);

/// The predictions of a batch, and how long they took.
pub struct MeasuredPrediction {
    /// N×K.
    pub probabilities: Probabilities,
    /// Median over the repeats, wall clock.
    pub median_ns: u64,
    /// How often the batch was predicted.
    pub repeats: usize,
}

/// Predicts all of `images` at once, as often as the budget allows.
///
/// # Errors
/// When the model fails.
pub(crate) fn measure_batch(
    model: &dyn FittedModel,
    images: &Images,
) -> Result<MeasuredPrediction, PredictError> {
    let begun = Instant::now();
    let mut times = Vec::with_capacity(BATCH_REPEATS);
    loop {
        let start = Instant::now();
        let probabilities = model.predict_proba(images)?;
        times.push(elapsed_ns(start));
        if times.len() == BATCH_REPEATS || begun.elapsed() > BATCH_BUDGET {
            times.sort_unstable();
            return Ok(MeasuredPrediction {
                probabilities,
                median_ns: times[times.len() / 2],
                repeats: times.len(),
            });
        }
    }
}

/// Predicts images one at a time, in turn, after a warm-up.
///
/// # Errors
/// When the model fails.
pub fn measure_latency(model: &dyn FittedModel, images: &Images) -> Result<Latency, PredictError> {
    let singles: Vec<Images> = (0..images.len().min(TIMED_CALLS))
        .filter_map(|index| images.single(index))
        .collect();
    if singles.is_empty() {
        return Ok(Latency::default());
    }
    let mut pictures = singles.iter().cycle();
    let mut call = || -> Result<u64, PredictError> {
        let Some(picture) = pictures.next() else {
            return Ok(0);
        };
        let start = Instant::now();
        std::hint::black_box(model.predict_proba(picture)?);
        Ok(elapsed_ns(start))
    };
    let begun = Instant::now();
    let mut warmup_calls = 0;
    while warmup_calls < WARMUP_CALLS && begun.elapsed() < LATENCY_BUDGET / 4 {
        call()?;
        warmup_calls += 1;
    }
    let begun = Instant::now();
    let mut times = Vec::with_capacity(TIMED_CALLS);
    while times.len() < TIMED_CALLS
        && (times.len() < MIN_TIMED_CALLS || begun.elapsed() < LATENCY_BUDGET)
    {
        times.push(call()?);
    }
    times.sort_unstable();
    Ok(Latency {
        calls: times.len(),
        warmup_calls,
        p50_ns: percentile(&times, 50),
        p95_ns: percentile(&times, 95),
        p99_ns: percentile(&times, 99),
    })
}

/// The smallest time that at least `percent` of 100 calls did not exceed (nearest rank).
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_nearest_rank() {
        let times: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&times, 50), 50);
        assert_eq!(percentile(&times, 99), 99);
        assert_eq!(percentile(&[7], 99), 7);
        assert_eq!(percentile(&[1, 2, 3, 4], 50), 2);
        assert_eq!(percentile(&[1, 2, 3, 4], 95), 4);
    }
}
