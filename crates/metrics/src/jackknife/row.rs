//! The values of one resample.

use crate::Metric;

/// A value for every metric; NaN where it is undefined or was not asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row([f64; Metric::ALL.len()]);

impl Row {
    pub(super) const EMPTY: Self = Self([f64::NAN; Metric::ALL.len()]);

    pub(super) fn set(&mut self, metric: Metric, value: Option<f64>) {
        self.0[metric as usize] = value.unwrap_or(f64::NAN);
    }

    pub(super) fn get(&self, metric: Metric) -> Option<f64> {
        let value = self.0[metric as usize];
        (!value.is_nan()).then_some(value)
    }
}
