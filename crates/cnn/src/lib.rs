//! The convolutional network: architecture and settings.
