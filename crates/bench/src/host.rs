//! The machine that a trial runs on, for the reader of its times.

use bakeoff_core::record::Host;

/// Describes this machine and this build. `threads` is what the trial was given.
pub fn describe_host(threads: usize) -> Host {
    use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};
    let system = System::new_with_specifics(
        RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    // What the system does not tell is left empty: a trial is not lost for it.
    let (cpu, logical_cpus, memory_bytes) = system.map_or_else(
        |_| (String::new(), 0, 0),
        |system| {
            let brand = system.cpus().first().map(|cpu| cpu.brand().trim());
            (
                brand.unwrap_or_default().to_owned(),
                system.cpus().len(),
                system.total_memory(),
            )
        },
    );
    Host {
        cpu,
        logical_cpus,
        memory_bytes,
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.into()),
        arch: std::env::consts::ARCH.into(),
        instruction_sets: instruction_sets(),
        threads,
        version: env!("CARGO_PKG_VERSION").into(),
        finished_at: now(),
    }
}

/// Now, RFC 3339 in UTC, to the second.
pub(crate) fn now() -> String {
    jiff::Timestamp::now()
        .round(jiff::Unit::Second)
        .map_or_else(|_| String::new(), |time| time.to_string())
}

/// The instruction sets that fast paths look for and this processor has.
fn instruction_sets() -> Vec<String> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512bw", std::arch::is_x86_feature_detected!("avx512bw")),
        (
            "avx512vnni",
            std::arch::is_x86_feature_detected!("avx512vnni"),
        ),
    ];
    #[cfg(target_arch = "aarch64")]
    let found = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        (
            "dotprod",
            std::arch::is_aarch64_feature_detected!("dotprod"),
        ),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found: [(&str, bool); 0] = [];
    found
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| name.to_owned())
        .collect()
}
