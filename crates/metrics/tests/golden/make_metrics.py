"""Writes metrics/*.json: what scikit-learn says of every case in cases.py.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make_metrics.py

Undefined values are null. Each departure from a plain call of scikit-learn says why.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn import metrics as sk

from cases import cases

HERE = pathlib.Path(__file__).parent
# ROC curves are written only for cases of at most so many samples times classes.
CURVES = 1000


def plain(value):
    """As JSON: numpy types to Python's, NaN to null."""
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (np.integer, int)):
        return int(value)
    value = float(value)
    return None if np.isnan(value) else value


def class_scores(y, predicted, k):
    # zero_division=nan marks what is undefined; `labels` keeps absent classes as rows.
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        y, predicted, labels=range(k), zero_division=np.nan
    )
    return {"precision": precision, "recall": recall, "f1": f1, "support": support}


def averages(y, predicted):
    found = {}
    for average in ("macro", "micro", "weighted"):
        found[average] = sk.precision_recall_fscore_support(
            y, predicted, average=average, zero_division=0
        )[:3]
    return found


def top_k(y, p):
    """For k from 1 to K-1. Ties: scikit-learn ranks the highest class first among equals,
    this project the lowest; mirroring the classes turns one into the other."""
    k = p.shape[1]
    if k == 2:
        # With two classes scikit-learn takes one score per sample.
        return [sk.accuracy_score(y, p.argmax(axis=1))]
    mirrored = p[:, ::-1]
    return [
        sk.top_k_accuracy_score(k - 1 - y, mirrored, k=n, labels=range(k)) for n in range(1, k)
    ]


def mean_of_defined(values, weights=None):
    values = np.asarray(values, dtype=float)
    defined = ~np.isnan(values)
    if not defined.any():
        return np.nan
    weights = None if weights is None else np.asarray(weights)[defined]
    return np.average(values[defined], weights=weights)


def auc(y, p):
    k = p.shape[1]
    truth = np.eye(k, dtype=int)[y]
    support = truth.sum(axis=0)
    per_class = [
        sk.roc_auc_score(truth[:, c], p[:, c]) if 0 < support[c] < len(y) else np.nan
        for c in range(k)
    ]
    found = {
        "per_class": per_class,
        "macro": mean_of_defined(per_class),
        "weighted": mean_of_defined(per_class, support),
        "micro": sk.roc_auc_score(truth.ravel(), p.ravel()),
    }
    if k > 2 and not np.isnan(per_class).any():
        # Where scikit-learn has an answer of its own, the averages above are that answer.
        for average in ("macro", "weighted", "micro"):
            own = sk.roc_auc_score(y, p, multi_class="ovr", average=average, labels=range(k))
            assert abs(found[average] - own) < 1e-14
    return found


def roc(y, p):
    k = p.shape[1]
    truth = np.eye(k, dtype=int)[y]
    curves = []
    for c in range(k):
        if not 0 < truth[:, c].sum() < len(y):
            curves.append({})
            continue
        fpr, tpr, thresholds = sk.roc_curve(truth[:, c], p[:, c], drop_intermediate=False)
        dropped = sk.roc_curve(truth[:, c], p[:, c], drop_intermediate=True)
        # The first threshold is infinity, which JSON does not have.
        curves.append(
            {
                "fpr": fpr,
                "tpr": tpr,
                "thresholds": thresholds[1:],
                "corners": list(zip(dropped[0], dropped[1])),
            }
        )
    return curves


def expected(y, p32):
    p = p32.astype(np.float64)
    k = p.shape[1]
    predicted = p.argmax(axis=1)
    confusion = sk.confusion_matrix(y, predicted, labels=range(k))
    found = {
        "confusion": confusion,
        "normalised": {
            by: sk.confusion_matrix(y, predicted, labels=range(k), normalize=name).ravel()
            for by, name in (("row", "true"), ("column", "pred"), ("all", "all"))
        },
        "accuracy": sk.accuracy_score(y, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(y, predicted),
        "per_class": class_scores(y, predicted, k),
        "averages": averages(y, predicted),
        "log_loss": sk.log_loss(y, p, labels=range(k)),
        "top_k": top_k(y, p),
        "auc": auc(y, p),
    }
    if p.size <= CURVES:
        found["roc"] = roc(y, p)
    return found


def main():
    out = HERE / "metrics"
    out.mkdir(exist_ok=True)
    for name, y, p in cases():
        case = {
            "classes": p.shape[1],
            "labels": y,
            "expected": expected(y, p),
        }
        written = plain(case)
        # Bits of the float32 values, big endian, row by row: exact and short.
        written["probabilities_f32_hex"] = p.astype(">f4").tobytes().hex()
        text = json.dumps(written, separators=(",", ":"))
        (out / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
