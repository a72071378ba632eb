"""HyperQueue with two workers on this machine: a trial is killed, and then the cluster with both of them.

The wheel has no program of HyperQueue, and its local cluster keeps its workers in one process: a worker
cannot be killed alone.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

FOLDER = common.TARGET / "integrations/hyperqueue"

CLUSTER = """
import sys, time
from hyperqueue.cluster import LocalCluster, WorkerConfig
cluster = LocalCluster(sys.argv[1])
for _ in range(2):
    cluster.start_worker(WorkerConfig(cores=1))
print("ready", flush=True)
time.sleep(3600)
"""


def start_cluster(name):
    log = FOLDER / f"{name}.log"
    with log.open("w") as out:
        cluster = subprocess.Popen([sys.executable, "-c", CLUSTER, str(FOLDER / name)], stdout=out, stderr=out)
    common.wait_for("the cluster", lambda: "ready" in log.read_text(), seconds=60)
    return cluster


def start_driver(run, name):
    words = [sys.executable, Path(__file__).with_name("driver.py"), run, "--program", common.PROGRAM]
    words += ["--server-dir", FOLDER / name, "--models-dir", FOLDER / "models"]
    return subprocess.Popen(list(map(str, words)))


def trial_processes(run):
    """The processes that run trials of this run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(run).encode() in words and b"--until-stdin-closes" in words:
            found.append(int(path.parent.name))
    return found


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    common.write_data(FOLDER / "data")
    text = common.EXPERIMENT.format(name="hyperqueue", data=FOLDER / "data", epochs=300)
    run, reference = common.plan(FOLDER, text, "hyperqueue"), common.local(FOLDER, text, "hyperqueue")
    cluster = start_cluster("first")
    driver = start_driver(run, "first")
    try:
        common.wait_for("some records", lambda: common.done(run) >= 3)
        common.wait_for("a trial", lambda: trial_processes(run))
        print(f"{common.done(run)} records: a trial is killed")
        os.kill(trial_processes(run)[0], signal.SIGKILL)
        common.wait_for("more records", lambda: common.done(run) >= 6)
        print(f"{common.done(run)} records: the cluster is killed")
        cluster.kill()
        driver.kill()
        driver.wait()
        cluster.wait()
        cluster = start_cluster("second")
        driver = start_driver(run, "second")
        assert driver.wait(timeout=600) == 0, driver.returncode
    finally:
        driver.kill()
        cluster.kill()
    common.check_once(run)
    common.check_same(run, reference)
    print("hyperqueue: every trial is recorded once, with the probabilities of a local run, bit for bit")


if __name__ == "__main__":
    main()
