//! Axes: where a value lies, and which values are named.

use bakeoff_measures::{Unit, format::short_number};

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    Linear,
    /// Equal ratios, equal lengths.
    Log,
}

/// An axis from one value to another; the second may be the smaller one.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    spread: Spread,
    from: f64,
    to: f64,
    /// Values with their names, along the axis.
    ticks: Vec<(f64, String)>,
    /// What is measured, with its unit.
    pub(crate) title: String,
}

impl Axis {
    /// An axis of equal steps, with about `ticks` named values.
    pub(crate) fn linear(range: (f64, f64), ticks: usize, title: &str, unit: Unit) -> Self {
        let values = linear_ticks(range.0.min(range.1), range.0.max(range.1), ticks);
        Self::new(Spread::Linear, range, title, values, unit)
    }

    /// An axis of equal ratios. Both ends must be above zero.
    pub(crate) fn log(range: (f64, f64), title: &str, unit: Unit) -> Self {
        let values = log_ticks(range.0.min(range.1), range.0.max(range.1));
        Self::new(Spread::Log, range, title, values, unit)
    }

    /// Accuracies by their errors on a log scale: the largest error first, the highest
    /// accuracy at the end.
    pub(crate) fn log_errors((low, high): (f64, f64), title: &str) -> Self {
        let high = high.min(1.0);
        Self::log(
            (high, low),
            &format!("{title} (log scale of errors)"),
            Unit::Percent,
        )
        .with_ticks(accuracy_ticks(low, high))
    }

    /// Shares that lie from `low` to `high`, with `margin` of their width around them.
    pub(crate) fn shares((low, high): (f64, f64), margin: f64, ticks: usize, title: &str) -> Self {
        let margin = ((high - low) * margin).max(0.002);
        let range = ((low - margin).max(0.0), (high + margin).min(1.0));
        Self::linear(range, ticks, title, Unit::Percent)
    }

    fn new(
        spread: Spread,
        (from, to): (f64, f64),
        title: &str,
        values: Vec<f64>,
        unit: Unit,
    ) -> Self {
        Self {
            spread,
            from,
            to,
            ticks: values
                .into_iter()
                .map(|value| (value, unit.write_tick(value)))
                .collect(),
            title: title.to_owned(),
        }
    }

    /// The same axis with other named values.
    pub(crate) fn with_ticks(self, ticks: Vec<(f64, String)>) -> Self {
        Self { ticks, ..self }
    }

    /// The same axis with names at its two ends only.
    pub(crate) fn with_ends_only(self) -> Self {
        let ends = [self.from, self.to].map(|value| (value, short_number(value)));
        self.with_ticks(ends.to_vec())
    }

    /// Where a value lies: 0 at the beginning, 1 at the end, beyond them outside.
    pub(crate) fn place(&self, value: f64) -> f64 {
        match self.spread {
            Spread::Linear => (value - self.from) / (self.to - self.from),
            Spread::Log => (value / self.from).ln() / (self.to / self.from).ln(),
        }
    }

    /// The named places inside the axis.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        self.ticks
            .iter()
            .map(|(value, name)| (self.place(*value), name.clone()))
            .filter(|(place, _)| (-1e-6..=1.0 + 1e-6).contains(place))
            .collect()
    }
}

/// Round values between two others, about `count` of them.
pub(super) fn linear_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let step = nice_step((high - low) / count.max(1) as f64);
    if !step.is_normal() || !low.is_finite() || !high.is_finite() {
        return vec![low];
    }
    let first = (low / step - 1e-6).ceil() as i64;
    let last = (high / step + 1e-6).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The nearest larger 1, 2 or 5 times a power of ten.
fn nice_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let share = step / power;
    let nice = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|nice| share <= nice * 1.001)
        .unwrap_or(10.0);
    nice * power
}

/// Powers of ten, with their doubles and quintuples where there are few of them.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let decades = high.log10() - low.log10();
    let factors: &[f64] = if decades <= 0.7 {
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]
    } else if decades <= 1.2 {
        &[1.0, 2.0, 3.0, 5.0]
    } else if decades <= 2.2 {
        &[1.0, 2.0, 5.0]
    } else if decades <= 3.2 {
        &[1.0, 3.0]
    } else {
        &[1.0]
    };
    (first..=last)
        .flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)))
        .filter(|value| (low * 0.999..=high * 1.001).contains(value))
        .collect()
}

/// Accuracies on an axis of errors: 90 %, 95 %, 99 %, 99.9 % and what lies between.
fn accuracy_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let decades = (high / low).log10();
    let factors: &[f64] = if decades < 0.7 {
        &[1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    } else if decades < 1.5 {
        &[1.0, 2.0, 3.0, 5.0]
    } else {
        &[1.0, 3.0]
    };
    let first = low.log10().floor() as i32;
    (first..=0)
        .flat_map(|power| factors.iter().map(move |f| f * 10_f64.powi(power)))
        .filter(|error| (low..=high.min(1.0)).contains(error))
        .map(|error| {
            let text = format!("{:.4}", 100.0 * (1.0 - error));
            let text = text.trim_end_matches('0').trim_end_matches('.');
            (error, format!("{text} %"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let close = |a: &[f64], b: &[f64]| {
            assert_eq!(a.len(), b.len(), "{a:?}");
            assert!(a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-9), "{a:?}");
        };
        close(&linear_ticks(0.0, 1.0, 5), &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        close(&linear_ticks(1.0, 10.0, 5), &[2.0, 4.0, 6.0, 8.0, 10.0]);
        close(&log_ticks(0.5, 30.0), &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
        close(&log_ticks(1e-4, 1.0), &[1e-4, 1e-3, 1e-2, 1e-1, 1.0]);
    }

    #[test]
    fn accuracies_are_named_without_trailing_zeros() {
        let names: Vec<String> = accuracy_ticks(0.005, 0.1)
            .into_iter()
            .map(|tick| tick.1)
            .collect();
        assert_eq!(names, ["99.5 %", "99 %", "98 %", "97 %", "95 %", "90 %"]);
    }

    proptest! {
        #[test]
        fn any_range_has_a_bounded_number_of_ticks(low in -1e9..1e9, width in 1e-9..1e9) {
            let ticks = linear_ticks(low, low + width, 6);
            prop_assert!(ticks.len() <= 16, "{}", ticks.len());
        }
    }
}
