//! The end-to-end tests of bakeoff are in `e2e/`; this library has no code.
