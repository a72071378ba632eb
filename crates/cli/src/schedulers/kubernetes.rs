//! Kubernetes: an Indexed Job for each array, as JSON, which `kubectl apply -f -` reads.
//!
//! An index that fails with 75, or loses its node, runs again; one that failed for good (1, 78)
//! does not, and does not stop the others. Folders are mounted from volume claims at the paths
//! that the plan names.

use anyhow::bail;
use serde_json::{Value, json};

use super::job::{Job, Scheduler};

pub(super) const KUBERNETES: Scheduler = Scheduler {
    name: "kubernetes",
    // The most of `backoffLimitPerIndex`.
    most_jobs: 100_000,
    write,
    live: None,
};

/// How often an index runs again.
const RETRIES: u32 = 5;

fn write(job: &Job<'_>) -> anyhow::Result<String> {
    let (mut image, mut claim) = ("bakeoff:latest", "bakeoff");
    for option in job.options {
        match option.split_once('=') {
            Some(("image", value)) => image = value,
            Some(("claim", value)) => claim = value,
            _ => bail!("--option {option}: known are image=NAME and claim=NAME"),
        }
    }
    let needs = json!({
        "cpu": job.resources.threads.to_string(),
        "memory": format!("{}M", job.resources.memory_mb),
    });
    // One claim; each folder is in it at its own path.
    let mounts: Vec<Value> = job
        .folders
        .iter()
        .map(|folder| {
            let path = folder.to_string_lossy();
            json!({"name": "data", "mountPath": path, "subPath": path.trim_start_matches('/')})
        })
        .collect();
    let mut spec = json!({
        "completionMode": "Indexed",
        "completions": job.bundles.len(),
        "parallelism": job.max_running.unwrap_or(job.bundles.len()).min(job.bundles.len()),
        "backoffLimitPerIndex": RETRIES,
        "maxFailedIndexes": job.bundles.len(),
        "podFailurePolicy": {"rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1, 78]}},
        ]},
        "template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "trial",
                "image": image,
                "command": ["/bin/sh", "-c", job.shell("JOB_COMPLETION_INDEX")?],
                "resources": {"requests": needs, "limits": needs},
                "volumeMounts": mounts,
            }],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        }},
    });
    if let Some(seconds) = job.resources.expected_seconds {
        spec["template"]["spec"]["activeDeadlineSeconds"] = json!(seconds + 60);
    }
    let manifest = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": format!("{}-{}", job.name, job.number)},
        "spec": spec,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&manifest)?))
}
