"""scikit-learn's own checks of estimators."""

import bakeoff
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

# Small, so that many small fits are quick.
ESTIMATORS = [
    bakeoff.KNeighborsClassifier(),
    bakeoff.LogisticRegression(random_state=1),
    bakeoff.MLPClassifier(random_state=1, settings={"steps": 300}),
    bakeoff.ConvNetClassifier(
        random_state=1, layers=["dense 16"], dropout=0.0, learning_rate_init=0.01, settings={"steps": 300}
    ),
    bakeoff.RandomForestClassifier(random_state=1, n_estimators=20),
    bakeoff.ExtraTreesClassifier(random_state=1, n_estimators=20),
    bakeoff.BoostedTreesClassifier(random_state=1, n_estimators=20),
    bakeoff.SVC(random_state=1),
    bakeoff.LinearDiscriminantAnalysis(random_state=1),
    bakeoff.QuadraticDiscriminantAnalysis(random_state=1),
    bakeoff.RidgeClassifier(random_state=1),
    bakeoff.NaiveBayes(random_state=1),
    bakeoff.NearestCentroid(random_state=1),
    bakeoff.Classifier("svm", random_state=1),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
