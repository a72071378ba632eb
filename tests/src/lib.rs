//! What tests of several crates share. The end-to-end tests of bakeoff are in `e2e/`.

pub mod redrawn;
pub mod toy;
