"""Labels and probabilities, ordinary and awkward, that every metric is compared on.

Probabilities are float32, as the project stores them; the peers get them as float64.
"""

import numpy as np


def softmax(scores):
    scores = scores - scores.max(axis=1, keepdims=True)
    e = np.exp(scores)
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32)


def one_hot(classes, k):
    return np.eye(k, dtype=np.float32)[classes]


def model(rng, y, k, skill):
    """A model that leans towards the right class."""
    scores = rng.normal(size=(len(y), k))
    scores[np.arange(len(y)), y] += skill
    return softmax(scores)


def votes(rng, y, k, voters, skill):
    """Vote shares, as of nearest neighbours: many ties, exact zeros and ones."""
    counts = np.zeros((len(y), k))
    for _ in range(voters):
        right = rng.random(len(y)) < skill
        vote = np.where(right, y, rng.integers(0, k, len(y)))
        counts[np.arange(len(y)), vote] += 1
    return (counts / voters).astype(np.float32)


def cases():
    """Yields (name, labels, float32 probabilities)."""
    rng = np.random.default_rng(20240229)

    y = rng.integers(0, 10, 400)
    yield "ordinary", y, model(rng, y, 10, 2.5)

    y = rng.integers(0, 7, 500)
    yield "random-softmax", y, softmax(rng.normal(size=(500, 7)) * 3)

    y = rng.integers(0, 5, 300)
    yield "ties", y, votes(rng, y, 5, 3, 0.5)

    y = rng.integers(0, 2, 200)
    yield "two-classes", y, model(rng, y, 2, 1.0)

    y = rng.integers(0, 100, 150)
    yield "hundred-classes", y, model(rng, y, 100, 3.0)

    y = np.concatenate([np.full(190, 0), np.full(25, 1), np.full(5, 2)])
    rng.shuffle(y)
    yield "unbalanced", y, model(rng, y, 3, 1.5)

    y = rng.choice([0, 1, 2, 4], 120)
    p = model(rng, y, 5, 1.0)
    assert 3 in p.argmax(axis=1)
    yield "absent-in-truth", y, p

    y = rng.integers(0, 4, 120)
    scores = rng.normal(size=(120, 4))
    scores[np.arange(120), y] += 1.5
    scores[:, 1] -= 9
    p = softmax(scores)
    assert 1 not in p.argmax(axis=1)
    yield "absent-in-predictions", y, p

    y = rng.choice([0, 2, 5], 90)
    scores = rng.normal(size=(90, 6))
    scores[np.arange(90), y] += 1.0
    scores[:, [1, 4]] -= 12
    p = softmax(scores)
    assert not {1, 4} & set(p.argmax(axis=1))
    yield "absent-everywhere", y, p

    y = np.full(40, 2)
    yield "one-class-in-truth", y, model(rng, y, 3, 0.5)

    y = rng.integers(0, 6, 80)
    yield "perfect", y, one_hot(y, 6)

    y = rng.integers(0, 3, 60)
    yield "always-wrong", y, one_hot((y + 1) % 3, 3)

    y = rng.integers(0, 4, 100)
    guesses = np.where(rng.random(100) < 0.7, y, rng.integers(0, 4, 100))
    yield "zeros-and-ones", y, one_hot(guesses, 4)

    y = rng.integers(0, 4, 70)
    yield "uniform", y, np.full((70, 4), 0.25, np.float32)

    y = rng.integers(0, 3, 70)
    yield "constant", y, np.tile(np.float32([0.2, 0.5, 0.3]), (70, 1))

    yield "one-sample", np.array([1]), np.float32([[0.75, 0.25]])
