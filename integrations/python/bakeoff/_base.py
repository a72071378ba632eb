"""What all estimators have in common."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from . import _native
from ._rounding import Rounding

# What is of another type becomes the first.
DTYPES = [np.float64, np.float32, np.uint8]


def threads(n_jobs: int | None) -> int:
    """Threads for scikit-learn's ``n_jobs``; 0 are as many as there are processors."""
    if n_jobs is None:
        return 1
    if n_jobs == 0:
        raise ValueError("n_jobs == 0 has no meaning; use -1 for all processors")
    return max(n_jobs, 0)


def rows_of(images: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Images as rows, channel after channel, with channels, height and width; other input as it is."""
    if not hasattr(images, "ndim") or images.ndim not in (3, 4):
        return images, None
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[..., np.newaxis]
    height, width, channels = array.shape[1:]
    rows = np.ascontiguousarray(np.moveaxis(array, 3, 1)).reshape(len(array), -1)
    return rows, (channels, height, width)


class Base(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fits on rows with labels and answers probabilities of classes."""

    def _checked(self, images: Any, *, reset: bool, **more: Any) -> Any:
        """Rows of numbers, checked as scikit-learn checks them."""
        rows, shape = rows_of(images)
        checked = validate_data(self, rows, reset=reset, dtype=DTYPES, **more)
        if reset:
            self._images = shape
        return checked

    def _targets(self, labels: Any) -> NDArray[np.uint16]:
        check_classification_targets(labels)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        if len(self.classes_) > 2**16:
            raise ValueError(f"{len(self.classes_)} classes; there can be 65536")
        return np.asarray(targets, dtype=np.uint16)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each row.

        Parameters
        ----------
        X : array of shape (n_samples, n_features), (n_samples, height, width) or (n_samples, height, width, channels)

        Returns
        -------
        labels : array of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Probabilities of the classes in the order of ``classes_``."""
        raise NotImplementedError


class Classifier(Base):
    """Any family of the program, by its name.

    Parameters
    ----------
    family : str
        A family of :func:`bakeoff.families`, such as ``"svm"``.
    engine : str, optional
        One of the family's engines; its default if left out.
    settings : dict, optional
        Settings of the family, as in an experiment's file; defaults for all others.
    image_shape : tuple of int, optional
        Height and width, or height, width and channels, of images that come as rows. Rows whose number of columns is a
        square are grey images of as many rows as columns; all others are images of one row.
    validation_fraction : float, default=0.1
        Share of the training rows held out for families that choose something by validation data, such as the epoch.
    random_state : int, RandomState or None, default=None
        The seed of everything random. The same number gives the same probabilities, bit for bit, at any number of threads, and
        those of the program with the same seed.
    n_jobs : int or None, default=-1
        Threads; -1 are as many as there are processors.

    Attributes
    ----------
    classes_ : array
        The classes, sorted.
    n_features_in_ : int
        Columns of the training rows.
    n_iter_ : int
        Epochs or iterations of the fit; 1 for families without.
    """

    def __init__(
        self,
        family: str = "logistic",
        *,
        engine: str | None = None,
        settings: dict[str, Any] | None = None,
        image_shape: tuple[int, ...] | None = None,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = -1,
    ) -> None:
        self.family = family
        self.engine = engine
        self.settings = settings
        self.image_shape = image_shape
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _recipe(self, rounding: Rounding) -> dict[str, Any]:
        """The settings of the family for rows that are rounded so."""
        return dict(self.settings or {})

    def _shape(self, columns: int) -> tuple[int, int, int]:
        """Channels, height and width."""
        if self._images is not None:
            return self._images
        if self.image_shape is None:
            side = round(columns**0.5)
            return (1, side, side) if side * side == columns else (1, 1, columns)
        height, width, *rest = self.image_shape
        channels = rest[0] if rest else 1
        if height * width * channels != columns:
            raise ValueError(f"image_shape {self.image_shape} has {height * width * channels} values, X has {columns} columns")
        return channels, height, width

    def _planes(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Rows of images whose channels come last, channel after channel."""
        channels, height, width = self._shape_
        if channels == 1 or self._images is not None:
            return rows
        images = rows.reshape(-1, height, width, channels)
        return np.ascontiguousarray(np.moveaxis(images, 3, 1)).reshape(len(rows), -1)

    def fit(self, X: ArrayLike, y: ArrayLike) -> Classifier:
        """Trains the model.

        Parameters
        ----------
        X : array of shape (n_samples, n_features), (n_samples, height, width) or (n_samples, height, width, channels)
        y : array of shape (n_samples,)
            Classes: numbers or texts.

        Returns
        -------
        self
        """
        rows, labels = self._checked(X, reset=True, y=y)
        targets = self._targets(labels)
        self._rounding = Rounding.of(rows)
        self._shape_ = self._shape(rows.shape[1])
        self._model: _native.Model | None = None
        if len(self.classes_) == 1:
            # Nothing is to be learned.
            self.n_iter_ = 1
            return self
        self._model = _native.fit(
            self.family,
            self.engine,
            json.dumps(self._recipe(self._rounding)),
            self._planes(self._rounding.bytes(rows)),
            self._shape_,
            targets,
            [str(name) for name in self.classes_],
            self._seed(),
            float(self.validation_fraction),
            threads(self.n_jobs),
        )
        self.n_iter_ = max(self._model.steps, 1)
        return self

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array of the shape that `fit` got

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes), float32
        """
        check_is_fitted(self)
        rows: NDArray[Any] = self._checked(X, reset=False)
        if self._model is None:
            # Of one class there is no other answer.
            return np.full((len(rows), 1), 1, dtype=np.float32)
        return self._model.predict_proba(self._planes(self._rounding.bytes(rows)), threads(self.n_jobs))

    @property
    def recipe_(self) -> dict[str, Any]:
        """Family, engine and every setting, as the program writes them."""
        check_is_fitted(self)
        recipe: dict[str, Any] = json.loads(self._model.recipe) if self._model else {}
        return recipe

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if state.get("_model") is not None:
            state["_model"] = state["_model"].save()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("_model"), tuple):
            state["_model"] = _native.Model.load(*state["_model"])
        super().__setstate__(state)
