"""Machines without a shared disk: two nodes and an S3 server, one attempt killed, objects damaged.

The run's folder and the data are moved away while the nodes work, so that all they have is the server.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

FOLDER = common.TARGET / "integrations/store"
BUCKET, PREFIX = "runs", "of the test/1+1"
ADDRESS = f"s3://{BUCKET}/{PREFIX}"
SECRET = "its secret/+="


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Machines:
    """The server, and machines that know nothing but its address."""

    def __init__(self):
        self.port = free_port()
        self.log = FOLDER / "server.log"
        words = [sys.executable, Path(__file__).with_name("server.py"), self.port, self.log]
        self.server = subprocess.Popen(list(map(str, words)))
        common.wait_for("the server", lambda: self.log.exists() and "ready" in self.log.read_text(), seconds=60)
        self.programs = watch_curl()

    def environment(self, name, **changed):
        home = FOLDER / "machines" / name
        home.mkdir(parents=True, exist_ok=True)
        keys = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "a token"}
        place = {"AWS_REGION": "eu-test-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}
        return {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(home), **keys, **place, **changed}

    def call(self, name, *words, **options):
        env = self.environment(name)
        return common.bakeoff(*words, env=env, cwd=env["HOME"], **options)

    def start(self, name, *words):
        """A node at work, in a group of its own."""
        words = [common.PROGRAM, *map(str, words)]
        env = self.environment(name)
        out = (FOLDER / f"{name}.log").open("w")
        return subprocess.Popen(
            words, env=env, cwd=env["HOME"], stdout=out, stderr=out, start_new_session=True
        )

    def client(self):
        """The test's own way to the server."""
        config = Config(user_agent="x-of-the-test", s3={"addressing_style": "path"})
        keys = {"aws_access_key_id": "tester", "aws_secret_access_key": SECRET, "region_name": "eu-test-1"}
        return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{self.port}", config=config, **keys)

    def keys(self, begin=""):
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/{begin}")
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def count(self, what):
        return sum(line.split()[0] == what for line in self.log.read_text().splitlines())


def records(machines):
    return [key for key in machines.keys("records/") if key.endswith(".json")]


def watch_curl():
    """A `curl` that notes its command line, which every user of a machine can read, and then does its work."""
    folder = FOLDER / "bin"
    folder.mkdir(parents=True)
    program = folder / "curl"
    program.write_text(f"""#!/bin/sh
printf '%s\\n' "$*" >> '{FOLDER}/curl.log'
exec '{shutil.which("curl")}' "$@"
""")
    program.chmod(0o755)
    return folder


def check_command_lines():
    """No secret and no signature was on a command line of `curl`."""
    lines = (FOLDER / "curl.log").read_text().splitlines()
    assert lines, "the store was never asked"
    shown = [line for line in lines if SECRET in line or "Signature=" in line]
    assert not shown, shown


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    common.write_data(FOLDER / "data")
    text = common.EXPERIMENT.format(name="store", data=FOLDER / "data", epochs=60)
    local = common.local(FOLDER, text, "store")
    run = common.plan(FOLDER, text, "store")
    machines = Machines()
    try:
        through_the_server(machines, run, local)
        check_command_lines()
    finally:
        machines.server.kill()


def through_the_server(machines, run, local):
    machines.call("desk", "status", ADDRESS, expect=(1,))
    machines.client().create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-test-1"}
    )
    machines.call("desk", "push", run, ADDRESS)
    away = FOLDER / "away"
    away.mkdir()
    for folder in (FOLDER / "data", FOLDER / "runs"):
        folder.rename(away / folder.name)

    # Two nodes at the same trials; one is killed in the middle with all that it started.
    first = machines.start("first", "trial", ADDRESS, "--indices", "0-29", "--threads", "1")
    second = machines.start("second", "trial", ADDRESS, "--indices", "0-29", "--threads", "1")

    common.wait_for("six records", lambda: len(records(machines)) >= 6)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert second.wait() == 0, (FOLDER / "second.log").read_text()
    assert len(records(machines)) == 30, records(machines)
    counts = json.loads(machines.call("desk", "status", ADDRESS, "--json"))
    assert counts["done"] == 30, counts
    again = machines.call("third", "trial", ADDRESS, "--index", "7")
    assert "done already" in again, again

    # A record and a file of probabilities are damaged: both trials run again, under new names.
    broken = [records(machines)[3], next(key for key in machines.keys("records/") if key.endswith(".safetensors"))]
    for key in broken:
        machines.client().put_object(Bucket=BUCKET, Key=key, Body=b"no record")
    missing = machines.call("other", "status", ADDRESS, "--indices", expect=(75,)).strip()
    assert missing, "damage is not noticed"
    machines.call("third", "trial", ADDRESS, "--indices", missing, "--threads", "1")
    successors = [key for key in records(machines) if key.endswith(".2.json")]
    assert len(successors) in (1, 2), successors

    # Home again: the whole run is here once, as on one machine.
    for folder in ("data", "runs"):
        (away / folder).rename(FOLDER / folder)
    models = FOLDER / "pulled-models"
    said = machines.call("desk", "pull", run, ADDRESS, "--models-dir", models)
    assert "30 new records" in said and "30 new models" in said, said
    common.check_once(run)
    common.check_same(run, local)
    said = machines.call("desk", "pull", run, ADDRESS, "--models-dir", models)
    assert "0 new records" in said and "0 new models" in said, said
    saved = sorted(path.parent.name for path in models.glob("*/*/manifest.json"))
    here = sorted(path.parent.name for path in (FOLDER / "local-models").glob("*/*/manifest.json"))
    assert saved == here, (saved, here)

    # What the server refuses is said in its words.
    wrong = machines.environment("desk", AWS_SECRET_ACCESS_KEY="not-this-one")
    done = subprocess.run(
        [common.PROGRAM, "status", ADDRESS], env=wrong, text=True, capture_output=True, check=False
    )
    assert done.returncode == 1 and "SignatureDoesNotMatch" in done.stderr, done.stderr
    assert "not-this-one" not in done.stderr, done.stderr

    counted = {what: machines.count(what) for what in ("busy", "lost", "there-already", "list", "created")}
    assert counted["busy"] > 5 and counted["lost"] > 5 and counted["there-already"] > 5, counted
    refused = machines.count("SignatureDoesNotMatch")
    assert refused > 0 and not machines.count("HeadersNotSigned"), machines.log.read_text()
    print(f"store: 30 trials by nodes with nothing but the server, one killed; the server counted {counted}")


start = time.monotonic()
main()
print(f"store: {time.monotonic() - start:.0f} s")
