from typing import Any

import numpy as np
from numpy.typing import NDArray

__version__: str

class Model:
    @property
    def parameters(self) -> int: ...
    @property
    def recipe(self) -> str: ...
    @property
    def steps(self) -> int: ...
    def predict_proba(self, rows: NDArray[np.uint8], threads: int) -> NDArray[np.float32]: ...
    def save(self) -> tuple[str, str, bytes]: ...
    @staticmethod
    def load(recipe: str, header: str, tensors: bytes) -> Model: ...

class Neighbours:
    def __init__(self, rows: NDArray[Any]) -> None: ...
    def search(self, queries: NDArray[Any], k: int, threads: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...

def fit(
    family: str,
    engine: str | None,
    settings: str,
    rows: NDArray[np.uint8],
    shape: tuple[int, int, int],
    targets: NDArray[np.uint16],
    classes: list[str],
    seed: int,
    validation: float,
    threads: int,
) -> Model: ...
def families() -> list[tuple[str, str, list[tuple[str, str, str, str]]]]: ...
