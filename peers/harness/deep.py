"""Networks with batch norm that go deeper than the default one, written once for all contestants.

Each is a list of layers in the program's own words; the convolutions keep the size of the
image, and the output layer comes by itself. In the common order a convolution is followed
by batch norm, ReLU and pool; in the order `after-pool` by pool, batch norm and ReLU.
"""

from dataclasses import dataclass

import numpy as np

from harness.mnist import Mnist

# An epoch is of so many training pictures, so that a round stays short.
PICTURES = 12_800

_PLAIN = (
    *("conv 32 3", "conv 32 3", "max-pool 2"),
    *("conv 64 3", "conv 64 3", "max-pool 2"),
    *("conv 128 3", "max-pool 2"),
)
_RESIDUAL = (
    *("conv 32 3", "skip", "conv 32 3", "conv 32 3", "add", "max-pool 2"),
    *("conv 64 3", "skip", "conv 64 3", "conv 64 3", "add", "max-pool 2"),
    *("conv 128 3", "average-pool all"),
)


@dataclass(frozen=True)
class Deep:
    """A network and its data."""

    layers: tuple[str, ...]
    after_pool: bool = False
    # 3×32×32, as CIFAR's; otherwise 1×28×28.
    colour: bool = False

    def data(self, limit: int | None) -> Mnist:
        return Coloured(limit) if self.colour else Mnist(limit or PICTURES)


class Coloured(Mnist):
    """Pictures of CIFAR's shape, N×32×32×3 bytes: MNIST's digits in a colour on a noisy ground."""

    def __init__(self, limit: int | None = None):
        super().__init__(limit or PICTURES)
        random = np.random.default_rng(1)
        self.test_labels = self.test_labels[:2000]
        self.train_pictures = _coloured(self.train_pictures, random)
        self.test_pictures = _coloured(self.test_pictures[:2000], random)


def _coloured(pictures: np.ndarray, random: np.random.Generator) -> np.ndarray:
    ink = np.pad(pictures, ((0, 0), (2, 2), (2, 2)))[..., None].astype(np.float32) / 255
    of_ink, ground = random.integers(0, 256, (2, len(pictures), 1, 1, 3))
    noise = random.normal(0, 20, (len(pictures), 32, 32, 3))
    return np.clip(ink * of_ink + (1 - ink) * ground + noise, 0, 255).astype(np.uint8)


DEEP = {
    "five-epoch": Deep(_PLAIN),
    "five-after-epoch": Deep(_PLAIN, after_pool=True),
    "residual-epoch": Deep(_RESIDUAL, colour=True),
}
