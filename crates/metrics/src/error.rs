//! Why labels and probabilities cannot be measured together.

/// Why a measurement was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
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
}
