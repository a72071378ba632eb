"""MNIST as the project ships it, so that every contestant learns from the same bytes."""

import gzip
import struct
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "crates" / "data" / "mnist"


def _idx(name: str) -> np.ndarray:
    raw = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
    dimensions = raw[3]
    shape = struct.unpack(f">{dimensions}I", raw[4 : 4 + 4 * dimensions])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


class Mnist:
    """Pictures as N×28×28 bytes, labels as N integers."""

    def __init__(self, limit: int | None = None):
        self.train_pictures = _idx("train-images-idx3-ubyte")[:limit]
        self.train_labels = _idx("train-labels-idx1-ubyte").astype(np.int64)[:limit]
        self.test_pictures = _idx("t10k-images-idx3-ubyte")
        self.test_labels = _idx("t10k-labels-idx1-ubyte").astype(np.int64)

    def rows(self, divide_by: float = 255.0) -> tuple[np.ndarray, np.ndarray]:
        """Training and test pictures as rows of f32, N×784."""
        return tuple(
            np.ascontiguousarray(pictures.reshape(len(pictures), -1), np.float32)
            / np.float32(divide_by)
            for pictures in (self.train_pictures, self.test_pictures)
        )
