"""A run in MLflow's file store, read by MLflow itself; predictions that MLflow logged, imported; and parquet files
of pandas, which are imported in the same way."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

FOLDER = common.TARGET / "integrations/mlflow"
STORE = FOLDER / "a store, 100 % ours/mlruns"

EXPERIMENT = """
name = "tracked"
datasets = ["data"]
seeds = [1, 2]
folds = 2
train_fractions = [0.5, 1.0]
robustness = ["noise"]
robustness_baseline = "logistic"
[[models]]
family = "ann"
hidden = [16]
epochs = 4
[[models]]
family = "logistic"
[[models]]
name = "broken"
family = "command"
command = ["sh", "-c", "echo no such card >&2; exit 3"]
"""


def export(run):
    """Exports, and gives every file by its name."""
    common.bakeoff("export", run, "--mlflow", STORE)
    files = (path for path in STORE.rglob("*") if path.is_file())
    return {str(path.relative_to(STORE)): path.read_bytes() for path in files}


def check_store(client, run):
    """Every trial is a run with its parameters, metrics, curves and files."""
    (experiment,) = (found for found in client.search_experiments() if found.name == run.name)
    assert "| model |" in experiment.tags["mlflow.note.content"]
    runs = {found.data.tags.get("bakeoff.trial", "report"): found for found in client.search_runs(experiment.experiment_id)}
    metrics = json.loads((run / "exports/metrics.json").read_text())
    records = common.records(run)
    planned = {trial["id"]: trial["trial"] for trial in common.planned(run)}
    assert set(runs) == {*planned, *records_of_external(run), "report"}
    for trial, found in runs.items():
        record = records.get(trial)
        if record is None:
            continue
        params, values = found.data.params, found.data.metrics
        spec = planned[trial]["spec"]
        assert (params["model"], params["seed"]) == (planned[trial]["model"], str(planned[trial]["seed"]))
        assert (params["family"], params["engine"], params["dataset"]) == (spec["family"], spec["engine"], "data")
        for name, value in spec["settings"].items():
            assert params[f"settings.{name}"] == (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))), name
        assert found.info.start_time <= found.info.end_time
        (dataset,) = found.inputs.dataset_inputs
        assert dataset.dataset.name == "data"
        if record["status"] == "failed":
            assert found.info.status == "FAILED" and not values
            assert found.data.tags["bakeoff.failed_reason"] == record["reason"]
            assert found.data.tags["bakeoff.failed_stage"] == record["stage"]
            continue
        assert found.info.status == "FINISHED"
        assert values["accuracy"] == record["scores"]["accuracy"]
        assert abs(values["log_loss"] - record["scores"]["log_loss"]) < 1e-12
        assert values["cost/fit_seconds"] == record["costs"]["fit_ns"] / 1e9
        for name in ("train_loss", "validation_loss"):
            history = {point.step: point.value for point in client.get_metric_history(found.info.run_id, name)}
            assert history == {epoch["epoch"]: epoch[name] for epoch in record["epochs"] if epoch[name] is not None}, name
        noise = client.get_metric_history(found.info.run_id, "corrupted/noise")
        assert [point.step for point in noise] == [score["severity"] for score in record["robustness"]]
        folder = Path(client.download_artifacts(found.info.run_id, "predictions"))
        p, labels = np.load(folder / "probabilities.npy"), np.load(folder / "labels.npy")
        classes = (folder / "classes.txt").read_text().splitlines()
        assert p.dtype == np.float32 and p.shape == (len(labels), len(classes))
        assert np.mean(p.argmax(1) == labels) == values["accuracy"]
        assert len(pd.read_csv(folder / "ids.csv")) == len(labels)
        assert json.loads(Path(client.download_artifacts(found.info.run_id, "record.json")).read_text()) == record
    # The scores and intervals of metrics.json, under the names of scikit-learn.
    count = 0
    for model in metrics["datasets"][0]["models"]:
        for trial in model["trials"]:
            values = runs[trial["trial"]].data.metrics
            for ours, theirs in (("accuracy", "accuracy"), ("macro_f1", "f1_macro"), ("macro_auc", "roc_auc_macro"), ("log_loss", "log_loss")):
                if ours in trial["scores"]:
                    assert values[theirs] == trial["scores"][ours]
                    count += 1
                if ours in trial["intervals"]:
                    interval = [values[f"interval_95/{theirs}_{end}"] for end in ("low", "high")]
                    assert interval == [trial["intervals"][ours][end] for end in ("low", "high")]
    assert count >= 16, count
    report = {file.path for file in client.list_artifacts(runs["report"].info.run_id)}
    assert {"report.html", "leaderboard.csv", "metrics.json", "charts"} <= report
    print(f"MLflow {mlflow.__version__}: {len(runs)} runs, {count} scores of metrics.json")
    return runs


def records_of_external(run):
    """The ids of imported models."""
    return {path.stem for path in (run / "external/records").glob("*.json")}


def check_frame():
    """What `search_runs` shows, filtered as people filter."""
    query = "params.model = 'logistic' and tags.bakeoff.purpose = 'headline' and metrics.accuracy > 0.9"
    frame = mlflow.search_runs(search_all_experiments=True, filter_string=query)
    assert sorted(frame["tags.mlflow.runName"]) == ["logistic, seed 1", "logistic, seed 2"], frame
    assert set(frame["status"]) == {"FINISHED"}


def check_database(runs):
    """MLflow's own tool makes a database of the store, where nothing is lost."""
    database = FOLDER / "mlflow.db"
    program = Path(sys.executable).parent / "mlflow"
    words = [program, "migrate-filestore", "--source", STORE, "--target", f"sqlite:///{database}", "--no-progress"]
    subprocess.run([str(word) for word in words], check=True, capture_output=True)
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    for found in runs.values():
        moved = client.get_run(found.info.run_id)
        assert moved.data.metrics == found.data.metrics and moved.data.params == found.data.params
        assert moved.info.run_name == found.info.run_name and moved.info.status == found.info.status
        # `list_artifacts` reads the folder that the export wrote.
        assert {file.path for file in client.list_artifacts(found.info.run_id)}
    print(f"mlflow migrate-filestore: the same {len(runs)} runs in a database")


def imported(run, path, name, expect=(0,), words=()):
    """Imports predictions, and gives the accuracy that was recorded."""
    said = common.bakeoff("import", run, path, "--name", name, *words, expect=expect)
    records = [json.loads(path.read_text()) for path in (run / "external/records").glob("*.json")]
    return said, {record["trial"]["model"]: record for record in records}.get(name)


def refused(run, path, *words):
    """The message of an import that is refused."""
    done = subprocess.run([common.PROGRAM, "import", run, path, "--name", "bad"], text=True, capture_output=True, check=False)
    assert done.returncode == 1, done
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def predictions():
    """What an ordinary model would answer: the ids of the test images, and probabilities."""
    folder = FOLDER / "for-others/data"
    images, labels = np.load(folder / "images.npy"), np.load(folder / "labels.npy")
    train, classes = np.load(folder / "train/images.npy"), np.load(folder / "train/labels.npy")
    centres = np.stack([train[classes == c].mean(0).ravel() for c in np.unique(classes)])
    distance = ((images.reshape(len(images), 1, -1).astype(float) - centres) ** 2).mean(2)
    p = np.exp(-distance / 200)
    p /= p.sum(1, keepdims=True)
    names = (folder / "classes.txt").read_text().splitlines()
    frame = pd.DataFrame(p, columns=names)
    frame.insert(0, "id", pd.read_csv(folder / "ids.csv")["id"])
    return frame, float(np.mean(p.argmax(1) == labels))


def check_import(run):
    """Predictions that MLflow logged, as a table and as an array."""
    frame, accuracy = predictions()
    names = list(frame.columns[1:])
    mixed = frame.sample(frac=1, random_state=1)
    mlflow.set_tracking_uri(f"file:{FOLDER / 'logged'}")
    with mlflow.start_run() as table:
        mlflow.log_table(mixed.reset_index(drop=True), "predictions.json")
        mlflow.log_params({"model": "centres"})
    with mlflow.start_run() as array:
        np.save(FOLDER / "p.npy", frame[names].to_numpy())
        mlflow.log_artifact(FOLDER / "p.npy", "answers")
    with mlflow.start_run() as both:
        mlflow.log_artifact(FOLDER / "p.npy")
        mlflow.log_table(frame, "more/table.json")
    folder = FOLDER / "logged/0"
    for name, logged in (("table", table), ("array", array)):
        _, record = imported(run, folder / logged.info.run_id, name)
        assert record["scores"]["accuracy"] == accuracy, (record["scores"], accuracy)
    refused(run, folder / both.info.run_id, "several", "p.npy", "more/table.json", "name one")
    refused(run, FOLDER / "data", "no file of predictions")
    file = folder / both.info.run_id / "artifacts/more/table.json"
    assert imported(run, file, "named")[1]["scores"]["accuracy"] == accuracy
    # pandas on its own, with the ids as the index of the table.
    frame.set_index("id").to_json(FOLDER / "split.json", orient="split")
    said, record = imported(run, FOLDER / "split.json", "pandas")
    assert record["scores"]["accuracy"] == accuracy and "matched by the column `index`" in said, said
    empty = frame.astype({"id": str})
    empty.loc[3, names[1]] = None
    empty.to_json(FOLDER / "null.json", orient="split", index=False)
    refused(run, FOLDER / "null.json", "row 3", f"`{names[1]}`", "null")
    print(f"predictions that MLflow and pandas wrote: accuracy {accuracy:.3f}, as computed by NumPy")
    return frame, accuracy


def check_parquet(run, frame, accuracy):
    """Types, encodings and compressions of parquet files."""
    names = list(frame.columns[1:])
    answers = np.array(names)[frame[names].to_numpy().argmax(1)]
    plain = pa.Table.from_pandas(frame, preserve_index=False)
    path = FOLDER / "p.parquet"
    count = 0

    def check(table, **options):
        nonlocal count
        pq.write_table(table, path, **options)
        record = imported(run, path, "parquet", words=["--replace"])[1]
        assert record["scores"]["accuracy"] == accuracy, (options, record["scores"])
        count += 1

    for compression in ("none", "snappy", "gzip"):
        check(plain, compression=compression)
    # In many row groups, and in pages of the second kind.
    check(plain, row_group_size=17)
    check(plain, data_page_version="2.0", version="2.6", data_page_size=256)
    check(plain, use_dictionary=True)
    check(plain, use_dictionary=False, column_encoding={name: "BYTE_STREAM_SPLIT" for name in names})
    for kind in (pa.float32(), pa.float16()):
        scores = [(name, kind) for name in names]
        check(plain.cast(pa.schema([("id", pa.string()), *scores])))
    check(plain.select([names[2], "id", *names[:2], *names[3:]]))
    # Labels: texts, categories, numbers of every width.
    check(pa.table({"id": frame["id"], "prediction": answers}))
    categories = pd.DataFrame({"id": frame["id"], "prediction": pd.Categorical(answers)})
    check(pa.Table.from_pandas(categories, preserve_index=False))
    check(pa.Table.from_pandas(categories.set_index("id")))
    classes = frame[names].to_numpy().argmax(1)
    for kind in (np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64):
        check(pa.table({"id": frame["id"], "prediction": classes.astype(kind)}))
    # What cannot be read.
    for compression in ("zstd", "brotli", "lz4"):
        pq.write_table(plain, path, compression=compression)
        refused(run, path, "compressed with", "snappy, gzip")
    holes = frame.copy()
    holes.loc[5, names[0]] = None
    pq.write_table(pa.Table.from_pandas(holes, preserve_index=False), path)
    refused(run, path, "row 5", f"`{names[0]}`", "null")
    pq.write_table(pa.table({"id": frame["id"], "prediction": [[1]] * len(frame)}), path)
    refused(run, path, "`prediction`", "neither a number nor a text")
    path.write_bytes(path.read_bytes()[:-20])
    refused(run, path, "cannot be read")
    print(f"parquet: {count} kinds of files, each with the accuracy of NumPy")


def main():
    """All of it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    common.write_data(FOLDER / "data")
    (FOLDER / "e.toml").write_text(EXPERIMENT)
    env = os.environ | {"XDG_STATE_HOME": str(FOLDER / "state")}
    common.bakeoff("run", "e.toml", "-q", "--threads", "1", cwd=FOLDER, env=env, expect=(1,))
    (run,) = (path for path in (FOLDER / "reports").iterdir() if path.is_dir())
    words = ["--test-set", FOLDER / "for-others", "--with-test-labels"]
    common.bakeoff("export", run, *words)
    frame, accuracy = check_import(run)
    check_parquet(run, frame, accuracy)
    common.bakeoff("export", run)
    first = export(run)
    mlflow.set_tracking_uri(STORE.as_uri())
    client = mlflow.MlflowClient()
    runs = check_store(client, run)
    external = next(found for found in runs.values() if found.data.params.get("model") == "table")
    assert external.data.tags["bakeoff.external"] == "true" and external.info.run_name == "table †, seed 1"
    assert not [name for name in external.data.metrics if name.startswith("cost/")]
    check_frame()
    check_database(runs)
    # Again: the same bytes, and what was taken out is gone.
    assert export(run) == first, "another export has other bytes"
    common.bakeoff("import", run, "--name", "table", "--remove")
    export(run)
    left = client.search_runs([external.info.experiment_id])
    assert len(left) == len(runs) - 1
    print("exported again: the same bytes")


if __name__ == "__main__":
    main()
