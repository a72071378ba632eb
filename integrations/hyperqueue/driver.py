"""Runs the missing trials of a run on a HyperQueue cluster: driver.py RUN [--server-dir DIR].

HyperQueue starts a trial again where its worker was lost; what ended with 75 is started again in the
next round, because the records, and not HyperQueue, say what is missing. Every worker needs the folder
of the run and of the models at the same path, and the program `bakeoff` (--program).
"""

import argparse
import json
import os
import subprocess
import sys

from hyperqueue import Client, Job
from hyperqueue.ffi.protocol import ResourceRequest


def words():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=os.path.abspath)
    parser.add_argument("--server-dir")
    parser.add_argument("--program", default="bakeoff")
    parser.add_argument("--models-dir", type=os.path.abspath, default=os.path.abspath("models"))
    parser.add_argument("--retries", type=int, default=3)
    return parser.parse_args()


def main():
    args = words()
    client = Client(args.server_dir)
    with open(os.path.join(args.run, "plan.jsonl")) as lines:
        plan = [json.loads(line) for line in lines]
    logs = os.path.join(args.run, "hyperqueue")
    os.makedirs(logs, exist_ok=True)
    status = [args.program, "status", args.run, "--missing", "--json"]
    for _ in range(args.retries + 1):
        said = subprocess.run(status, stdout=subprocess.PIPE, check=False).stdout
        missing = [plan[row["index"]] for row in json.loads(said)["trials"]]
        if not missing:
            break
        # A trial that fails ends neither the others nor the job.
        job = Job(name=os.path.basename(args.run), max_fails=None)
        for planned in missing:
            index = str(planned["index"])
            threads = (planned.get("resources") or {"threads": 1})["threads"]
            command = [args.program, "trial", args.run, "--index", index, "--threads", str(threads)]
            log = os.path.join(logs, f"{index}.log")
            resources = ResourceRequest(cpus=threads)
            job.program([*command, "--models-dir", args.models_dir], stdout=log, stderr=log, resources=resources)
        client.wait_for_jobs([client.submit(job)], raise_on_error=False)
    sys.exit(subprocess.run([args.program, "status", args.run], check=False).returncode)


if __name__ == "__main__":
    main()
