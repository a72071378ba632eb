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

/// The samples of a trial.
pub(crate) struct TrialSamples {
    /// To train on.
    pub(crate) train: Samples,
    /// To choose settings and to calibrate with; `None` where that is not needed, or empty.
    pub(crate) validation: Option<Samples>,
    /// To report on.
    pub(crate) reported: Samples,
}

/// Splits a dataset as a trial needs it, without a second copy of what it trains on.
pub(crate) fn trial_samples(
    dataset: Dataset,
    trial: &TrialSpec,
    uses_validation: bool,
) -> TrialSamples {
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
    let train = share_of(train, data, &trial.validation);
    if !holds_out(trial, uses_validation) {
        return TrialSamples {
            train,
            validation: None,
            reported,
        };
    }
    // Data that come with a validation part are used as their makers meant them.
    if let (SplitSpec::Given, Some(own)) = (trial.split, own_validation) {
        return TrialSamples {
            train,
            validation: Some(own),
            reported,
        };
    }
    let validation = &trial.validation;
    let Split { train, held_out } =
        split::hold_out(train, validation.fraction, validation.selection_seed());
    TrialSamples {
        train,
        validation: Some(held_out).filter(|samples| !samples.is_empty()),
        reported,
    }
}

/// Whether a validation part is held out: for families that choose something by it, and to
/// fit a temperature.
pub(crate) fn holds_out(trial: &TrialSpec, uses_validation: bool) -> bool {
    trial.validation.fraction > 0.0 && (uses_validation || trial.calibration.is_some())
}
