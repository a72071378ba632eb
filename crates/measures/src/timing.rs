//! How far a measured time can be trusted.
//!
//! A time depends on what else the machine did. Two rules follow from what a record knows about
//! that, and everything that is said about times obeys them: whether a measurement was
//! *disturbed* by other programs ([`is_disturbed`]), and the *range* in which the same
//! measurement would lie on the same machine when it does nothing else ([`range`]). METHODOLOGY.md
//! has the measurements that the constants were chosen by.
//!
//! Rejected: a limit on the load average (it holds what the trial before did, and says nothing
//! about the moment) and on processor time ÷ wall time (an engine that uses one of two processors
//! looks like one that was given one of two).

use bakeoff_core::record::{Costs, Timing};

use crate::{FIT_TIME, LATENCY_P50, LATENCY_P95, LATENCY_P99, Measure, PREDICT_TIME, THROUGHPUT};

/// A measurement is disturbed where its threads waited for a processor for more than this share
/// of the time in which they could have run.
pub const DISTURBED_SHARE: f64 = 0.10;
/// ... and for this long in all: a moment of a kernel thread in a call of microseconds is no
/// other program.
const DISTURBED_NS: u64 = 1_000_000;
/// Stolen time is counted in steps of 10 ms, so that less than this may be nothing.
const STOLEN_NS: u64 = 50_000_000;
/// By this factor, either way, does a time differ from run to run on a machine that does nothing
/// else: caches, clock rates and where the memory lies are never the same.
pub const BETWEEN_RUNS: f64 = 1.3;
/// The same where the record does not say what a single answer took at least.
const UNKNOWN: f64 = 2.0;

/// Two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower one.
    pub low: f64,
    /// The upper one.
    pub high: f64,
}

impl Range {
    /// The least range that holds both.
    pub fn and(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }

    /// The range of the ratio of a value in this range to one in another.
    pub fn ratio_to(self, other: Self) -> Self {
        Self {
            low: self.low / other.high,
            high: self.high / other.low,
        }
    }

    fn scaled(self, factor: f64) -> Self {
        Self {
            low: self.low * factor,
            high: self.high * factor,
        }
    }

    fn widened(self, factor: f64) -> Self {
        Self {
            low: self.low / factor,
            high: self.high * factor,
        }
    }
}

/// Time that a call lost to other programs on this machine, and on its host where it is virtual.
fn lost_ns(timing: &Timing) -> Option<u64> {
    let stolen = timing.stolen_ns.filter(|stolen| *stolen >= STOLEN_NS);
    Some(timing.waited_ns?.saturating_add(stolen.unwrap_or(0)))
}

/// The share of the time in which its threads could have run that a call lost; `None` where the
/// system does not report it.
pub fn lost_share(timing: &Timing) -> Option<f64> {
    let (lost, cpu) = (lost_ns(timing)? as f64, timing.cpu_ns? as f64);
    Some(lost / (lost + cpu).max(1.0))
}

/// Whether the median of repeated calls was disturbed by other programs: at least half of the calls
/// were. `None` where that is not known.
pub fn is_disturbed(calls: &[Timing]) -> Option<bool> {
    let shares: Vec<f64> = calls.iter().map(lost_share).collect::<Option<_>>()?;
    let lost: u64 = calls.iter().filter_map(lost_ns).sum();
    let many = shares.iter().filter(|share| **share > DISTURBED_SHARE);
    (!calls.is_empty()).then(|| 2 * many.count() >= calls.len() && lost >= DISTURBED_NS)
}

/// Which measurements of a trial other programs disturbed; `None` where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disturbances {
    /// Training.
    pub fit: Option<bool>,
    /// Predicting the whole test part.
    pub batch: Option<bool>,
    /// Predicting single images.
    pub latency: Option<bool>,
}

impl Disturbances {
    /// Those of a trial.
    pub fn of(costs: &Costs) -> Self {
        Self {
            fit: is_disturbed(&costs.fits),
            batch: is_disturbed(&costs.predictions),
            latency: costs.latency.all.and_then(|all| is_disturbed(&[all])),
        }
    }

    /// Whether the value of a measure was disturbed; `None` where that is not known, and for
    /// what is not measured so.
    pub fn of_measure(self, measure: &Measure) -> Option<bool> {
        if *measure == FIT_TIME {
            self.fit
        } else if *measure == PREDICT_TIME || *measure == THROUGHPUT {
            self.batch
        } else if [&LATENCY_P50, &LATENCY_P95, &LATENCY_P99].contains(&measure) {
            self.latency
        } else {
            None
        }
    }

    /// What was disturbed, in words.
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            (self.fit, "training"),
            (self.batch, "predicting all test images"),
            (self.latency, "predicting single images"),
        ];
        let disturbed = all.into_iter().filter(|(is, _)| *is == Some(true));
        disturbed.map(|(_, name)| name).collect()
    }
}

/// What a call can have taken by itself, in nanoseconds.
///
/// At least its processor time shared among all threads, or its time without what it lost, should
/// all of that have been on the path that everything waited for; at most its processor time, as
/// one of its threads always had work. Where the loss is not known it may have been any.
fn undisturbed(timing: &Timing, threads: usize) -> Range {
    let wall = timing.wall_ns as f64;
    let cpu = timing.cpu_ns.map(|cpu| cpu as f64);
    let shared = cpu.map_or(wall / UNKNOWN, |cpu| cpu / threads.max(1) as f64);
    match (lost_share(timing), lost_ns(timing)) {
        (Some(share), Some(lost)) if share > DISTURBED_SHARE => Range {
            low: (wall - lost as f64).max(shared).min(wall),
            high: cpu.map_or(wall, |cpu| cpu.min(wall)),
        },
        (Some(_), _) => Range {
            low: wall,
            high: wall,
        },
        (None, _) => Range {
            low: shared.min(wall),
            high: wall,
        },
    }
}

/// The range of repeated calls, in nanoseconds.
fn range_of(calls: &[Timing], threads: usize) -> Option<Range> {
    let of_calls = calls.iter().map(|call| undisturbed(call, threads));
    let all = of_calls.reduce(Range::and)?;
    Some(all.widened(BETWEEN_RUNS))
}

/// The range in which a measured time, in the unit of its measure, would lie if it were measured
/// again on the same machine while that did nothing else. `None` for what is not a time or has no range.
pub fn range(measure: &Measure, costs: &Costs, threads: usize) -> Option<Range> {
    if *measure == FIT_TIME {
        let earlier = [Timing {
            wall_ns: costs.fit_ns,
            cpu_ns: costs.fit_cpu_ns,
            ..Timing::default()
        }];
        let calls = if costs.fits.is_empty() {
            &earlier[..]
        } else {
            &costs.fits
        };
        return Some(range_of(calls, threads)?.scaled(1e-9));
    }
    if *measure == PREDICT_TIME {
        return Some(range_of(&costs.predictions, threads)?.scaled(1e-9));
    }
    if *measure == THROUGHPUT {
        let times = range_of(&costs.predictions, threads)?;
        // As many samples, in the shortest time and in the longest one.
        let samples = costs.throughput_per_second * costs.predict_ns as f64;
        return Some(Range {
            low: samples / times.high,
            high: samples / times.low,
        });
    }
    if *measure == LATENCY_P50 {
        let latency = &costs.latency;
        let median = latency.p50_ns as f64;
        let range = match (latency.p50_interval_ns, latency.least_ns) {
            (Some((low, high)), Some(least)) => {
                let is_quiet = Disturbances::of(costs).latency == Some(false);
                // A short answer is seldom interrupted: the fastest one was not.
                let low = if is_quiet { low } else { least.min(low) };
                let range = Range {
                    low: low as f64,
                    high: high as f64,
                };
                range.widened(BETWEEN_RUNS)
            }
            _ => Range {
                low: median,
                high: median,
            }
            .widened(UNKNOWN),
        };
        return Some(range.scaled(1e-3));
    }
    None
}

#[cfg(test)]
mod tests {
    use bakeoff_core::record::Latency;

    use super::*;

    fn call(wall_ms: u64, cpu_ms: u64, waited_ms: u64) -> Timing {
        Timing {
            wall_ns: wall_ms * 1_000_000,
            cpu_ns: Some(cpu_ms * 1_000_000),
            waited_ns: Some(waited_ms * 1_000_000),
            preemptions: Some(0),
            stolen_ns: Some(0),
        }
    }

    fn assert_near(range: Range, (low, high): (f64, f64)) {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b;
        assert!(near(range.low, low) && near(range.high, high), "{range:?}");
    }

    #[test]
    fn what_waited_long_is_disturbed() {
        // Fits that were measured alone, and beside one, two and eight other programs.
        assert_eq!(is_disturbed(&[call(206, 390, 14)]), Some(false));
        assert_eq!(is_disturbed(&[call(549, 762, 302)]), Some(true));
        assert_eq!(is_disturbed(&[call(2885, 2827, 2886)]), Some(true));
        assert_eq!(is_disturbed(&[call(1000, 400, 1600)]), Some(true));
        // One of five does not move the median; three do.
        let (good, bad) = (call(100, 100, 1), call(200, 100, 100));
        assert_eq!(is_disturbed(&[bad, good, good, good, good]), Some(false));
        assert_eq!(is_disturbed(&[bad, bad, bad, good, good]), Some(true));
    }

    #[test]
    fn moments_and_single_ticks_do_not_disturb() {
        let brief = Timing {
            waited_ns: Some(400_000),
            ..call(1, 1, 0)
        };
        assert_eq!(is_disturbed(&[brief]), Some(false));
        let tick = Timing {
            stolen_ns: Some(10_000_000),
            ..call(12, 12, 0)
        };
        assert_eq!(is_disturbed(&[tick]), Some(false));
        let stolen = Timing {
            stolen_ns: Some(500_000_000),
            ..call(1000, 1000, 0)
        };
        assert_eq!(is_disturbed(&[stolen]), Some(true));
    }

    #[test]
    fn what_is_not_reported_is_not_known() {
        let unknown = Timing {
            waited_ns: None,
            ..call(100, 100, 0)
        };
        assert_eq!(is_disturbed(&[unknown]), None);
        assert_eq!(is_disturbed(&[]), None);
        assert_eq!(Disturbances::of(&Costs::default()), Disturbances::default());
    }

    #[test]
    fn a_disturbed_fit_may_have_taken_no_longer_than_its_work() {
        let costs = |fits: Vec<Timing>| Costs {
            fits,
            ..Costs::default()
        };
        let found = range(
            &FIT_TIME,
            &costs(vec![call(100, 190, 2), call(120, 190, 2)]),
            2,
        )
        .unwrap();
        assert_near(found, (0.1 / 1.3, 0.12 * 1.3));
        // At 20 % of the processors: four fifths of the time were lost.
        let slow = range(&FIT_TIME, &costs(vec![call(500, 200, 800)]), 2).unwrap();
        assert_near(slow, (0.1 / 1.3, 0.2 * 1.3));
        // Both measurements of one model: their ranges overlap.
        assert!(slow.low <= found.high && found.low <= slow.high);
        // One thread worked and waited; another one never did.
        let serial = range(&FIT_TIME, &costs(vec![call(100, 80, 20)]), 2).unwrap();
        assert_near(serial, (0.08 / 1.3, 0.08 * 1.3));
    }

    #[test]
    fn records_of_earlier_versions_have_wide_ranges() {
        let costs = Costs {
            fit_ns: 1_000_000_000,
            fit_cpu_ns: Some(600_000_000),
            latency: Latency {
                p50_ns: 4_000,
                ..Latency::default()
            },
            ..Costs::default()
        };
        let fit = range(&FIT_TIME, &costs, 2).unwrap();
        assert_near(fit, (0.3 / 1.3, 1.3));
        let latency = range(&LATENCY_P50, &costs, 2).unwrap();
        assert_near(latency, (2.0, 8.0));
        assert_eq!(range(&PREDICT_TIME, &costs, 2), None);
        assert_eq!(range(&crate::MODEL_SIZE, &costs, 2), None);
    }

    #[test]
    fn a_median_that_was_disturbed_is_bounded_by_the_fastest_answer() {
        let costs = |waited| Costs {
            latency: Latency {
                p50_ns: 200_000,
                p50_interval_ns: Some((190_000, 210_000)),
                least_ns: Some(100_000),
                all: Some(call(100, 100, waited)),
                ..Latency::default()
            },
            ..Costs::default()
        };
        let of = |waited| range(&LATENCY_P50, &costs(waited), 1).unwrap();
        assert_near(of(1), (190.0 / 1.3, 210.0 * 1.3));
        assert_near(of(100), (100.0 / 1.3, 210.0 * 1.3));
    }

    #[test]
    fn ratios_of_ranges() {
        let (a, b) = (
            Range {
                low: 2.0,
                high: 4.0,
            },
            Range {
                low: 1.0,
                high: 2.0,
            },
        );
        assert_eq!(
            a.ratio_to(b),
            Range {
                low: 1.0,
                high: 4.0
            }
        );
        assert_eq!(
            a.and(b),
            Range {
                low: 1.0,
                high: 4.0
            }
        );
    }
}
