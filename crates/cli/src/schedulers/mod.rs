//! Programs that run jobs on many machines: one module and one row in [`SCHEDULERS`] for each.
//!
//! A row writes a run's missing trials down in the scheduler's language. One that can be asked and
//! told things from here (`live`) also submits, follows and cancels; the others only print.

mod job;
mod kubernetes;
mod slurm;
mod snakemake;

pub(crate) use self::job::{Job, Jobs, Live, Scheduler};

/// Every scheduler.
pub(crate) const SCHEDULERS: [Scheduler; 3] =
    [slurm::SLURM, kubernetes::KUBERNETES, snakemake::SNAKEMAKE];

/// Their names.
pub(crate) fn names() -> [&'static str; SCHEDULERS.len()] {
    SCHEDULERS.map(|scheduler| scheduler.name)
}
