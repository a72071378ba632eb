"""Golden probabilities of the families in closed form: scikit-learn's, and of qda those of its definition.

    python closed_form.py > closed_form.json          (scikit-learn 1.9.0, numpy 2.4.6)
"""

import json

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB

IMAGES, PIXELS, CLASSES, ASKED = 90, 6, 3, 12
state = 1


def byte():
    global state
    state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    return state >> 24


labels = np.arange(IMAGES) % CLASSES
pixels = np.array(
    [
        [byte() // 2 + (30 if (pixel + image) % CLASSES == 0 else 0) for pixel in range(PIXELS)]
        for image in range(IMAGES)
    ]
)
x = pixels / 255.0
asked = x[:ASKED]


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def qda(shrinkage):
    scores = []
    for label in range(CLASSES):
        own = x[labels == label]
        away = own - own.mean(axis=0)
        covariance = away.T @ away / len(own)
        variance = np.trace(covariance) / PIXELS
        covariance = (1 - shrinkage) * covariance + shrinkage * variance * np.eye(PIXELS)
        away = asked - own.mean(axis=0)
        squares = np.einsum("ij,jk,ik->i", away, np.linalg.inv(covariance), away)
        share = np.log(len(own) / IMAGES)
        scores.append(share - 0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * squares)
    return softmax(np.array(scores).T)


def nearest_centroid():
    means = np.array([x[labels == label].mean(axis=0) for label in range(CLASSES)])
    variance = ((x - means[labels]) ** 2).mean()
    squares = ((asked[:, None, :] - means[None]) ** 2).sum(axis=2)
    return softmax(-0.5 * squares / variance)


golden = {
    "naive-bayes normal": GaussianNB().fit(x, labels).predict_proba(asked),
    "naive-bayes counts": MultinomialNB().fit(x, labels).predict_proba(asked),
    "naive-bayes on-off": BernoulliNB(binarize=0.5).fit(x, labels).predict_proba(asked),
    "lda": LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    .fit(x, labels)
    .predict_proba(asked),
    "ridge": softmax(RidgeClassifier(alpha=2.0).fit(x, labels).decision_function(asked)),
    "qda": qda(0.1),
    "nearest-centroid": nearest_centroid(),
}
print(json.dumps({name: values.tolist() for name, values in golden.items()}, indent=1))
