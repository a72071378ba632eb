//! Timing predictions: the whole test part at once, and one image at a time.

use std::time::{Duration, Instant};

use bakeoff_core::{
    FittedModel, Images, PredictError, Probabilities,
    record::{Latency, Timing},
};

use crate::clock::{Stopwatch, elapsed_ns};

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
    /// Every repeat.
    pub repeats: Vec<Timing>,
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
        let watch = Stopwatch::start();
        let probabilities = model.predict_proba(images)?;
        times.push(watch.stop());
        if times.len() == BATCH_REPEATS || begun.elapsed() > BATCH_BUDGET {
            return Ok(MeasuredPrediction {
                probabilities,
                median_ns: median(times.iter().map(|time| time.wall_ns)).unwrap_or_default(),
                repeats: times,
            });
        }
    }
}

/// The middle value, or the mean of the two middle ones; `None` of nothing.
pub(crate) fn median(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    let upper = *values.get(values.len() / 2)?;
    Some(match values.len() % 2 {
        0 => values[values.len() / 2 - 1].midpoint(upper),
        _ => upper,
    })
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
    let watch = Stopwatch::start();
    let begun = Instant::now();
    let mut times = Vec::with_capacity(TIMED_CALLS);
    while times.len() < TIMED_CALLS
        && (times.len() < MIN_TIMED_CALLS || begun.elapsed() < LATENCY_BUDGET)
    {
        times.push(call()?);
    }
    let all = watch.stop();
    times.sort_unstable();
    Ok(Latency {
        calls: times.len(),
        warmup_calls,
        p50_ns: percentile(&times, 50),
        p95_ns: percentile(&times, 95),
        p99_ns: percentile(&times, 99),
        p50_interval_ns: median_interval(&times),
        least_ns: times.first().copied(),
        all: Some(all),
    })
}

/// The 95 % interval of the median by order statistics: the number of values below the true
/// median is binomial with a half, here by its normal approximation.
fn median_interval(sorted: &[u64]) -> Option<(u64, u64)> {
    let count = sorted.len() as f64;
    let half = 0.98 * count.sqrt();
    let low = (count / 2.0 - half).floor().max(0.0) as usize;
    let high = ((count / 2.0 + half).ceil() as usize).min(sorted.len().checked_sub(1)?);
    Some((*sorted.get(low)?, *sorted.get(high)?))
}

/// The smallest time that at least `percent` of 100 calls did not exceed (nearest rank).
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{median, median_interval, percentile};

    #[test]
    fn medians_and_their_intervals() {
        assert_eq!(median([3, 1, 2].into_iter()), Some(2));
        assert_eq!(median([4, 1, 2, 9].into_iter()), Some(3));
        assert_eq!(median(std::iter::empty()), None);
        let times: Vec<u64> = (0..1000).collect();
        // scipy.stats.binom.interval(0.95, 1000, 0.5) is (469, 531).
        assert_eq!(median_interval(&times), Some((469, 531)));
        assert_eq!(median_interval(&[7]), Some((7, 7)));
        assert_eq!(median_interval(&[]), None);
    }

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
