//! How the values of a measure are written.

use crate::format;

/// How the values of a measure are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share from 0 to 1, written as a percentage: `99.12 %`. Differences are written in
    /// percentage points: `+0.12 points`.
    Percent,
    /// A score with four decimals: `0.9912`.
    Score,
    /// An area under a curve, with five decimals, because good ones are close to 1:
    /// `0.99912`.
    Area,
    /// Seconds, written with the unit that suits their size: `1.44 s`, `651 ns`.
    Seconds,
    /// Microseconds in files, written as [`Unit::Seconds`].
    Microseconds,
    /// Bytes: `63.1 kB`.
    Bytes,
    /// A count: `12,345`. The mean of counts may have one decimal.
    Count,
    /// Events per second: `11,100/s`.
    PerSecond,
}

impl Unit {
    /// A value in words. `samples` is the number of samples that a share is of: it decides
    /// how many digits of a percentage mean something.
    pub fn write(self, value: f64, samples: usize) -> String {
        match self {
            Self::Percent => format::percent(value, samples),
            Self::Score => format::score(value),
            Self::Area => format::auc(value),
            Self::Seconds => format::seconds(value),
            Self::Microseconds => format::seconds(value / 1e6),
            Self::Bytes => format::bytes(value as u64),
            Self::Count if value.fract() == 0.0 => format::count(value as u64),
            Self::Count => format!("{value:.1}"),
            Self::PerSecond => format!("{}/s", format::significant(value)),
        }
    }

    /// A round value on an axis.
    pub fn write_tick(self, value: f64) -> String {
        match self {
            Self::Seconds => format::axis_seconds(value),
            Self::Microseconds => format::axis_seconds(value / 1e6),
            Self::Bytes => format::axis_bytes(value),
            Self::Percent => format!("{}\u{a0}%", format::short_number(100.0 * value)),
            Self::Count => format::count(value.round() as u64),
            _ => format::short_number(value),
        }
    }

    /// An interval of values: `98.95–99.31`; the unit of a percentage stands beside the
    /// value that it is the interval of.
    pub fn write_interval(self, low: f64, high: f64, samples: usize) -> String {
        let end = |value| {
            let text = self.write(value, samples);
            text.trim_end_matches("\u{a0}%").to_owned()
        };
        format!("{}–{}", end(low), end(high))
    }

    /// The difference of two values with its sign: `+0.0123`, `−1.25` (in points).
    pub fn write_difference(self, value: f64) -> String {
        format::signed(self.in_points(value), self.decimals())
    }

    /// As [`Unit::write_difference`], with the unit where it is not that of the values:
    /// `+0.12 points`.
    pub fn write_difference_with_unit(self, value: f64) -> String {
        let text = self.write_difference(value);
        match self {
            Self::Percent => format!("{text}\u{a0}points"),
            _ => text,
        }
    }

    /// The number that differences are counted in: a hundredth of a share is a point.
    pub fn in_points(self, difference: f64) -> f64 {
        match self {
            Self::Percent => 100.0 * difference,
            _ => difference,
        }
    }

    /// Decimals of a difference.
    pub fn decimals(self) -> usize {
        match self {
            Self::Percent => 2,
            Self::Area => 5,
            _ => 4,
        }
    }

    /// Whether two values are compared by their ratio ("twice as fast"), not by their
    /// difference.
    pub fn compares_by_ratio(self) -> bool {
        !matches!(self, Self::Percent | Self::Score | Self::Area)
    }

    /// Whether values of single results are whole numbers.
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Bytes | Self::Count)
    }
}

#[cfg(test)]
mod tests {
    use super::Unit::{self, *};

    #[test]
    fn every_unit_has_one_way_to_be_written() {
        let cases: [(Unit, f64, &str); 9] = [
            (Percent, 0.9912, "99.12 %"),
            (Score, 0.993, "0.9930"),
            (Area, 0.993, "0.99300"),
            (Seconds, 1.436, "1.44 s"),
            (Microseconds, 0.651, "651 ns"),
            (Bytes, 63_100.0, "63.1 kB"),
            (Count, 12_345.0, "12,345"),
            (Count, 2.5, "2.5"),
            (PerSecond, 11_111.0, "11,100/s"),
        ];
        for (unit, value, text) in cases {
            assert_eq!(unit.write(value, 10_000).replace('\u{a0}', " "), text);
        }
    }

    #[test]
    fn intervals_and_differences() {
        assert_eq!(Percent.write_interval(0.9895, 0.99314, 5000), "98.95–99.31");
        assert_eq!(Percent.write_interval(0.5, 1.0, 50), "50–100");
        assert_eq!(Percent.write_difference(0.0012), "+0.12");
        assert_eq!(
            Percent.write_difference_with_unit(-0.0125),
            "−1.25\u{a0}points"
        );
        assert_eq!(Score.write_difference(-0.05), "−0.0500");
        assert_eq!(Area.write_difference_with_unit(0.000_001), "0.00000");
        assert_eq!(Percent.write_tick(0.5), "50\u{a0}%");
        assert_eq!(Microseconds.write_tick(200.0), "200\u{a0}µs");
    }
}
