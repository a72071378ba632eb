"""Exact nearest neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from . import _native
from ._base import Base, threads


class KNeighborsClassifier(Base):
    """The labels of the nearest training rows vote.

    Neighbours are exact: of uint8 rows by whole numbers; of float32 and float64 rows, by Euclidean distances of the numbers as
    float64. Of rows at the same distance the first one counts as the nearer.

    Parameters
    ----------
    n_neighbors : int, default=5
        How many vote.
    weights : {"uniform", "distance"}, default="uniform"
        One vote each, or one over the distance; neighbours at distance 0 then share all votes.
    n_jobs : int or None, default=-1
        Threads of a search; -1 are as many as there are processors.

    Attributes
    ----------
    classes_ : array
        The classes, sorted.
    """

    def __init__(self, n_neighbors: int = 5, *, weights: str = "uniform", n_jobs: int | None = -1) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: ArrayLike) -> KNeighborsClassifier:
        """Keeps the training rows.

        Parameters
        ----------
        X : array of shape (n_samples, n_features), (n_samples, height, width) or (n_samples, height, width, channels)
        y : array of shape (n_samples,)

        Returns
        -------
        self
        """
        rows, labels = self._checked(X, reset=True, y=y)
        if self.weights not in ("uniform", "distance"):
            raise ValueError(f"weights is {self.weights!r}; allowed: 'uniform', 'distance'")
        if not isinstance(self.n_neighbors, (int, np.integer)) or self.n_neighbors < 1:
            raise ValueError(f"n_neighbors is {self.n_neighbors!r}; allowed: whole numbers from 1")
        self._labels = self._targets(labels)
        self._rows: NDArray[Any] = rows
        self._index = _native.Neighbours(rows)
        return self

    def kneighbors(
        self, X: ArrayLike | None = None, n_neighbors: int | None = None, return_distance: bool = True
    ) -> Any:
        """The nearest training rows of each row.

        Parameters
        ----------
        X : array, optional
            Rows as `fit` got them; the training rows if left out, none of which is then its own neighbour.
        n_neighbors : int, optional
            How many; `n_neighbors` of the estimator if left out.
        return_distance : bool, default=True

        Returns
        -------
        distances : array of shape (n_queries, n_neighbors), float64, if asked for
        indices : array of shape (n_queries, n_neighbors), int64
        """
        check_is_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        own = X is None
        queries = self._rows if X is None else self._checked(X, reset=False).astype(self._rows.dtype, copy=False)
        if not 1 <= k <= len(self._rows) - own:
            raise ValueError(f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {k}, n_samples_fit = {len(self._rows)}")
        distances, indices = self._index.search(np.ascontiguousarray(queries), k + own, threads(self.n_jobs))
        if own:
            distances, indices = without_own(distances, indices)
        return (distances, indices) if return_distance else indices

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Shares of the votes.

        Parameters
        ----------
        X : array of the shape that `fit` got

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
        """
        distances, indices = self.kneighbors(X)
        labels = self._labels[indices]
        if self.weights == "uniform":
            votes = np.ones_like(distances)
        else:
            with np.errstate(divide="ignore"):
                votes = 1 / distances
            same = np.isinf(votes)
            votes[same.any(axis=1)] = same[same.any(axis=1)]
        classes = len(self.classes_)
        places = np.arange(len(labels))[:, np.newaxis] * classes + labels
        counts = np.bincount(places.ravel(), votes.ravel(), minlength=len(labels) * classes).reshape(-1, classes)
        shares: NDArray[np.float64] = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_index", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_rows" in state:
            self._index = _native.Neighbours(self._rows)


def without_own(distances: NDArray[Any], indices: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Neighbours without the row itself; where more than k others are as near, without the last of them."""
    own = indices == np.arange(len(indices))[:, np.newaxis]
    own[~own.any(axis=1), -1] = True
    shape = (len(indices), indices.shape[1] - 1)
    return distances[~own].reshape(shape), indices[~own].reshape(shape)
