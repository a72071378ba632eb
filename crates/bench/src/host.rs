//! The machine that a trial runs on, for the reader of its times.

use bakeoff_core::record::Host;
use bakeoff_kernels::Cpu;

/// Describes this machine and this build. `threads` is what the trial was given.
pub fn describe_host(threads: usize) -> Host {
    use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};
    let system = System::new_with_specifics(
        RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    // What the system does not report is left empty: a trial must not fail for it.
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
        instruction_sets: Cpu::detected()
            .names()
            .into_iter()
            .map(str::to_owned)
            .collect(),
        threads,
        version: env!("CARGO_PKG_VERSION").into(),
        finished_at: now(),
    }
}

/// Memory that can still be used, in millions of bytes: of this machine, or of the control group that this
/// process is in; `None` where the system does not tell.
pub(crate) fn available_memory_mb() -> Option<u64> {
    use sysinfo::{MemoryRefreshKind, RefreshKind, System};
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(memory).ok()?;
    let of_group = system.cgroup_limits().map(|limits| limits.free_memory);
    let bytes = system.available_memory().min(of_group.unwrap_or(u64::MAX));
    (bytes > 0).then_some(bytes / 1_000_000)
}

/// Now, RFC 3339 in UTC, to the millisecond: of two runs in one second the later one is the newer.
pub(crate) fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
