//! Numbers, times and lists as people read them.

pub use bakeoff_core::{count, counted, list};

/// Stands where nothing was measured or a score is undefined.
pub const NOTHING: &str = "–";

/// `99.12 %`, with as many digits as the number of samples supports.
pub fn percent(share: f64, samples: usize) -> String {
    let digits = match samples {
        0..=99 => 0,
        100..=999 => 1,
        _ => 2,
    };
    format!("{:.digits$}\u{a0}%", 100.0 * share)
}

/// A probability: `97.6 %`. Nearly certain is not certain: `> 99.9 %`. The local page writes
/// it so too (`server/assets/js/dom.js`).
pub fn probability(share: f64) -> String {
    match 100.0 * share {
        0.0 => "0\u{a0}%".to_owned(),
        100.0 => "100\u{a0}%".to_owned(),
        v if v > 99.9 => ">\u{a0}99.9\u{a0}%".to_owned(),
        v if v < 0.1 => "<\u{a0}0.1\u{a0}%".to_owned(),
        v => format!("{v:.1}\u{a0}%"),
    }
}

/// A score from 0 to 1 with four digits: `0.9912`.
pub fn score(value: f64) -> String {
    format!("{value:.4}")
}

/// An area under a curve, with five digits: good ones are close to 1.
pub fn auc(value: f64) -> String {
    format!("{value:.5}")
}

/// A difference with its sign: `+0.0123`, `−1.25`; nothing but zeros has none.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let sign = match value {
        _ if text.chars().all(|c| matches!(c, '0' | '.')) => "",
        v if v < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{text}")
}

/// A p-value: `0.032`, `< 0.0001`.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 0.0001 => "<\u{a0}0.0001".to_owned(),
        p if p < 0.001 => format!("{p:.4}"),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

/// A p-value in a sentence: `p = 0.032`, `p < 0.0001`.
pub fn p_text(p: f64) -> String {
    match p_value(p) {
        least if least.starts_with('<') => format!("p\u{a0}{least}"),
        text => format!("p\u{a0}=\u{a0}{text}"),
    }
}

/// With plain spaces, for terminals: there a reader may search for `1.44 s`.
pub fn plain_spaces(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

/// `None` as a dash.
pub fn or_nothing<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(|| NOTHING.to_owned(), show)
}

/// A number with three significant digits, without an exponent where it is of a usual
/// size: `0.00123`, `4.56`, `12,300`.
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return NOTHING.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounded first: 0.9999 has the digits of 1.
    let value: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let magnitude = value.abs().log10().floor();
    if !(-4.0..15.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    let digits = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
    if value.abs() >= 1000.0 {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}{}", count(value.abs().round() as u64));
    }
    format!("{value:.digits$}")
}

/// A round value on an axis: `0.0001`, `0.5`, `1`, `200`.
pub fn short_number(value: f64) -> String {
    let rounded = (value * 1e7).round() / 1e7;
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}

/// `850 ns`, `12.3 µs`, `4.56 ms`, `78.9 s`, `2 min 03 s`, `1 h 02 min`.
pub fn seconds(value: f64) -> String {
    match value {
        v if !v.is_finite() => NOTHING.to_owned(),
        v if v <= 0.0 => "0\u{a0}s".to_owned(),
        v if v < 0.9995e-6 => format!("{:.0}\u{a0}ns", v * 1e9),
        v if v < 0.9995e-3 => format!("{}\u{a0}µs", significant(v * 1e6)),
        v if v < 0.9995 => format!("{}\u{a0}ms", significant(v * 1e3)),
        v if v < 99.95 => format!("{}\u{a0}s", significant(v)),
        v if v < 3599.5 => {
            let whole = v.round() as u64;
            format!("{}\u{a0}min {:02}\u{a0}s", whole / 60, whole % 60)
        }
        v => {
            let minutes = (v / 60.0).round() as u64;
            format!("{}\u{a0}h {:02}\u{a0}min", minutes / 60, minutes % 60)
        }
    }
}

/// A round duration on an axis: `1 µs`, `200 ms`, `5 s`, `2,000 s`.
pub fn axis_seconds(value: f64) -> String {
    let (scaled, unit) = match value {
        v if v < 0.999e-6 => (v * 1e9, "ns"),
        v if v < 0.999e-3 => (v * 1e6, "µs"),
        v if v < 0.999 => (v * 1e3, "ms"),
        v => (v, "s"),
    };
    if scaled >= 1000.0 {
        format!("{}\u{a0}{unit}", count(scaled.round() as u64))
    } else {
        format!("{}\u{a0}{unit}", short_number(scaled))
    }
}

/// `512 B`, `1.23 kB`, `45.6 MB`, `7.89 GB`: powers of a thousand.
pub fn bytes(value: u64) -> String {
    axis_bytes_with(value as f64, significant)
}

/// A round size on an axis.
pub fn axis_bytes(value: f64) -> String {
    axis_bytes_with(value, short_number)
}

fn axis_bytes_with(value: f64, number: impl Fn(f64) -> String) -> String {
    let (scaled, unit) = match value {
        v if v < 999.5 => return format!("{v:.0}\u{a0}B"),
        v if v < 999.5e3 => (v / 1e3, "kB"),
        v if v < 999.5e6 => (v / 1e6, "MB"),
        v => (v / 1e9, "GB"),
    };
    format!("{}\u{a0}{unit}", number(scaled))
}

/// `2026-11-20 10:24 UTC` of `2026-11-20T10:24:48Z`; any other text stays as it is.
pub fn minute(time: &str) -> String {
    let parts = time
        .strip_suffix('Z')
        .and_then(|time| time.split_once('T'))
        .and_then(|(day, time)| Some((day, time.get(..5)?)));
    match parts {
        Some((day, minute)) => format!("{day} {minute} UTC"),
        None => time.to_owned(),
    }
}

/// A ratio: `1.2×`, `35×`, `1,200×`.
pub fn times(ratio: f64) -> String {
    if ratio < 9.95 {
        format!("{ratio:.1}×")
    } else {
        let step = 10_f64.powf((ratio.log10().floor() - 1.0).max(0.0));
        format!("{}×", count(((ratio / step).round() * step) as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With plain spaces, so that the cases can be read.
    fn plain(text: String) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn durations() {
        let cases = [
            (0.0, "0 s"),
            (2.5e-7, "250 ns"),
            (1.4e-3, "1.40 ms"),
            (0.9999, "1.00 s"),
            (75.25, "75.2 s"),
            (99.96, "1 min 40 s"),
            (3599.0, "59 min 59 s"),
            (3660.0, "1 h 01 min"),
        ];
        for (value, text) in cases {
            assert_eq!(plain(seconds(value)), text, "{value}");
        }
    }

    #[test]
    fn times_of_day() {
        assert_eq!(minute("2026-11-20T10:24:48Z"), "2026-11-20 10:24 UTC");
        for other in ["", "yesterday", "T1Z", "2026-11-20T10:24:48+01:00"] {
            assert_eq!(minute(other), other);
        }
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(plain(bytes(999)), "999 B");
        assert_eq!(plain(bytes(1_000)), "1.00 kB");
        assert_eq!(plain(bytes(47_040_000)), "47.0 MB");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "error", "errors"), "1 error");
        assert_eq!(significant(11_111.0), "11,100");
        assert_eq!(significant(999.7), "1,000");
        assert_eq!(significant(0.001_234), "0.00123");
        assert_eq!(significant(f64::NAN), "–");
    }

    #[test]
    fn shares_have_the_digits_that_the_samples_support() {
        assert_eq!(plain(percent(0.9912, 10_000)), "99.12 %");
        assert_eq!(plain(percent(0.9, 10)), "90 %");
        assert_eq!(auc(0.999_96), "0.99996");
        assert_eq!(auc(1.0), "1.00000");
    }

    #[test]
    fn nearly_certain_is_not_certain() {
        let cases = [
            (0.0, "0 %"),
            (1e-9, "< 0.1 %"),
            (0.5, "50.0 %"),
            (0.9989, "99.9 %"),
            (0.999_975_7, "> 99.9 %"),
            (1.0, "100 %"),
        ];
        for (share, text) in cases {
            assert_eq!(plain(probability(share)), text, "{share}");
        }
    }

    #[test]
    fn small_numbers_keep_their_meaning() {
        assert_eq!(p_text(0.0), "p\u{a0}<\u{a0}0.0001");
        assert_eq!(p_text(0.0314), "p\u{a0}=\u{a0}0.031");
        assert_eq!(p_text(0.5), "p\u{a0}=\u{a0}0.50");
        assert_eq!(signed(-0.00001, 4), "0.0000");
        assert_eq!(signed(1.234, 2), "+1.23");
        assert_eq!(signed(-0.05, 4), "−0.0500");
    }

    #[test]
    fn ratios_and_lists() {
        assert_eq!(times(1.25), "1.2×");
        assert_eq!(times(1234.0), "1,200×");
        let items = ["a", "b", "c"].map(String::from);
        assert_eq!(list(&items), "a, b and c");
        assert_eq!(list(&items[..1]), "a");
    }

    #[test]
    fn axes_speak_in_round_numbers() {
        assert_eq!(plain(axis_seconds(2e-4)), "200 µs");
        assert_eq!(plain(axis_seconds(1e-3)), "1 ms");
        assert_eq!(plain(axis_seconds(1000.0)), "1,000 s");
        assert_eq!(plain(axis_bytes(5e6)), "5 MB");
        assert_eq!(short_number(0.1 + 0.2), "0.3");
        assert_eq!(short_number(-1e-12), "0");
    }
}
