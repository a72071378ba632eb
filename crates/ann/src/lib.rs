//! The dense network: architecture and settings.
