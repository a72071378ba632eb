"""Makes golden.json: what scikit-learn answers on small data, at a tight tolerance.

Run with: python -m venv .venv && .venv/bin/pip install scikit-learn==1.9.1 &&
.venv/bin/python make.py

The data are the 8x8 digits that come with scikit-learn (UCI, "Optical Recognition of
Handwritten Digits", CC BY 4.0), as bytes: each grey level 0..16 times 15. Some
pixels are zero in all of them.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

TRAIN, TEST = 300, 40

digits = load_digits()
pixels = (digits.data * 15).astype(np.uint8)
labels = digits.target

cases = []
for name, c, classes, weight in [
    ("ten-classes", 1.0, range(10), None),
    ("ten-classes-strong-penalty", 0.01, range(10), None),
    ("ten-classes-weak-penalty", 100.0, range(10), None),
    ("two-classes", 1.0, [3, 8], None),
    ("absent-classes", 1.0, [0, 2, 5, 9], None),
    ("two-of-ten-classes", 0.5, [1, 7], None),
    ("balanced", 1.0, range(10), "balanced"),
    ("balanced-two-classes", 1.0, [3, 8], "balanced"),
    ("balanced-absent-classes", 0.1, [0, 2, 5, 9], "balanced"),
]:
    train = np.flatnonzero(np.isin(labels[:TRAIN], list(classes)))
    if weight:
        # Unbalanced: of the lower half of the classes every eighth sample stays.
        half = labels[train] < np.median(list(classes))
        train = np.sort(np.concatenate([train[half][::8], train[~half]]))
    # Two classes alone are renumbered; the others keep the ten names.
    names = list(classes) if name == "two-classes" else list(range(10))
    x, y = pixels[train] / 255.0, labels[train]
    model = LogisticRegression(C=c, tol=1e-9, max_iter=100_000, class_weight=weight)
    model.fit(x, y)
    proba = model.predict_proba(x)
    position = np.searchsorted(model.classes_, y)
    each = compute_sample_weight(weight, y)
    entropy = -(each * np.log(proba[np.arange(len(y)), position])).sum()
    objective = c * entropy + 0.5 * (model.coef_**2).sum()
    test = pixels[TRAIN : TRAIN + TEST]
    full = np.zeros((TEST, len(names)))
    full[:, [names.index(k) for k in model.classes_]] = model.predict_proba(test / 255.0)
    cases.append(
        {
            "name": name,
            "c": c,
            "class_weight": weight or "none",
            "classes": len(names),
            "train": train.tolist(),
            "labels": [names.index(k) for k in y],
            # As the crate reports it: divided by c and the number of samples.
            "loss": objective / (c * len(y)),
            "probabilities": np.round(full, 9).ravel().tolist(),
        }
    )

golden = {
    "scikit-learn": sklearn.__version__,
    "width": 8,
    "height": 8,
    "train": pixels[:TRAIN].ravel().tolist(),
    "test": pixels[TRAIN : TRAIN + TEST].ravel().tolist(),
    "cases": cases,
}
path = pathlib.Path(__file__).with_name("golden.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
