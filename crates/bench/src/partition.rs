//! Which samples a trial sees: the one place where limits, folds, shares and the
//! validation part are taken, for planning and for running alike.

use bakeoff_core::{
    Dataset, Samples, derive_seed,
    record::{DataRef, SplitSpec, TrialSpec, ValidationSpec},
};
use bakeoff_data::split::{self, Split};

/// The two parts of a dataset after an experiment's limits.
pub(crate) struct Limited {
    /// The training part.
    pub(crate) train: Samples,
    /// The test part.
    pub(crate) test: Samples,
}

/// Applies an experiment's limits to a dataset.
pub(crate) fn limited(
    dataset: &Dataset,
    limit_train: Option<usize>,
    limit_test: Option<usize>,
    seed: u64,
) -> Limited {
    let part = |samples: &Samples, limit: Option<usize>| match limit {
        Some(count) if count < samples.len() => split::limit(samples, count, seed),
        _ => samples.clone(),
    };
    Limited {
        train: part(dataset.train(), limit_train),
        test: part(dataset.test(), limit_test),
    }
}

/// The places in the training part that are reported on instead of the test part,
/// ascending; `None` where the test part is.
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
            // Counted from 1; there is no fold 0, and so nothing in it.
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

/// The share of the training part that a trial is given: of at least one sample.
pub(crate) fn share_of(train: Samples, data: &DataRef, validation: &ValidationSpec) -> Samples {
    match data.train_fraction {
        None => train,
        Some(share) => {
            let count = (share * train.len() as f64).round().max(1.0);
            // At most the number of samples, and so exact.
            split::limit(&train, count as usize, validation.seed)
        }
    }
}

/// The samples of a trial.
pub(crate) struct TrialSamples {
    /// To learn from.
    pub(crate) train: Samples,
    /// To choose by and to calibrate on; `None` where nothing is, or nothing was left.
    pub(crate) validation: Option<Samples>,
    /// To report on.
    pub(crate) reported: Samples,
}

/// Cuts a dataset as a trial asks.
pub(crate) fn trial_samples(
    dataset: &Dataset,
    trial: &TrialSpec,
    uses_validation: bool,
) -> TrialSamples {
    let data = &trial.data;
    let Limited { train, test } = limited(
        dataset,
        data.limit_train,
        data.limit_test,
        trial.validation.seed,
    );
    let (train, reported) = match cut_indices(&train, trial.split) {
        None => (train, test),
        Some(indices) => {
            let Split { train, held_out } = split::take_out(&train, &indices);
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
    let validation = &trial.validation;
    let Split { train, held_out } = split::hold_out(&train, validation.fraction, validation.seed);
    TrialSamples {
        train,
        validation: Some(held_out).filter(|samples| !samples.is_empty()),
        reported,
    }
}

/// Whether a validation part is held out: for families that choose by it, and for a
/// temperature to be fitted on.
pub(crate) fn holds_out(trial: &TrialSpec, uses_validation: bool) -> bool {
    trial.validation.fraction > 0.0 && (uses_validation || trial.calibration.is_some())
}
