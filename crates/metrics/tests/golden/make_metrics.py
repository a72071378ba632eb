"""Writes metrics/*.json: what scikit-learn says of every case in cases.py.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make_metrics.py

Undefined values are null. Each departure from a plain call of scikit-learn says why.
"""

import json
import pathlib
import warnings

import numpy as np
from scipy.optimize import brentq
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from cases import cases

HERE = pathlib.Path(__file__).parent
# ROC curves are written only for cases of at most so many samples times classes.
CURVES = 1000


def plain(value):
    """As JSON: numpy types to Python's, NaN to null."""
    if value is None:
        return None
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


def average_precision(y, p):
    k = p.shape[1]
    truth = np.eye(k, dtype=int)[y]
    support = truth.sum(axis=0)
    per_class = [
        sk.average_precision_score(truth[:, c], p[:, c]) if support[c] else np.nan
        for c in range(k)
    ]
    return {
        "per_class": per_class,
        "macro": mean_of_defined(per_class),
        "weighted": mean_of_defined(per_class, support),
        "micro": sk.average_precision_score(truth.ravel(), p.ravel()),
    }


def precision_recall(y, p):
    k = p.shape[1]
    truth = np.eye(k, dtype=int)[y]
    curves = []
    for c in range(k):
        if not truth[:, c].any():
            curves.append({})
            continue
        precision, recall, thresholds = sk.precision_recall_curve(
            truth[:, c], p[:, c], drop_intermediate=False
        )
        # Ours runs the other way, from recall 0 to 1.
        curves.append(
            {
                "precision": precision[::-1],
                "recall": recall[::-1],
                "thresholds": thresholds[::-1],
            }
        )
    return curves


def one_vs_one(y, p):
    """Hand & Till over the classes that occur: scikit-learn looks at no others."""
    if len(np.unique(y)) < 2:
        return {"macro": np.nan, "weighted": np.nan}
    if p.shape[1] == 2:
        # Not offered for two classes; by definition the mean of both classes' areas.
        both = np.mean([sk.roc_auc_score(y == c, p[:, c]) for c in (0, 1)])
        return {"macro": both, "weighted": both}
    # scikit-learn insists on sums closer to one than float32 vote shares come.
    return {
        average: sk.roc_auc_score(
            y, p, multi_class="ovo", average=average, labels=range(p.shape[1])
        )
        for average in ("macro", "weighted")
    }


def reliability(happened, p, bins, strategy):
    """scikit-learn's curve, the samples in each of its bins, and the errors they make."""
    n = len(p)
    if strategy == "uniform":
        edges = np.linspace(0, 1, bins + 1)
        exact = True
    else:
        # In integers, because NumPy's rounding may put an edge that is a sample beside it.
        place = np.arange(bins + 1) * (n - 1)
        low, high = np.sort(p)[place // bins], np.sort(p)[-(-place // bins)]
        edges = low + (place % bins) / bins * (high - low)
        exact = (place[1:-1] % bins != 0).all()
    binned = np.searchsorted(edges[1:-1], p)
    counts = np.bincount(binned, minlength=bins)
    some = counts > 0
    counts = counts[some]
    frequency = np.bincount(binned, weights=happened, minlength=bins)[some] / counts
    mean = np.bincount(binned, weights=p, minlength=bins)[some] / counts
    if exact:
        peer = calibration_curve(happened, p, n_bins=bins, strategy=strategy, pos_label=1)
        assert np.array_equal(peer[0], frequency) and np.array_equal(peer[1], mean)
    gaps = np.abs(frequency - mean)
    return {
        "counts": counts,
        "frequency": frequency,
        "mean": mean,
        "expected_error": np.average(gaps, weights=counts),
        "maximum_error": gaps.max(),
    }


def calibration(y, p):
    right = (p.argmax(axis=1) == y).astype(int)
    confidence = p.max(axis=1)
    return {
        name: {
            "confidence": reliability(right, confidence, bins, strategy),
            "class_0": reliability((y == 0).astype(int), p[:, 0], bins, strategy),
        }
        for name, bins, strategy in (
            ("equal_width_15", 15, "uniform"),
            ("equal_width_4", 4, "uniform"),
            ("equal_mass_15", 15, "quantile"),
            ("equal_mass_5", 5, "quantile"),
        )
    }


def brier(y, p):
    """The score by scikit-learn; Murphy's parts from their definition, in ten bins."""
    k = p.shape[1]
    reliability = resolution = uncertainty = within = 0
    for c in range(k):
        truth = (y == c).astype(float)
        bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], p[:, c])
        uncertainty += truth.var()
        for b in np.unique(bins):
            inside = bins == b
            weight = inside.mean()
            q, t = p[inside, c], truth[inside]
            reliability += weight * (q.mean() - t.mean()) ** 2
            resolution += weight * (t.mean() - truth.mean()) ** 2
            within += weight * (q.var() - 2 * np.mean((q - q.mean()) * (t - t.mean())))
    score = sk.brier_score_loss(y, p, labels=range(k), scale_by_half=False)
    assert abs(reliability - resolution + uncertainty + within - score) < 1e-12
    return {
        "score": score,
        "reliability": reliability,
        "resolution": resolution,
        "uncertainty": uncertainty,
        "within_bins": within,
    }


def temperature(y, p):
    """The root of the slope of the log loss by 1/T, by Brent's method."""
    logits = np.log(np.maximum(p, np.finfo(float).eps))
    logits -= logits.max(axis=1, keepdims=True)
    own = logits[np.arange(len(y)), y]

    def slope(beta):
        weights = np.exp(beta * logits)
        return np.mean((weights * logits).sum(axis=1) / weights.sum(axis=1) - own)

    def loss(beta):
        return np.mean(np.log(np.exp(beta * logits).sum(axis=1)) - beta * own)

    if slope(1) == 0:
        # Nothing to gain: uniform probabilities stay so at any temperature.
        return {"at_bound": 0, "temperature": 1, "loss": loss(1)}
    if slope(0.01) >= 0 or slope(100) <= 0:
        beta = 0.01 if slope(0.01) >= 0 else 100
        return {"at_bound": 1, "temperature": 1 / beta, "loss": loss(beta)}
    beta = brentq(slope, 0.01, 100, xtol=1e-15, rtol=1e-15, maxiter=1000)
    return {"at_bound": 0, "temperature": 1 / beta, "loss": loss(beta)}


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
        # scikit-learn says 0 where Matthews correlation is undefined.
        "matthews_correlation": sk.matthews_corrcoef(y, predicted),
        "cohen_kappa": sk.cohen_kappa_score(y, predicted),
        "average_precision": average_precision(y, p),
        "one_vs_one": one_vs_one(y, p),
        "calibration": calibration(y, p),
        "brier": brier(y, p),
        "temperature": temperature(y, p),
    }
    if p.size <= CURVES:
        found["roc"] = roc(y, p)
        found["precision_recall"] = precision_recall(y, p)
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
