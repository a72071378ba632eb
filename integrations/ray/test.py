"""Ray with two nodes on this machine, one of which is killed at work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

# Nothing leaves this machine.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

FOLDER = common.TARGET / "integrations/ray"


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    common.write_data(FOLDER / "data")
    text = common.EXPERIMENT.format(name="ray", data=FOLDER / "data", epochs=300)
    run, reference = common.plan(FOLDER, text, "ray"), common.local(FOLDER, text, "ray")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes = [cluster.add_node(num_cpus=1, resources={f"node{n}": 1}) for n in (1, 2)]
        words = [sys.executable, Path(__file__).with_name("driver.py"), run, "--program", common.PROGRAM]
        words += ["--address", cluster.address, "--models-dir", FOLDER / "models"]
        with subprocess.Popen(list(map(str, words))) as driver:
            common.wait_for("some records", lambda: common.done(run) >= 3)
            print(f"{common.done(run)} records: a node is killed")
            cluster.remove_node(nodes[0], allow_graceful=False)
            assert driver.wait(timeout=600) == 0, driver.returncode
    finally:
        cluster.shutdown()
    common.check_once(run)
    common.check_same(run, reference)
    print("ray: every trial is recorded once, with the probabilities of a local run, bit for bit")


if __name__ == "__main__":
    main()
