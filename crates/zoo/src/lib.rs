//! The registry of model families and the saved-model format.
