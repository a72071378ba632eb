"""Writes mnist_labels.json: the labels of MNIST's test part, what a network says of its images, and
those whose label people found to be wrong.

    bakeoff run --models cnn && bakeoff export reports/RUN --format npy
    venv/bin/python make_mnist_labels.py reports/RUN/exports/predictions/mnist mnist_mturk.json

mnist_mturk.json is from https://github.com/cleanlab/label-errors (folder `mturk`), the study of
Northcutt, Athalye and Mueller, "Pervasive Label Errors in Test Sets Destabilize Machine Learning
Benchmarks" (2021): of 100 candidates those are wrong whose label fewer than three of five people
chose.
"""

import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
# Of images with a class at least as probable as this only that class is written.
SURE = 0.999


def main():
    folder, study = map(pathlib.Path, sys.argv[1:])
    labels = np.load(folder / "labels.npy")
    p = np.load(folder / "cnn.npy")
    candidates = json.loads(study.read_text())
    wrong = [c["id"] for c in candidates if c["mturk"]["given"] < 3]
    assert all(labels[c["id"]] == c["given_original_label"] for c in candidates)
    unsure = np.flatnonzero(p.max(axis=1) < SURE)
    written = {
        "labels": "".join(map(str, labels)),
        "predicted": "".join(map(str, p.argmax(axis=1))),
        "rows": {str(i): [round(float(v), 5) for v in p[i]] for i in unsure},
        "wrong": wrong,
    }
    text = json.dumps(written, separators=(",", ":"))
    (HERE / "mnist_labels.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
