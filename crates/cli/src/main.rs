//! The command line of bakeoff.
fn main() {}
