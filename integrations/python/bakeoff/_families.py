"""The families of the program under the names that Python knows: a row each."""

from __future__ import annotations

import inspect
from typing import Any

from ._base import Classifier
from ._rounding import Rounding

# Parameters that every family takes after its own, as `Classifier` does.
_COMMON = [
    parameter
    for name, parameter in inspect.signature(Classifier.__init__).parameters.items()
    if name not in ("self", "family")
]

_DOC = """{summary}.

    Parameters
    ----------
{parameters}
    engine : str, optional
        One of the family's engines; its default if left out.
    settings : dict, optional
        Further settings: ``bakeoff models --settings {family}`` lists them.
    image_shape, validation_fraction, random_state, n_jobs
        As of :class:`Classifier`.
"""


class _Named(Classifier):
    """A family with some of its settings as parameters."""

    # Settings by parameter.
    _settings: dict[str, str] = {}

    def _recipe(self, rounding: Rounding) -> dict[str, Any]:
        recipe: dict[str, Any] = {}
        for name, setting in self._settings.items():
            value = getattr(self, name)
            # Tuples and numpy's numbers are none of JSON.
            value = value.item() if hasattr(value, "item") else value
            recipe[setting] = list(value) if isinstance(value, tuple) else value
        recipe.update(self.settings or {})
        return recipe


def _family(name: str, family: str, summary: str, **parameters: tuple[str, Any, str]) -> type[_Named]:
    """An estimator; of each parameter its setting, its default and what it is."""
    own = [
        inspect.Parameter(parameter, inspect.Parameter.KEYWORD_ONLY, default=default)
        for parameter, (_, default, _) in parameters.items()
    ]
    signature = inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY), *own, *_COMMON])

    def __init__(self: _Named, **given: Any) -> None:
        bound = signature.bind(self, **given)
        bound.apply_defaults()
        for parameter, value in list(bound.arguments.items())[1:]:
            setattr(self, parameter, value)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    described = [f"    {parameter}, default={default!r}\n        {text}" for parameter, (_, default, text) in parameters.items()]
    return type(
        name,
        (_Named,),
        {
            "__init__": __init__,
            "__module__": __name__,
            "__qualname__": name,
            "__doc__": _DOC.format(summary=summary, parameters="\n".join(described), family=family),
            "family": family,
            "_settings": {parameter: setting for parameter, (setting, _, _) in parameters.items()},
        },
    )


_Logistic = _family(
    "LogisticRegression",
    "logistic",
    "Multinomial logistic regression with an L2 penalty; bytes count as shares of 255",
    C=("c", 1.0, "Inverse strength of the penalty, with scikit-learn's meaning."),
    max_iter=("max_iterations", 1000, "Iterations of the solver at most."),
    tol=("tolerance", 1e-4, "Converged when no component of the mean loss's gradient is larger."),
)


class LogisticRegression(_Logistic):  # type: ignore[misc, valid-type]
    __doc__ = _Logistic.__doc__

    def _recipe(self, rounding: Rounding) -> dict[str, Any]:
        recipe: dict[str, Any] = super()._recipe(rounding)
        if rounding.lowest is not None:
            # The penalty is of weights for the numbers as they are; the engine sees them between 0 and 1.
            recipe["c"] = min(max(recipe["c"] * (255 * rounding.step) ** 2, 1e-9), 1e9)
        return recipe


MLPClassifier = _family(
    "MLPClassifier",
    "ann",
    "A dense network",
    hidden_layer_sizes=("hidden", (128,), "Units of each hidden layer."),
    epochs=("epochs", "auto", "Passes over the training rows; ``auto``: 10, and more of few rows."),
    batch_size=("batch_size", 128, "Rows of a step."),
    learning_rate_init=("learning_rate", 0.001, "Step size of the optimiser."),
    dropout=("dropout", 0.2, "Share of each hidden layer's values set to zero in training."),
)

ConvNetClassifier = _family(
    "ConvNetClassifier",
    "cnn",
    "A convolutional network",
    layers=("layers", "auto", 'Such as ``["conv 32 3", "max-pool 2", "dense 128"]``; ``auto`` fits the images.'),
    epochs=("epochs", "auto", "Passes over the training images; ``auto``: 10, and more of few images."),
    batch_size=("batch_size", 128, "Images of a step."),
    learning_rate_init=("learning_rate", 0.001, "Step size of the optimiser."),
    dropout=("dropout", 0.5, "Share of each dense layer's values set to zero in training."),
)

RandomForestClassifier = _family(
    "RandomForestClassifier",
    "random-forest",
    "A random forest",
    n_estimators=("trees", 100, "Trees."),
    max_features=("candidates", "sqrt", "Columns that each node draws."),
    max_depth=("max_depth", 0, "Nodes from root to leaf at most; 0: no limit."),
    min_samples_leaf=("min_leaf", 1, "Rows of a leaf at least."),
)

ExtraTreesClassifier = _family(
    "ExtraTreesClassifier",
    "extra-trees",
    "Extremely randomised trees",
    n_estimators=("trees", 100, "Trees."),
    max_features=("candidates", "sqrt", "Columns that each node draws."),
    max_depth=("max_depth", 0, "Nodes from root to leaf at most; 0: no limit."),
    min_samples_leaf=("min_leaf", 1, "Rows of a leaf at least."),
)

BoostedTreesClassifier = _family(
    "BoostedTreesClassifier",
    "boosted-trees",
    "Gradient-boosted trees, one for all classes in each round",
    n_estimators=("rounds", 500, "Rounds."),
    learning_rate=("learning_rate", 0.1, "What each tree's answer is multiplied by."),
    max_depth=("max_depth", 7, "Nodes from root to leaf at most."),
)

SVC = _family(
    "SVC",
    "svm",
    "A support vector machine for each pair of classes, with probabilities",
    C=("c", 10.0, "Inverse strength of the penalty."),
    kernel=("kernel", "rbf", "``rbf``, ``poly`` or ``linear``."),
    gamma=("gamma", "scale", "Of the kernel; ``scale`` as scikit-learn's."),
    degree=("degree", 3, "Of kernel ``poly``."),
    tol=("tolerance", 1e-3, "Violation of the optimality conditions at which the solver stops."),
)

LinearDiscriminantAnalysis = _family(
    "LinearDiscriminantAnalysis",
    "lda",
    "Linear discriminant analysis",
    shrinkage=("shrinkage", 0.01, "Share of a sphere in the covariance."),
)

QuadraticDiscriminantAnalysis = _family(
    "QuadraticDiscriminantAnalysis",
    "qda",
    "Quadratic discriminant analysis",
    shrinkage=("shrinkage", 0.1, "Share of a sphere in each class's covariance."),
)

RidgeClassifier = _family(
    "RidgeClassifier",
    "ridge",
    "Least squares to the classes, in closed form",
    alpha=("penalty", 1.0, "Strength of the L2 penalty."),
)

NaiveBayes = _family(
    "NaiveBayes",
    "naive-bayes",
    "Naive Bayes",
    distribution=("pixels", "normal", "Of each column: ``normal``, ``counts`` or ``on-off``."),
)

NearestCentroid = _family("NearestCentroid", "nearest-centroid", "The class whose mean is nearest")
