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

/// How long a fit goes on without improvement on the validation part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// To its last epoch.
    Unlimited,
    /// So many epochs in a row, at least 1.
    Epochs(u64),
    /// As many epochs as the best one took, and at least so many.
    AsLongAsBest(u64),
}

/// Follows the validation part over the epochs. An epoch must be strictly better to
/// count, so among equals the earliest is kept.
#[derive(Clone, Debug)]
pub(crate) struct EarlyStopping {
    keep: KeptEpoch,
    patience: Patience,
    best: Option<(u64, Validation)>,
}

impl EarlyStopping {
    /// Without an epoch yet.
    pub(crate) fn new(keep: KeptEpoch, patience: Patience) -> Self {
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
        let best = self.best_epoch().unwrap_or(epoch);
        let waited = epoch - best;
        AfterEpoch {
            improved,
            stop: match self.patience {
                Patience::Unlimited => false,
                Patience::Epochs(most) => waited >= most,
                Patience::AsLongAsBest(least) => waited >= best.max(least),
            },
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
        patience: Patience,
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
        let (improved, stop, best) = run(KeptEpoch::BestLoss, Patience::Unlimited, &EPOCHS);
        assert_eq!(improved, [true, true, false, false, false]);
        assert_eq!(stop, [false; 5]);
        assert_eq!(best, Some(2));
    }

    #[test]
    fn the_highest_accuracy_is_kept() {
        let (_, _, best) = run(KeptEpoch::BestAccuracy, Patience::Unlimited, &EPOCHS);
        assert_eq!(best, Some(3));
    }

    #[test]
    fn patience_counts_epochs_since_the_best() {
        let (_, stop, _) = run(KeptEpoch::BestLoss, Patience::Epochs(2), &EPOCHS);
        assert_eq!(stop, [false, false, false, true, true]);
        let (_, stop, _) = run(KeptEpoch::BestAccuracy, Patience::Epochs(2), &EPOCHS);
        assert_eq!(stop, [false, false, false, false, true]);
    }

    #[test]
    fn patience_as_long_as_the_best_grows_with_it() {
        let stop = |least, best: usize| {
            let falling = (0..best).map(|epoch| 0.5 - 0.01 * epoch as f64);
            let losses = falling.chain(std::iter::repeat(0.6)).take(20);
            let epochs: Vec<(f64, f64)> = losses.map(|loss| (loss, 0.8)).collect();
            let (_, stop, _) = run(KeptEpoch::BestLoss, Patience::AsLongAsBest(least), &epochs);
            stop.iter().position(|stop| *stop).map(|at| at + 1)
        };
        assert_eq!(stop(3, 1), Some(4), "the least");
        assert_eq!(stop(3, 2), Some(5));
        assert_eq!(stop(3, 7), Some(14), "twice the best");
        assert_eq!(stop(8, 7), Some(15));
        assert_eq!(stop(8, 12), None, "the epochs end before");
    }

    #[test]
    fn the_last_epoch_is_kept_without_a_best_one() {
        let (improved, stop, best) = run(KeptEpoch::Last, Patience::Unlimited, &EPOCHS);
        assert_eq!(improved, [true; 5]);
        assert_eq!(stop, [false; 5]);
        assert_eq!(best, None);
    }
}
