//! What can be said about times: never more than their ranges allow.
//!
//! A ratio of two times is given as the range of what it can be, and only where that range leaves
//! no doubt which one is larger.

use std::collections::BTreeSet;

use bakeoff_measures::{
    Better, Kind, MEMORY, MODEL_SIZE, Measure, PARAMETERS, format,
    timing::{DISTURBED_SHARE, Disturbances, Range, lost_share},
};

use crate::analysis::{Entry, Group};

/// Where the ratio of two times can be anything within this factor, nothing is known of it.
const WIDE: f64 = 4.0;

/// Sizes of saved models differ by what their manifests say of them, such as their names.
const SAME_SIZE: f64 = 1.01;
/// Memory differs from run to run by less than this factor ...
const SAME_MEMORY: f64 = 1.05;
/// ... and this much, which the program itself may take meanwhile.
const SAME_MEMORY_BYTES: f64 = 1e6;

/// One time beside another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Relation {
    /// So many times as long.
    Longer(Range),
    /// The other takes so many times as long.
    Shorter(Range),
    /// Either may be shorter, by little.
    Alike,
    /// Either may be shorter, and by much.
    Unknown,
}

impl Relation {
    /// A time beside another.
    pub(crate) fn of(own: Range, other: Range) -> Self {
        let ratio = own.ratio_to(other);
        if ratio.low > 1.0 {
            Self::Longer(ratio)
        } else if ratio.high < 1.0 {
            Self::Shorter(other.ratio_to(own))
        } else if ratio.high <= WIDE * ratio.low {
            Self::Alike
        } else {
            Self::Unknown
        }
    }
}

/// The range of a ratio: `2.1× to 3.4×`; one number where both are written alike.
pub(crate) fn times(ratio: Range) -> String {
    let [low, high] = [ratio.low, ratio.high].map(format::times);
    if low == high {
        low
    } else {
        format!("{low} to {high}")
    }
}

/// Which of some models may have the best value of a cost: one, or several that differ by
/// no more than the measurement varies. Nothing where that holds for all of them, where the cost has no
/// range, or where it depends on the machine and was measured on unlike ones.
pub(crate) fn best_of<'e, 'a>(measure: &Measure, entries: &[&'e Entry<'a>]) -> Vec<&'e Entry<'a>> {
    if !are_comparable(measure, entries) {
        return Vec::new();
    }
    let ranges: Vec<(&Entry<'a>, Range)> = entries
        .iter()
        .filter_map(|entry| Some((*entry, range_of(measure, entry)?)))
        .collect();
    let more = measure.better == Some(Better::Higher);
    let lows = || ranges.iter().map(|(_, range)| range.low);
    let highs = || ranges.iter().map(|(_, range)| range.high);
    let (largest_low, least_high) = (
        lows().fold(f64::NEG_INFINITY, f64::max),
        highs().fold(f64::INFINITY, f64::min),
    );
    let may_be_best = |range: &Range| match more {
        true => range.high >= largest_low,
        false => range.low <= least_high,
    };
    let best: Vec<_> = ranges
        .iter()
        .filter(|(_, range)| may_be_best(range))
        .collect();
    if best.len() == ranges.len() && best.len() > 1 {
        return Vec::new();
    }
    best.into_iter().map(|(entry, _)| *entry).collect()
}

/// The range of a cost of a model. What does not depend on the moment has its value for a range.
fn range_of(measure: &Measure, entry: &Entry<'_>) -> Option<Range> {
    // What an author says of costs was measured elsewhere, in another way.
    if measure.kind == Kind::Cost && entry.external().is_some() {
        return None;
    }
    if let Some(range) = entry.range_of(measure) {
        return Some(range);
    }
    let value = entry.mean_of(measure)?;
    let (low, high) = if *measure == MODEL_SIZE {
        (value / SAME_SIZE, value)
    } else if *measure == MEMORY {
        (
            value / SAME_MEMORY - SAME_MEMORY_BYTES,
            value * SAME_MEMORY + SAME_MEMORY_BYTES,
        )
    } else if *measure == PARAMETERS || measure.kind != Kind::Cost {
        (value, value)
    } else {
        return None;
    };
    Some(Range { low, high })
}

/// What has to be known of the costs on a dataset: that they are of different machines, and which
/// of them other programs disturbed.
pub(crate) fn cautions(group: &Group<'_>) -> Option<String> {
    let entries: Vec<&Entry<'_>> = group.entries.iter().collect();
    let machines = machines(&entries).len();
    let unlike = (machines > 1).then(|| {
        format!(
            "Costs were measured on {machines} kinds of machines (processor, number of processors and \
             of threads), so that no model is called faster or smaller in memory than another one, and charts of \
             accuracy against times are left out. Run \
             all trials on machines of one kind to compare their costs."
        )
    });
    let sentences: Vec<String> = unlike.into_iter().chain(disturbances(group)).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// Whether a cost of some models can be compared: one that depends on the machine only where all were
/// measured on machines of one kind.
pub(crate) fn are_comparable(measure: &Measure, entries: &[&Entry<'_>]) -> bool {
    let of_machine = measure.kind == Kind::Cost && *measure != MODEL_SIZE && *measure != PARAMETERS;
    !of_machine || machines(entries).len() < 2
}

/// The kinds of machines that models were measured on: processor, number of processors, threads.
fn machines<'a>(entries: &[&Entry<'a>]) -> BTreeSet<(&'a str, usize, usize)> {
    let trials = entries.iter().flat_map(|entry| entry.successes());
    trials
        .filter(|(_, success)| success.measured.external.is_none())
        .filter_map(|(trial, _)| {
            let host = &trial.record?.host;
            Some((host.cpu.as_str(), host.logical_cpus, host.threads))
        })
        .collect()
}

/// Which measurements of a dataset other programs disturbed, and what to do about it.
fn disturbances(group: &Group<'_>) -> Option<String> {
    let is_disturbed = |entry: &&Entry<'_>| {
        let mut costs = entry
            .successes()
            .map(|(_, success)| &success.measured.costs);
        costs.any(|costs| !Disturbances::of(costs).names().is_empty())
    };
    let disturbed: Vec<&Entry<'_>> = group.entries.iter().filter(is_disturbed).collect();
    let models: Vec<&str> = disturbed.iter().map(|entry| entry.model).collect();
    let fits = disturbed.iter().flat_map(|entry| entry.successes());
    let waits = fits.flat_map(|(_, success)| &success.measured.costs.fits);
    let most = waits.filter_map(lost_share).fold(0.0, f64::max);
    (!models.is_empty()).then(|| {
        // It may have been the answers that waited.
        let fits = match most >= DISTURBED_SHARE {
            true => format!(
                " (a fit waited for up to {} of its time)",
                format::percent(most, 0)
            ),
            false => String::new(),
        };
        format!(
            "Other programs used the processors while times of {} were measured{fits}. Such times are too \
             long, and ratios of them are bounds: run again while nothing else runs.",
            format::list(&models)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(value: f64) -> Range {
        Range {
            low: value / 1.25,
            high: value * 1.25,
        }
    }

    #[test]
    fn ratios_within_the_noise_are_not_given() {
        assert_eq!(Relation::of(around(1.0), around(1.5)), Relation::Alike);
        let Relation::Longer(ratio) = Relation::of(around(3.0), around(1.0)) else {
            panic!("three times as long is longer");
        };
        assert!(ratio.low > 1.9 && ratio.high < 4.7, "{ratio:?}");
        assert!(
            matches!(Relation::of(around(1.0), around(3.0)), Relation::Shorter(r) if r == ratio)
        );
    }

    #[test]
    fn a_wide_range_says_nothing() {
        let disturbed = Range {
            low: 1.0,
            high: 9.0,
        };
        assert_eq!(Relation::of(disturbed, around(2.0)), Relation::Unknown);
        assert!(matches!(
            Relation::of(disturbed, around(40.0)),
            Relation::Shorter(_)
        ));
    }

    #[test]
    fn a_ratio_is_written_with_its_range() {
        assert_eq!(
            times(Range {
                low: 2.1,
                high: 3.44
            }),
            "2.1× to 3.4×"
        );
        assert_eq!(
            times(Range {
                low: 2.0,
                high: 2.01
            }),
            "2.0×"
        );
    }
}
