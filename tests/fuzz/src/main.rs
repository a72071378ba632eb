//! The targets under libFuzzer. `BAKEOFF_FUZZ_TARGET` names the one; `make fuzz` sets it.

#![no_main]

use std::sync::LazyLock;

use bakeoff_fuzz::{Target, target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("BAKEOFF_FUZZ_TARGET").unwrap_or_default();
    match target(&name) {
        Some(target) => target,
        None => panic!("BAKEOFF_FUZZ_TARGET is `{name}`, which is no target"),
    }
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(failure) = TARGET.check(data) {
        panic!("{failure}");
    }
});
