"""Runs the missing trials of a run on a Ray cluster: driver.py RUN [--address auto] [--retries 3].

Ray starts a trial again where its node was lost; what ended with 75 is started again in the next
round, because the records, and not Ray, say what is missing. Every node needs the folder of the run
and of the models at the same path, and the program `bakeoff` (--program).
"""

import argparse
import json
import os
import subprocess
import sys

import ray


def words():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=os.path.abspath)
    parser.add_argument("--address", default="auto")
    parser.add_argument("--program", default="bakeoff")
    parser.add_argument("--models-dir", type=os.path.abspath, default=os.path.abspath("models"))
    parser.add_argument("--retries", type=int, default=3)
    return parser.parse_args()


@ray.remote(max_retries=5)
def trial(command):
    attempt = ray.get_runtime_context().get_task_id()
    return subprocess.run(command, env={**os.environ, "BAKEOFF_ATTEMPT": attempt}, check=False).returncode


def main():
    args = words()
    ray.init(address=args.address)
    with open(os.path.join(args.run, "plan.jsonl")) as lines:
        plan = [json.loads(line) for line in lines]
    status = [args.program, "status", args.run, "--missing", "--json"]
    for _ in range(args.retries + 1):
        said = subprocess.run(status, stdout=subprocess.PIPE, check=False).stdout
        missing = [plan[row["index"]] for row in json.loads(said)["trials"]]
        jobs = []
        for planned in missing:
            needs = planned.get("resources") or {"threads": 1, "memory_mb": 1000}
            command = [args.program, "trial", args.run, "--index", str(planned["index"])]
            command += ["--threads", str(needs["threads"]), "--models-dir", args.models_dir]
            options = {"num_cpus": needs["threads"], "memory": needs["memory_mb"] * 1_000_000}
            jobs.append(trial.options(**options).remote(command))
        if 75 not in ray.get(jobs):
            break
    sys.exit(subprocess.run([args.program, "status", args.run], check=False).returncode)


if __name__ == "__main__":
    main()
