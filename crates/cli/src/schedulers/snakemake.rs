//! Snakemake: a Snakefile with a job for each bundle.
//!
//! Its marks of what is done are files of its own: a record must not be one of its outputs,
//! because it removes those of jobs that fail.

use anyhow::bail;
use serde_json::json;

use super::job::{Job, Scheduler};

pub(super) const SNAKEMAKE: Scheduler = Scheduler {
    name: "snakemake",
    most_jobs: usize::MAX,
    write,
    live: None,
};

fn write(job: &Job<'_>) -> anyhow::Result<String> {
    if let Some(option) = job.options.first() {
        bail!("--option {option}: give it to snakemake itself");
    }
    // Of a string, JSON is Python. Braces are Snakemake's in a command, and doubled are plain.
    let words = shlex::try_join(job.command.iter().map(String::as_str))?;
    let command = words.replace('{', "{{").replace('}', "}}");
    let marks = format!(
        "{}/snakemake",
        job.run.replace('{', "{{").replace('}', "}}")
    );
    let minutes = job.resources.expected_seconds;
    let minutes = minutes.map_or_else(String::new, |seconds| {
        format!("\n        runtime={},", seconds.div_ceil(60) + 1)
    });
    let start = "MARKS = []\n\n\nrule all:\n    input:\n        lambda wildcards: MARKS,\n";
    let number = job.number;
    Ok(format!(
        "{start}\n\n\
         MARKS += expand({mark}, bundle={bundles})\n\n\n\
         rule trials_{number}:\n    \
             output:\n        \
                 touch({mark}),\n    \
             threads: {threads}\n    \
             retries: 3\n    \
             resources:\n        \
                 mem_mb={memory},{minutes}\n    \
             shell:\n        \
                 {command}\n",
        start = if number == 0 { start } else { "" },
        bundles = json!(job.bundles),
        mark = json!(format!("{marks}/{number}-{{bundle}}.done")),
        threads = job.resources.threads,
        memory = job.resources.memory_mb,
        command = json!(format!("{command} --indices {{wildcards.bundle}}")),
    ))
}
