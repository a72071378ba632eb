"""The written-down recipes: Kubernetes' jobs against its schema, and Snakemake's file by running it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import common
import kubernetes_validate

FOLDER = common.TARGET / "integrations/recipes"


def submit(run, scheduler, *words):
    models = FOLDER / "models"
    return common.bakeoff("submit", run, "--on", scheduler, "--print", "--models-dir", models, *words)


def kubernetes(run):
    # Two arrays, so two jobs one after the other.
    text = submit(run, "kubernetes", "--bundle", "4", "--max-array-size", "4", "--option", "claim=data")
    decoder, jobs = json.JSONDecoder(), []
    while text.strip():
        text = text.lstrip()
        job, end = decoder.raw_decode(text)
        jobs.append(job)
        text = text[end:]
    assert len(jobs) == 2, len(jobs)
    for job in jobs:
        kubernetes_validate.validate(job, "1.33", strict=True)
    wrong = json.loads(json.dumps(jobs[0]))
    wrong["spec"]["completionMoode"] = wrong["spec"].pop("completionMode")
    try:
        kubernetes_validate.validate(wrong, "1.33", strict=True)
    except kubernetes_validate.ValidationError:
        print("kubernetes: two jobs are valid, and a misspelt field is not")
    else:
        raise AssertionError("the schema accepts a field that does not exist")


def snakemake(run):
    (FOLDER / "Snakefile").write_text(submit(run, "snakemake", "--bundle", "5", "--max-array-size", "3"))
    words = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all"]
    subprocess.run(words, cwd=FOLDER, check=True)
    common.check_once(run)
    print("snakemake: every trial is recorded once")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    common.write_data(FOLDER / "data")
    text = common.EXPERIMENT.format(name="recipes", data=FOLDER / "data", epochs=1)
    run, reference = common.plan(FOLDER, text, "recipes"), common.local(FOLDER, text, "recipes")
    kubernetes(run)
    snakemake(run)
    common.check_same(run, reference)


if __name__ == "__main__":
    main()
