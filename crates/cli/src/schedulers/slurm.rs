//! Slurm: job arrays, through `sbatch`, `squeue`, `scancel` and `scontrol`.
//!
//! Slurm runs a job again after its node failed (`--requeue`). It holds a job that a node could not
//! start, and forgets one that was cancelled: so what is missing is decided by the records and not
//! by what Slurm says of its jobs, and submitted again.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::job::{Job, Jobs, Live, Queue, Scheduler};

pub(super) const SLURM: Scheduler = Scheduler {
    name: "slurm",
    // `MaxArraySize` where nothing else is configured.
    most_jobs: 1001,
    write,
    live: Some(Live {
        most_jobs,
        submit,
        queue,
        cancel,
    }),
};

fn write(job: &Job<'_>) -> anyhow::Result<String> {
    let running = job.max_running;
    let running = running.map_or_else(String::new, |most| format!("%{most}"));
    let mut options = vec![
        format!("--job-name={}", job.name),
        format!("--array=0-{}{running}", job.bundles.len() - 1),
        format!("--cpus-per-task={}", job.resources.threads),
        format!("--mem={}M", mebibytes(job.resources.memory_mb)),
    ];
    if let Some(seconds) = job.resources.expected_seconds {
        // Whole minutes, and one for what is around the trials.
        options.push(format!("--time={}", seconds.div_ceil(60) + 1));
    }
    options.extend([
        // A percent sign starts a pattern.
        format!("--output={}/slurm/%A_%a.log", job.run.replace('%', "%%")),
        "--open-mode=append".into(),
        "--requeue".into(),
    ]);
    options.extend(job.options.iter().cloned());
    let mut script = "#!/bin/sh\n".to_owned();
    for option in &options {
        if option.contains(['\n', '"']) {
            bail!("{option}: quotes and line breaks cannot be written into a job script");
        }
        script += &match option.split_once('=') {
            Some((name, value)) if value.contains(' ') => format!("#SBATCH {name}=\"{value}\"\n"),
            _ => format!("#SBATCH {option}\n"),
        };
    }
    Ok(script + &job.shell("SLURM_ARRAY_TASK_ID")?)
}

/// Millions of bytes in Slurm's units, rounded up.
fn mebibytes(megabytes: u64) -> u64 {
    megabytes.saturating_mul(1_000_000).div_ceil(1 << 20)
}

fn most_jobs() -> anyhow::Result<usize> {
    let config = call("scontrol", &["show", "config"], "")?;
    config
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == "MaxArraySize").then(|| value.trim().parse().ok())?
        })
        .context("`scontrol show config` does not say MaxArraySize; give --max-array-size")
}

fn submit(script: &str, after: Option<&str>) -> anyhow::Result<String> {
    let after = after.map(|id| format!("--dependency=afterany:{id}"));
    let words: Vec<&str> = ["--parsable"].into_iter().chain(after.as_deref()).collect();
    let said = call("sbatch", &words, script)?;
    // `ID` or `ID;CLUSTER`.
    let id = said.trim().split(';').next().unwrap_or_default();
    Ok(id.to_owned())
}

fn queue(name: &str) -> anyhow::Result<Queue> {
    let name = format!("--name={name}");
    let words = ["--noheader", "--array", "--format=%i|%T|%r", &name];
    Ok(read_queue(&call("squeue", &words, "")?))
}

fn read_queue(text: &str) -> Queue {
    let mut queue = Queue::default();
    for line in text.lines() {
        let mut fields = line.trim().splitn(3, '|');
        let (Some(id), Some(state)) = (fields.next(), fields.next()) else {
            continue;
        };
        let reason = fields.next().unwrap_or_default().replace('_', " ");
        match state {
            "PENDING" if reason.to_lowercase().contains("requeued held") => {
                queue.stuck.push(id.to_owned());
            }
            "PENDING" => queue.waiting += 1,
            _ => queue.running += 1,
        }
    }
    queue
}

fn cancel(jobs: &Jobs<'_>) -> anyhow::Result<()> {
    match jobs {
        Jobs::Named(name) => call("scancel", &[&format!("--name={name}")], "")?,
        Jobs::Ids(ids) => {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            call("scancel", &ids, "")?
        }
    };
    Ok(())
}

/// Calls one of Slurm's programs and returns what it prints.
fn call(program: &str, words: &[&str], input: &str) -> anyhow::Result<String> {
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| {
            format!(
                "cannot start `{program}`; is this a machine of the cluster? --print works anywhere"
            )
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read says why itself.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{program}` failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_read() {
        let text = "7_0|RUNNING|None\n7_1|PENDING|Resources\n7_2|COMPLETING|None\n\
                    7_3|PENDING|launch failed requeued held\n7_4|PENDING|JobHeldUser\n";
        let expected = Queue {
            waiting: 2,
            running: 2,
            stuck: vec!["7_3".into()],
        };
        assert_eq!(read_queue(text), expected);
        assert_eq!(read_queue(""), Queue::default());
    }
}
