//! Why numbers cannot be measured or compared.

/// Why a measurement or a comparison was refused.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// There is nothing to measure.
    #[error("there are no samples to measure; give at least one")]
    Empty,
    /// Labels and probabilities are not of the same samples.
    #[error("{labels} labels for the probabilities of {rows} samples; give one label per sample")]
    Length {
        /// Number of labels.
        labels: usize,
        /// Number of rows of probabilities.
        rows: usize,
    },
    /// A label that names no class.
    #[error(
        "sample {sample} is of class {label}, but there are probabilities for {classes} classes \
         (0 to {last})", last = classes.saturating_sub(1)
    )]
    Label {
        /// The sample.
        sample: usize,
        /// Its label.
        label: u16,
        /// Number of classes.
        classes: usize,
    },
    /// Two models to compare saw different numbers of samples or classes.
    #[error(
        "the models were measured on {first:?} and on {second:?} samples and classes; compare \
         models on the same test part"
    )]
    Shapes {
        /// Samples and classes of the first.
        first: (usize, usize),
        /// Samples and classes of the second.
        second: (usize, usize),
    },
    /// Two models to compare saw different samples.
    #[error(
        "the models were measured on different data: sample {sample} is of class {first} for one \
         and of class {second} for the other; compare models on the same test part"
    )]
    Labels {
        /// The first sample that differs.
        sample: usize,
        /// Its label for the first model.
        first: u16,
        /// Its label for the second.
        second: u16,
    },
    /// A temperature that is not valid.
    #[error("a temperature of {0}; it must be a positive finite number")]
    Temperature(f64),
    /// Probabilities are not valid after a change.
    #[error(transparent)]
    Probabilities(#[from] bakeoff_core::ProbabilitiesError),
    /// Scores to average or subtract are of different samples.
    #[error(
        "the scores are of samples with different labels; compare models on the same test part"
    )]
    OtherSamples,
    /// A confidence level that is not between 0 and 1.
    #[error("a confidence level of {0}; it must lie between 0 and 1, as 0.95")]
    Confidence(f64),
    /// A statistic of too few numbers.
    #[error("{found} {what}; this needs at least {least}")]
    TooFew {
        /// What there is too little of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// A score that is not a number, or infinite.
    #[error("{what} {index} is {value}, which is not a finite number")]
    NotFinite {
        /// What was given.
        what: &'static str,
        /// Its place, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Tables whose rows are of different lengths.
    #[error("row {row} has {found} scores where the first has {expected}")]
    Ragged {
        /// The row, from 0.
        row: usize,
        /// Its length.
        found: usize,
        /// The length of the first.
        expected: usize,
    },
    /// A share of test samples that leaves nothing to train on, or the reverse.
    #[error("{test} test samples for {train} training samples; both must be positive")]
    Split {
        /// Training samples of a fold.
        train: usize,
        /// Test samples of a fold.
        test: usize,
    },
}

impl MetricsError {
    pub(crate) fn too_few(what: &'static str, found: usize, least: usize) -> Self {
        Self::TooFew { what, found, least }
    }
}
