//! The memory of a trial's process, before and after the model.

use bakeoff_core::record::Costs;

use super::programs::ProgramWatch;
use crate::clock::{current_rss_bytes, peak_rss_bytes, reset_peak_rss};

/// Sizes as they become known. Only for a process that runs nothing but one trial.
pub(super) struct Memory<'a> {
    /// What its programs need, too.
    programs: Option<&'a ProgramWatch>,
    /// The peak of loading the data.
    peak_before: Option<u64>,
    before_fit: Option<u64>,
    /// Whether the peak was started anew, before the fit and before the predictions: else a peak
    /// may be of what was before it.
    is_reset: bool,
    fit_peak: Option<u64>,
}

impl<'a> Memory<'a> {
    /// The data are loaded, nothing is fitted.
    pub(super) fn before_fit(programs: Option<&'a ProgramWatch>) -> Self {
        let peak_before = peak_rss_bytes();
        let is_reset = reset_peak_rss();
        Self {
            programs,
            peak_before,
            before_fit: current_rss_bytes(),
            is_reset,
            fit_peak: None,
        }
    }

    /// The largest size of this process, or of it and its programs at one moment.
    fn peak(&self) -> Option<u64> {
        let together = self.programs.map(ProgramWatch::take_peak);
        peak_rss_bytes().map(|own| own.max(together.unwrap_or_default()))
    }

    /// The first fit is done.
    pub(super) fn after_fit(&mut self) {
        self.fit_peak = self.peak();
        self.is_reset &= reset_peak_rss();
    }

    /// The test part is predicted; the training data are still there, so that the size before
    /// the fit is what both peaks are compared with.
    pub(super) fn after_predictions(self, costs: &mut Costs) {
        let predict_peak = self.peak();
        costs.rss_before_fit_bytes = self.before_fit;
        let peaks = [self.peak_before, self.fit_peak, predict_peak];
        costs.peak_rss_bytes = peaks.into_iter().flatten().max();
        if self.is_reset {
            costs.fit_peak_rss_bytes = self.fit_peak;
            costs.predict_peak_rss_bytes = predict_peak;
        }
    }
}
