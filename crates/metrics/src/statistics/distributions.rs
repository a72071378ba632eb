//! The few values of distributions that the tests need, from `statrs` and, for the normal
//! distribution, `libm`: the error function of `statrs` has ten digits only.
//!
//! Its constructors return errors for parameters that never occur here (degrees of freedom
//! are positive); NaN is passed on instead, which no test takes for a result.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use statrs::{
    distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, Gamma, StudentsT},
    function::erf::erfc_inv,
};

/// P(Z ≤ z) for a standard normal Z, accurate in the lower tail too.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The z with P(Z ≤ z) = p.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let z = -SQRT_2 * erfc_inv(2.0 * p);
    // One step of Newton's method doubles the ten digits.
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    let step = (normal_cdf(z) - p) / density;
    if step.is_finite() { z - step } else { z }
}

/// P(|T| ≥ |t|) for Student's T.
pub(crate) fn student_t_two_sided(t: f64, freedom: f64) -> f64 {
    2.0 * student_t_cdf(-t.abs(), freedom)
}

/// P(T ≤ t) for Student's T.
pub(crate) fn student_t_cdf(t: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |d| d.cdf(t))
}

/// The t with P(T ≤ t) = p for Student's T.
pub(crate) fn student_t_quantile(p: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |d| d.inverse_cdf(p))
}

/// The x with P(X ≤ x) = p for gamma-distributed X of scale 1.
pub(crate) fn gamma_quantile(p: f64, shape: f64) -> f64 {
    Gamma::new(shape, 1.0).map_or(f64::NAN, |d| d.inverse_cdf(p))
}

/// P(X ≥ x) for chi-squared X.
pub(crate) fn chi_squared_sf(x: f64, freedom: f64) -> f64 {
    ChiSquared::new(freedom).map_or(f64::NAN, |d| d.sf(x))
}

/// P(X ≥ x) for F-distributed X.
pub(crate) fn f_sf(x: f64, freedom: (f64, f64)) -> f64 {
    FisherSnedecor::new(freedom.0, freedom.1).map_or(f64::NAN, |d| d.sf(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_distribution_is_accurate_in_the_middle_and_in_the_tail() {
        // scipy.stats.norm.cdf and .ppf.
        for (z, p) in [
            (0.0, 0.5),
            (-1.0, 0.15865525393145707),
            (-3.0, 0.0013498980316300957),
            (-8.0, 6.220960574271785e-16),
        ] {
            assert!((normal_cdf(z) / p - 1.0).abs() < 2e-14, "{z}");
            assert!((normal_quantile(p) - z).abs() < 1e-14, "{p}");
        }
        assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-14);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }
}
