//! Which samples a trial uses. Limits, folds, shares and the validation part are taken here
//! only, for planning and for running.

use bakeoff_core::{
    Dataset, Samples, derive_seed,
    record::{DataRef, SplitSpec, TrialSpec, ValidationSpec},
};
use bakeoff_data::split::{self, Split};

/// The training and the test part of a dataset after an experiment's limits.
pub(crate) fn limited(
    [train, test]: [Samples; 2],
    limit_train: Option<usize>,
    limit_test: Option<usize>,
    seed: u64,
) -> (Samples, Samples) {
    let part = |samples: Samples, limit: Option<usize>| {
        split::limit(samples, limit.unwrap_or(usize::MAX), seed)
    };
    (part(train, limit_train), part(test, limit_test))
}

/// The indices in the training part that are reported on instead of the test part, in
/// ascending order; `None` where the test part is reported on.
pub(crate) fn cut_indices(train: &Samples, split: SplitSpec) -> Option<Vec<usize>> {
    match split {
        SplitSpec::Given => None,
        SplitSpec::Fold {
            fold,
            folds,
            repeat,
            seed,
        } => {
            let seed = derive_seed(seed, &format!("folds, repeat {repeat}"));
            // Folds count from 1. Fold 0 does not exist and is empty.
            let fold = fold.checked_sub(1).unwrap_or(folds);
            Some(split::fold_indices(train, fold, folds, seed))
        }
        SplitSpec::Holdout {
            repeat,
            fraction,
            seed,
        } => {
            let seed = derive_seed(seed, &format!("holdout, repeat {repeat}"));
            Some(split::hold_out_indices(train, fraction, seed))
        }
    }
}

/// The share of the training part that a trial uses: at least one sample.
pub(crate) fn share_of(train: Samples, data: &DataRef, validation: &ValidationSpec) -> Samples {
    match data.train_fraction {
        None => train,
        Some(share) => {
            let count = (share * train.len() as f64).round().max(1.0);
            // At most the number of samples, and so exact.
            split::limit(train, count as usize, validation.seed)
        }
    }
}

/// What a trial learns from, before a validation part is held out. A clone holds the same images.
#[derive(Clone)]
pub(crate) struct Given {
    train: Samples,
    /// The validation part that the data came with, where the trial may use it.
    own_validation: Option<Samples>,
}

/// Splits a dataset into what a trial learns from and what it reports on.
pub(crate) fn given_samples(dataset: Dataset, trial: &TrialSpec) -> (Given, Samples) {
    let data = &trial.data;
    let (train, own_validation, test) = dataset.into_parts();
    let (train, test) = limited(
        [train, test],
        data.limit_train,
        data.limit_test,
        trial.validation.seed,
    );
    let (train, reported) = match cut_indices(&train, trial.split) {
        None => (train, test),
        Some(indices) => {
            let Split { train, held_out } = split::take_out(train, &indices);
            (train, held_out)
        }
    };
    let given = Given {
        train: share_of(train, data, &trial.validation),
        own_validation: own_validation.filter(|_| trial.split == SplitSpec::Given),
    };
    (given, reported)
}

impl Given {
    /// The samples to train on, and those to choose settings and to calibrate with: `None` where that is
    /// not needed, or empty. Of a `Given` that nobody else holds no image is copied.
    pub(crate) fn parts(
        self,
        trial: &TrialSpec,
        uses_validation: bool,
    ) -> (Samples, Option<Samples>) {
        if !holds_out(trial, uses_validation) {
            return (self.train, None);
        }
        // Data that come with a validation part are used as their makers meant them.
        if let Some(own) = self.own_validation {
            return (self.train, Some(own));
        }
        let validation = &trial.validation;
        let Split { train, held_out } =
            split::hold_out(self.train, validation.fraction, validation.selection_seed());
        (train, Some(held_out).filter(|samples| !samples.is_empty()))
    }
}

/// Whether a validation part is held out: for families that choose something by it, and to
/// fit a temperature.
pub(crate) fn holds_out(trial: &TrialSpec, uses_validation: bool) -> bool {
    trial.validation.fraction > 0.0 && (uses_validation || trial.calibration.is_some())
}
