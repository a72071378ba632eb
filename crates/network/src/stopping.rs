//! Which epoch's weights are kept, and when a fit stops before its last epoch.

bakeoff_core::choices! {
    /// Which weights a fit returns.
    pub enum KeptEpoch {
        /// Those of the epoch with the lowest loss on the validation part.
        BestLoss = "best-loss",
        /// Those of the epoch with the highest accuracy on the validation part.
        BestAccuracy = "best-accuracy",
        /// Those of the last epoch.
        Last = "last",
    }
}

/// How the validation part went in one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Validation {
    /// Mean cross-entropy in nats.
    pub(crate) loss: f64,
    /// Share of right answers.
    pub(crate) accuracy: f64,
}

/// What to do after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AfterEpoch {
    /// The epoch is the best so far: remember its weights.
    pub(crate) improved: bool,
    /// Patience has run out.
    pub(crate) stop: bool,
}

/// Follows the validation part over the epochs. An epoch must be strictly better to
/// count, so among equals the earliest is kept.
#[derive(Clone, Debug)]
pub(crate) struct EarlyStopping {
    keep: KeptEpoch,
    patience: u64,
    best: Option<(u64, Validation)>,
}

impl EarlyStopping {
    /// Stops after `patience` epochs in a row without improvement; 0 never stops.
    pub(crate) fn new(keep: KeptEpoch, patience: u64) -> Self {
        Self {
            keep,
            patience,
            best: None,
        }
    }

    /// Judges epoch `epoch`, counted from 1.
    pub(crate) fn observe(&mut self, epoch: u64, validation: Validation) -> AfterEpoch {
        let improved = self.best.is_none_or(|(_, best)| match self.keep {
            KeptEpoch::BestLoss => validation.loss < best.loss,
            KeptEpoch::BestAccuracy => validation.accuracy > best.accuracy,
            KeptEpoch::Last => true,
        });
        if improved {
            self.best = Some((epoch, validation));
        }
        let waited = epoch - self.best_epoch().unwrap_or(epoch);
        AfterEpoch {
            improved,
            stop: self.patience > 0 && waited >= self.patience,
        }
    }

    /// The best epoch so far, from 1; `None` where the last one is kept.
    pub(crate) fn best_epoch(&self) -> Option<u64> {
        self.best
            .filter(|_| self.keep != KeptEpoch::Last)
            .map(|(epoch, _)| epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        keep: KeptEpoch,
        patience: u64,
        epochs: &[(f64, f64)],
    ) -> (Vec<bool>, Vec<bool>, Option<u64>) {
        let mut stopping = EarlyStopping::new(keep, patience);
        let (improved, stop) = (1..)
            .zip(epochs)
            .map(|(epoch, &(loss, accuracy))| {
                let after = stopping.observe(epoch, Validation { loss, accuracy });
                (after.improved, after.stop)
            })
            .unzip();
        (improved, stop, stopping.best_epoch())
    }

    const EPOCHS: [(f64, f64); 5] = [
        (0.5, 0.8),
        (0.3, 0.9),
        (0.3, 0.92),
        (0.4, 0.92),
        (0.35, 0.7),
    ];

    #[test]
    fn the_lowest_loss_is_kept_and_ties_go_to_the_earliest() {
        let (improved, stop, best) = run(KeptEpoch::BestLoss, 0, &EPOCHS);
        assert_eq!(improved, [true, true, false, false, false]);
        assert_eq!(stop, [false; 5]);
        assert_eq!(best, Some(2));
    }

    #[test]
    fn the_highest_accuracy_is_kept() {
        let (_, _, best) = run(KeptEpoch::BestAccuracy, 0, &EPOCHS);
        assert_eq!(best, Some(3));
    }

    #[test]
    fn patience_counts_epochs_since_the_best() {
        let (_, stop, _) = run(KeptEpoch::BestLoss, 2, &EPOCHS);
        assert_eq!(stop, [false, false, false, true, true]);
        let (_, stop, _) = run(KeptEpoch::BestAccuracy, 2, &EPOCHS);
        assert_eq!(stop, [false, false, false, false, true]);
    }

    #[test]
    fn the_last_epoch_is_kept_without_a_best_one() {
        let (improved, stop, best) = run(KeptEpoch::Last, 0, &EPOCHS);
        assert_eq!(improved, [true; 5]);
        assert_eq!(stop, [false; 5]);
        assert_eq!(best, None);
    }
}
