"""Writes label_issues.json: what cleanlab says of the labels of the cases in metrics/, and of
cases with labels that were changed.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make_label_issues.py
"""

import json
import pathlib

import numpy as np
from cleanlab.count import compute_confident_joint, estimate_joint
from cleanlab.filter import find_label_issues

from cases import model

HERE = pathlib.Path(__file__).parent


def issues(y, p32):
    p = p32.astype(np.float64)
    # With labels of one class only, or fewer classes than columns, cleanlab warns and goes on.
    found = find_label_issues(y, p, filter_by="predicted_neq_given")
    confident = find_label_issues(y, p, filter_by="confident_learning")
    joint = compute_confident_joint(y, p, calibrate=False)
    # Unlike cleanlab's own count this is not rounded to whole samples.
    shares = joint / np.clip(joint.sum(axis=1, keepdims=True), 1, None)
    counts = np.bincount(y, minlength=p.shape[1])
    scaled = shares * counts[:, None]
    estimated = scaled.sum() - np.trace(scaled)
    peer = estimate_joint(y, p)
    assert abs(len(y) * (1 - np.trace(peer)) - estimated) <= p.shape[1], (estimated, peer)
    return {
        "issues": [int(i) for i in np.flatnonzero(found)],
        "confident": [int(i) for i in np.flatnonzero(confident)],
        "estimated": float(estimated),
    }


def existing():
    for path in sorted((HERE / "metrics").glob("*.json")):
        case = json.loads(path.read_text())
        p = np.frombuffer(bytes.fromhex(case["probabilities_f32_hex"]), dtype=">f4")
        y = np.array(case["labels"])
        if len(np.unique(y)) < 2:
            continue  # cleanlab refuses a single class.
        yield {"case": path.name, **issues(y, p.reshape(-1, case["classes"]))}


def changed():
    """A model of the true labels, and labels of which a tenth was changed."""
    rng = np.random.default_rng(20261130)
    for k, skill in [(2, 3.0), (10, 4.0), (30, 5.0)]:
        y = rng.integers(0, k, 300)
        p = model(rng, y, k, skill)
        wrong = rng.random(len(y)) < 0.1
        y = np.where(wrong, (y + rng.integers(1, k, len(y))) % k, y)
        yield {
            "classes": k,
            "labels": y.tolist(),
            "probabilities_f32_hex": p.astype(">f4").tobytes().hex(),
            **issues(y, p),
        }


if __name__ == "__main__":
    written = {"existing": list(existing()), "changed": list(changed())}
    text = json.dumps(written, separators=(",", ":"))
    (HERE / "label_issues.json").write_text(text + "\n")
