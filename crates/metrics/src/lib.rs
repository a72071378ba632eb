//! Pure functions from labels and probabilities to numbers and curves.
