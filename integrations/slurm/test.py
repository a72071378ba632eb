"""A real Slurm of two nodes on this machine, whose nodes die, lose their link and fill their disks.

    test.py faults        30 trials through all of that: every record once, the answers of a local run
    test.py many [N]      N tiny trials (10,000) with one node killed twice; the time and the overhead

Needs root, slurm-wlm and munge; `make test-integrations` calls it.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

HERE = Path(__file__).resolve().parent
FOLDER = common.TARGET / "integrations/slurm"
CLUSTER = FOLDER / "cluster"


def cluster(*words):
    subprocess.run([HERE / "cluster", CLUSTER, *words], check=True)


def submit(run, *words, **options):
    # The folder of models is a small disk of the node's own.
    models = CLUSTER / "local/models"
    return common.bakeoff("submit", run, "--on", "slurm", "--models-dir", models, *words, **options)


def logs(run):
    return "".join(path.read_text(errors="replace") for path in (run / "slurm").glob("*.log"))


def working_on(node):
    """Whether a process of a trial is on that node: Slurm's queue is late."""
    pids = subprocess.run(["ip", "netns", "pids", f"bakeoff-{node}"], capture_output=True, text=True, check=True)
    return any(b"--until-stdin-closes" in command_line(pid) for pid in pids.stdout.split())


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def faults():
    experiment = common.EXPERIMENT.format(name="faults", data=FOLDER / "data", epochs=1500)
    common.write_data(FOLDER / "data")
    run = common.plan(FOLDER, experiment, "faults")
    reference = common.local(FOLDER, experiment, "faults")

    print("the disk of n1 is full from the start", flush=True)
    cluster("fill", "n1")
    print(submit(run, "--max-running", "4").splitlines()[0], flush=True)
    common.wait_for("trials that find no room", lambda: "run it again with" in logs(run))
    cluster("free", "n1")

    follow = [common.PROGRAM, "submit", run, "--on", "slurm", "--models-dir", CLUSTER / "local/models"]
    follow += ["--max-running", "4", "--follow", "--poll", "2", "--retries", "9"]
    with subprocess.Popen(list(map(str, follow))) as follower:
        common.wait_for("a trial on n1", lambda: working_on("n1"))
        print(f"{common.done(run)} records: a power cut of n1", flush=True)
        cluster("kill", "n1")
        time.sleep(5)
        cluster("start", "n1")

        common.wait_for("a trial on n2", lambda: working_on("n2"))
        print(f"{common.done(run)} records: the link of n2 is cut for 40 s", flush=True)
        cluster("cut", "n2")
        time.sleep(40)
        cluster("mend", "n2")
        assert follower.wait(timeout=1500) == 0, follower.returncode

    common.check_once(run)
    common.check_same(run, reference)
    text = logs(run)
    print("records by machine:", common.attempts(run))
    print("trials that found no room:", text.count("run it again with"))
    print("attempts that came second, with the same probabilities:", text.count("with the same probabilities"))
    assert "OTHER probabilities" not in text
    print("faults: every trial is recorded once, with the probabilities of a local run, bit for bit")


def many(trials):
    common.write_data(FOLDER / "tiny", train=40, test=20)
    seeds = ", ".join(map(str, range(1, trials + 1)))
    experiment = f"""
name = "many"
datasets = ["{FOLDER / "tiny"}"]
seeds = [{seeds}]
[[models]]
family = "dummy"
strategy = "stratified"
"""
    started = time.monotonic()
    run = common.plan(FOLDER, experiment, "many")
    print(f"planned in {time.monotonic() - started:.1f} s")
    # The shared disk: so many small models are no test of a full disk.
    words = ("--models-dir", FOLDER / "many-models", "--bundle", "100", "--max-running", "4")
    started = time.monotonic()
    print(common.bakeoff("submit", run, "--on", "slurm", *words).splitlines()[0])
    for share in (0.2, 0.5):
        common.wait_for("records", lambda share=share: common.done(run) >= share * trials, seconds=3600)
        print(f"{common.done(run)} records after {time.monotonic() - started:.0f} s: a power cut of n1", flush=True)
        cluster("kill", "n1")
        time.sleep(5)
        cluster("start", "n1")
    follow = ("--follow", "--poll", "2", "--retries", "5")
    print(common.bakeoff("submit", run, "--on", "slurm", *words, *follow, timeout=7200).strip())
    seconds = time.monotonic() - started
    common.check_once(run)
    print(f"{trials} trials in {seconds:.0f} s on two nodes of two processors: {1000 * seconds / trials:.1f} ms a trial")
    print("records by machine:", common.attempts(run))
    overhead(run)


def overhead(run):
    """What a trial takes beside its own work, by the records of one bundle after the other: from the start
    of one to the start of the next, without what was measured."""
    by_job = {}
    for record in common.records(run).values():
        scheduler = record["attempt"]["scheduler"]
        key = (scheduler.get("SLURM_JOB_ID"), scheduler.get("SLURM_RESTART_COUNT"))
        by_job.setdefault(key, []).append(record)
    overheads, works = [], []
    for records in by_job.values():
        records.sort(key=lambda record: record["attempt"]["started_at"])
        for record, after in zip(records, records[1:]):
            moment = [int(r["attempt"]["id"].rsplit("-", 1)[1], 16) for r in (record, after)]
            took, work = (moment[1] - moment[0]) / 1e6, own_work(record["costs"]) / 1e6
            overheads.append(took - work)
            works.append(work)
    if overheads:
        quantiles = statistics.quantiles(overheads, n=20)
        print(
            f"overhead of a trial in a bundle: median {quantiles[9]:.1f} ms, 95 % below {quantiles[18]:.1f} ms; "
            f"its own work: median {statistics.median(works):.1f} ms"
        )


def own_work(costs):
    """Nanoseconds of what is the trial's: reading data, fits, predictions, reading the model."""
    parts = [costs["data_load_ns"], costs["model_load_ns"]]
    parts += [timing["wall_ns"] for timing in costs["fits"] + costs["predictions"]]
    parts += [(costs["latency"].get("all") or {}).get("wall_ns", 0)]
    return sum(parts)


def main():
    what = sys.argv[1:] or ["faults"]
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ["SLURM_CONF"] = str(CLUSTER / "slurm.conf")
    try:
        cluster("up")
        if what[0] == "faults":
            faults()
        else:
            many(int((what[1:] or ["10000"])[0]))
    finally:
        cluster("down")


if __name__ == "__main__":
    main()
