"""bakeoff's engines behind scikit-learn's interface, and the program itself.

Estimators take what scikit-learn's take: rows of numbers, or images as N×H×W or N×H×W×C arrays. Bytes (uint8), as images are, reach the
engines unchanged. Other numbers are rounded to 256 levels between the smallest and the largest training value, except by
:class:`KNeighborsClassifier`, which finds exact neighbours of float32 and float64 rows, too.
"""

from ._base import Classifier
from ._families import (
    BoostedTreesClassifier,
    ConvNetClassifier,
    ExtraTreesClassifier,
    LinearDiscriminantAnalysis,
    LogisticRegression,
    MLPClassifier,
    NaiveBayes,
    NearestCentroid,
    QuadraticDiscriminantAnalysis,
    RandomForestClassifier,
    RidgeClassifier,
    SVC,
)
from ._native import __version__, families
from ._neighbors import KNeighborsClassifier

__all__ = [
    "BoostedTreesClassifier",
    "Classifier",
    "ConvNetClassifier",
    "ExtraTreesClassifier",
    "KNeighborsClassifier",
    "LinearDiscriminantAnalysis",
    "LogisticRegression",
    "MLPClassifier",
    "NaiveBayes",
    "NearestCentroid",
    "QuadraticDiscriminantAnalysis",
    "RandomForestClassifier",
    "RidgeClassifier",
    "SVC",
    "__version__",
    "families",
]
