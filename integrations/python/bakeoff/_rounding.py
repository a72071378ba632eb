"""Numbers as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Rounding:
    """A byte ``b`` of column ``j`` stands for ``lowest[j] + step * b``; bytes stand for themselves.

    One step for all columns keeps distances in proportion.
    """

    lowest: NDArray[np.float64] | None
    step: float

    @classmethod
    def of(cls, rows: NDArray[Any]) -> Rounding:
        """The finest rounding that holds all of these rows."""
        if rows.dtype == np.uint8:
            return cls(None, 1.0)
        lowest = rows.min(axis=0).astype(np.float64)
        widest = float((rows.max(axis=0).astype(np.float64) - lowest).max(initial=0.0))
        return cls(lowest, widest / 255 if widest > 0 else 1.0)

    def bytes(self, rows: NDArray[Any]) -> NDArray[np.uint8]:
        """Rows as bytes; what is beyond the range of the training rows counts as its end."""
        if self.lowest is None:
            if rows.dtype == np.uint8:
                return np.ascontiguousarray(rows)
            return np.ascontiguousarray(np.clip(np.rint(rows), 0, 255).astype(np.uint8))
        levels: NDArray[np.float64] = np.rint((rows.astype(np.float64) - self.lowest) / self.step)
        return np.ascontiguousarray(np.clip(levels, 0, 255).astype(np.uint8))
