"""Our models, scikit-learn's, PyTorch's, Keras's and a file of predictions in one report, on all of MNIST.

The paired tests of the report are computed again here from the predictions, and the columns of costs are those
that each kind of model can have. The folder of the run is left in target/integrations/mixed.
"""

import csv
import json
import math
import os
import shutil
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import common

FOLDER = common.TARGET / "integrations/mixed"
# The programs of `command` are started with this one's Python.
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def bakeoff(*words):
    return common.bakeoff(*words, cwd=FOLDER, env=ENVIRONMENT)


def keras_network(path, images, labels):
    """Trains a network of Keras's example and writes it as ONNX; it takes N×H×W×C from 0 to 1."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images.transpose(0, 2, 3, 1) / np.float32(255), labels, batch_size=128, epochs=3, verbose=0)
    model.export(path, format="onnx", verbose=False)


def machine_predictions(folder, path):
    """A support vector machine of scikit-learn, trained on a sixth of the images, predicts into a CSV."""
    from sklearn.svm import SVC

    images = np.load(folder / "train/images.npy")[::6].reshape(-1, 784) / 255
    model = SVC(C=5).fit(images, np.load(folder / "train/labels.npy")[::6])
    scores = model.decision_function(np.load(folder / "images.npy").reshape(-1, 784) / 255)
    powers = np.exp(scores - scores.max(1, keepdims=True))
    names = (folder / "classes.txt").read_text().split("\n")[:-1]
    ids = [row["id"] for row in csv.DictReader((folder / "ids.csv").open())]
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", *names])
        # In another order than the test images: the ids say which is which.
        for at in reversed(range(len(ids))):
            table.writerow([ids[at], *(powers[at] / powers[at].sum())])


def exact_p(only_first, only_second):
    """Two-sided exact McNemar test: a binomial of one half."""
    n, k = only_first + only_second, min(only_first, only_second)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n) if n else 1.0


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for name in ("mixed", "python"):
        shutil.copytree(HERE.parent / name, FOLDER / name)
    keras_network(FOLDER / "mixed/keras.onnx", *common.mnist("train"))
    bakeoff("run", "mixed/experiment.toml", "--out", "reports", "--models-dir", "models", "-q")
    [run] = [path.parent for path in FOLDER.glob("reports/*/plan.jsonl")]
    bakeoff("export", run, "--test-set", "images")
    machine_predictions(FOLDER / "images/mnist", FOLDER / "svm.csv")
    notes = "SVC(C=5) on a sixth of the training images"
    bakeoff("import", run, "--name", "sklearn-svm", "svm.csv", "--notes", notes)
    print(bakeoff("report", run))

    rows = {row["model"]: row for row in json.loads((run / "leaderboard.json").read_text())}
    assert len(rows) == 6 and all(row["status"] == "ok" for row in rows.values()), rows
    for name, least in (("cnn", 0.988), ("pytorch-cnn", 0.98), ("keras-cnn", 0.98), ("sklearn-forest", 0.96),
                        ("sklearn-svm", 0.96), ("logistic", 0.92)):
        assert rows[name]["accuracy"] > least, rows[name]
    # What was not measured is not there.
    for name, row in rows.items():
        external, given = name == "sklearn-svm", name == "keras-cnn"
        assert row["is_external"] == external
        assert (row["fit_seconds"] is None) == (external or given), (name, row)
        assert (row["latency_p50_us"] is None) == external, (name, row)
    metrics = json.loads(bakeoff("export", run, "--format", "json", "--out", "-"))
    [data] = metrics["datasets"]
    bakeoff("export", run, "--format", "npy", "--out", "predictions")
    labels = np.load(next(FOLDER.glob("predictions/**/labels.npy"))).astype(int)
    answers = {name: np.load(next(FOLDER.glob(f"predictions/**/{name}.npy"))).argmax(1) for name in rows}
    assert len(data["pairs"]) == 15
    for pair in data["pairs"]:
        first, second = (answers[pair[side]] == labels for side in ("first", "second"))
        only = int((first & ~second).sum()), int((second & ~first).sum())
        assert only == (pair["only_first"], pair["only_second"]), (pair, only)
        p = exact_p(*only)
        # Outcomes rarer than 1e-60 are left out.
        assert math.isclose(p, pair["exact_p"], rel_tol=1e-9, abs_tol=1e-58), (pair, p)
    print(f"15 pairs of 6 models of 4 programs agree; the report is {run / 'report.html'}")


main()
