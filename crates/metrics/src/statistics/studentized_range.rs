//! The studentized range distribution for infinitely many degrees of freedom: the range of
//! k standard normal values. Nemenyi's test needs it and `statrs` lacks it.

use super::distributions::normal_cdf;

/// Step of the trapezoidal rule. On a smooth function that falls off like a Gaussian its
/// error falls off exponentially in 1/step; at 1/16 it is below that of the sum.
const STEP: f64 = 1.0 / 16.0;

/// Beyond so many standard deviations the normal density adds nothing to an `f64`.
const REACH: i32 = 9 * 16;

/// P(range of `groups` standard normal values ≤ `range`).
///
/// k ∫ φ(z) (Φ(z) - Φ(z - q))^(k-1) dz: the largest value is at z, the others at most q
/// below it.
pub fn studentized_range_cdf(range: f64, groups: u32) -> f64 {
    if range <= 0.0 || groups < 2 {
        // One value has no range.
        return f64::from(u8::from(groups < 2 && range >= 0.0));
    }
    if range.is_infinite() {
        return 1.0;
    }
    let others = i32::try_from(groups - 1).unwrap_or(i32::MAX);
    let sum: f64 = (-REACH..=REACH)
        .map(|step| {
            let z = f64::from(step) * STEP;
            let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            density * (normal_cdf(z) - normal_cdf(z - range)).powi(others)
        })
        .sum();
    (f64::from(groups) * sum * STEP).min(1.0)
}

/// The range that `groups` standard normal values stay within with probability `p`.
pub fn studentized_range_quantile(p: f64, groups: u32) -> f64 {
    if p.is_nan() || groups < 2 || p <= 0.0 {
        return if p.is_nan() { f64::NAN } else { 0.0 };
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, 1.0);
    while studentized_range_cdf(high, groups) < p && high < 64.0 {
        high *= 2.0;
    }
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if studentized_range_cdf(middle, groups) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_differ_as_a_normal_one_does() {
        // The range of two is |X - Y|, and X - Y is normal with variance 2.
        for q in [0.01, 0.5, 2.0, 3.3, 6.0] {
            let expected = 1.0 - 2.0 * normal_cdf(-q / std::f64::consts::SQRT_2);
            let found = studentized_range_cdf(q, 2);
            assert!((found - expected).abs() < 1e-14, "{q}: {found} {expected}");
        }
    }

    #[test]
    fn the_ends_are_defined() {
        assert_eq!(studentized_range_cdf(0.0, 3), 0.0);
        assert_eq!(studentized_range_cdf(f64::INFINITY, 3), 1.0);
        assert_eq!(studentized_range_cdf(1.0, 1), 1.0);
        assert_eq!(studentized_range_quantile(0.0, 3), 0.0);
        assert_eq!(studentized_range_quantile(1.0, 3), f64::INFINITY);
    }
}
