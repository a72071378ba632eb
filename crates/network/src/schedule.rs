//! Learning-rate schedules, as pure functions of the step.
//!
//! Burn has schedulers of its own, but they are stateful objects; a function of the
//! step can be drawn, tested by its values, and computed for any step at any time.

use std::f64::consts::PI;

/// One-cycle starts at the rate divided by this, as PyTorch's `OneCycleLR` does.
const ONE_CYCLE_START: f64 = 25.0;
/// One-cycle ends at its start divided by this, as PyTorch's `OneCycleLR` does.
const ONE_CYCLE_END: f64 = 1e4;

bakeoff_core::choices! {
    /// The shape of the learning rate over a fit.
    pub enum ScheduleKind {
        /// The same all the way.
        Constant = "constant",
        /// Times `step_factor` after every `step_every` epochs.
        Step = "step",
        /// Down to zero along half a cosine (Loshchilov and Hutter 2017, without restarts).
        Cosine = "cosine",
        /// Up to the rate and down to almost zero along two half cosines (Smith and
        /// Topin 2018, in PyTorch's form).
        OneCycle = "one-cycle",
        /// Linearly up to the rate and linearly down to zero (Smith, "Cyclical Learning Rates for
        /// Training Neural Networks", 2017, one triangle; K. Jordan's airbench, 2024).
        Triangular = "triangular",
    }
}

/// A schedule with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Schedule {
    /// The shape.
    pub(crate) kind: ScheduleKind,
    /// The rate that the shape scales: the highest one.
    pub(crate) rate: f64,
    /// Steps of the optimiser in one epoch.
    pub(crate) steps_per_epoch: u64,
    /// Epochs at most.
    pub(crate) epochs: u64,
    /// [`ScheduleKind::Step`]: epochs between two falls.
    pub(crate) step_every: u64,
    /// [`ScheduleKind::Step`]: what each fall multiplies by.
    pub(crate) step_factor: f64,
    /// Share of all steps during which the rate rises linearly from zero; every
    /// shape but one-cycle and triangular, which have their own rise.
    pub(crate) warm_up: f64,
    /// [`ScheduleKind::OneCycle`] and [`ScheduleKind::Triangular`]: share of all steps after
    /// which the rate is highest.
    pub(crate) peak_at: f64,
}

impl Schedule {
    /// The learning rate of `step`, counted from 0 over the whole fit.
    pub(crate) fn rate(&self, step: u64) -> f64 {
        let total = (self.steps_per_epoch * self.epochs).max(1) as f64;
        let now = step as f64;
        if self.kind == ScheduleKind::OneCycle {
            return self.one_cycle(now, total);
        }
        let rise = match self.kind {
            ScheduleKind::Triangular => self.peak_at,
            _ => self.warm_up,
        };
        let warm_up = (rise * total).round();
        if now < warm_up {
            // The first step is not wasted on a rate of zero.
            return self.rate * (now + 1.0) / warm_up;
        }
        match self.kind {
            ScheduleKind::Step => {
                let epoch = step / self.steps_per_epoch.max(1);
                let falls = epoch / self.step_every.max(1);
                self.rate * self.step_factor.powf(falls as f64)
            }
            ScheduleKind::Cosine => {
                let share = (now - warm_up) / (total - warm_up).max(1.0);
                half_cosine(self.rate, 0.0, share)
            }
            // Nor is the last one.
            ScheduleKind::Triangular => self.rate * (total - now) / (total - warm_up).max(1.0),
            ScheduleKind::Constant | ScheduleKind::OneCycle => self.rate,
        }
    }

    fn one_cycle(&self, now: f64, total: f64) -> f64 {
        let start = self.rate / ONE_CYCLE_START;
        let end = start / ONE_CYCLE_END;
        let last = (total - 1.0).max(1.0);
        // PyTorch's peak is the last step of the first phase.
        let peak = (self.peak_at * total - 1.0).max(0.0);
        if now < peak {
            half_cosine(start, self.rate, now / peak)
        } else {
            half_cosine(self.rate, end, (now - peak) / (last - peak).max(1.0))
        }
    }
}

/// From `from` at share 0 to `to` at share 1 along half a cosine.
fn half_cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * share.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind) -> Schedule {
        Schedule {
            kind,
            rate: 0.1,
            steps_per_epoch: 10,
            epochs: 10,
            step_every: 3,
            step_factor: 0.5,
            warm_up: 0.0,
            peak_at: 0.3,
        }
    }

    fn assert_close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
    }

    #[test]
    fn constant_never_changes() {
        let s = schedule(ScheduleKind::Constant);
        assert!((0..200).all(|step| s.rate(step) == 0.1));
    }

    #[test]
    fn step_falls_after_whole_epochs() {
        let s = schedule(ScheduleKind::Step);
        let values: Vec<_> = [0, 29, 30, 59, 60, 99].map(|step| s.rate(step)).into();
        assert_eq!(values, [0.1, 0.1, 0.05, 0.05, 0.025, 0.0125]);
    }

    #[test]
    fn cosine_passes_the_half_in_the_middle_and_ends_at_zero() {
        let s = schedule(ScheduleKind::Cosine);
        assert_close(s.rate(0), 0.1);
        assert_close(s.rate(25), 0.1 * 0.5 * (1.0 + (PI / 4.0).cos()));
        assert_close(s.rate(50), 0.05);
        assert_close(s.rate(100), 0.0);
        assert!((1..100).all(|step| s.rate(step) < s.rate(step - 1)));
    }

    #[test]
    fn warm_up_rises_linearly_to_the_rate() {
        let mut s = schedule(ScheduleKind::Cosine);
        s.warm_up = 0.1;
        assert_close(s.rate(0), 0.01);
        assert_close(s.rate(4), 0.05);
        assert_close(s.rate(9), 0.1);
        assert_close(s.rate(10), 0.1);
        assert_close(s.rate(55), 0.05);
    }

    #[test]
    fn one_cycle_matches_pytorch() {
        // torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=100).
        let s = schedule(ScheduleKind::OneCycle);
        assert_close(s.rate(0), 0.004);
        assert_close(s.rate(29), 0.1);
        assert_close(s.rate(99), 0.000_000_4);
        assert_close(s.rate(64), 0.050_000_2);
        assert!((1..=29).all(|step| s.rate(step) > s.rate(step - 1)));
        assert!((30..100).all(|step| s.rate(step) < s.rate(step - 1)));
    }

    #[test]
    fn triangular_rises_and_falls_linearly_and_wastes_no_step() {
        let s = schedule(ScheduleKind::Triangular);
        assert_close(s.rate(0), 0.1 / 30.0);
        assert_close(s.rate(14), 0.05);
        assert_close(s.rate(29), 0.1);
        assert_close(s.rate(30), 0.1);
        assert_close(s.rate(65), 0.05);
        assert_close(s.rate(99), 0.1 / 70.0);
    }

    #[test]
    fn short_fits_stay_finite() {
        for kind in [
            ScheduleKind::Constant,
            ScheduleKind::Step,
            ScheduleKind::Cosine,
            ScheduleKind::OneCycle,
            ScheduleKind::Triangular,
        ] {
            for (warm_up, peak_at) in [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)] {
                let s = Schedule {
                    steps_per_epoch: 1,
                    epochs: 1,
                    warm_up,
                    peak_at,
                    ..schedule(kind)
                };
                let rate = s.rate(0);
                assert!(rate.is_finite() && (0.0..=0.1).contains(&rate), "{kind:?}");
            }
        }
    }
}
