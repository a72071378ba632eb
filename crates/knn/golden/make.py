"""Makes digits.json: what scikit-learn answers on a small sample.

    python3 -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python make.py > digits.json

The sample is from the Optical Recognition of Handwritten Digits data (UCI, CC BY 4.0)
that comes with scikit-learn: 8x8 images with values from 0 to 16, here times 15.
Queries with equal distances among their nearest six are left out, because
scikit-learn breaks ties as it happens to suit its sort.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

TRAIN, TEST, NEIGHBOURS = 300, 30, (1, 3, 5)
METRICS = {"l2": "euclidean", "l1": "manhattan", "cosine": "cosine"}

digits = load_digits()
pixels = (digits.data * 15).astype(np.uint8)
labels = digits.target
train_x, train_y = pixels[:TRAIN].astype(np.float64), labels[:TRAIN]


def model(k, metric, weights):
    return KNeighborsClassifier(
        k, metric=METRICS[metric], weights=weights, algorithm="brute"
    ).fit(train_x, train_y)


def without_ties(row):
    distances = [model(6, metric, "uniform").kneighbors([row])[0][0] for metric in METRICS]
    return all(np.all(np.diff(d) > 1e-9) for d in distances)


candidates = pixels[TRAIN:].astype(np.float64)
test_x = np.array([row for row in candidates[:200] if without_ties(row)][:TEST])
# One training image is also a query: a neighbour at distance 0.
test_x = np.vstack([test_x, train_x[:1]])

answers = []
for metric in METRICS:
    for k in NEIGHBOURS:
        for weights in ("uniform", "distance"):
            fitted = model(k, metric, weights)
            distances, indices = fitted.kneighbors(test_x)
            answers.append(
                {
                    "metric": metric,
                    "k": k,
                    "weights": weights,
                    "indices": indices.tolist(),
                    "distances": distances.tolist(),
                    "probabilities": fitted.predict_proba(test_x).tolist(),
                }
            )

json.dump(
    {
        "made_with": f"scikit-learn {sklearn.__version__}",
        "train": [bytes(row).hex() for row in pixels[:TRAIN]],
        "labels": train_y.tolist(),
        "test": [bytes(row.astype(np.uint8)).hex() for row in test_x],
        "answers": answers,
    },
    sys.stdout,
    indent=None,
)
print()
