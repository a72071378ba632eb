"""PyTorch: channels-last, fused Adam, batches taken from one tensor without a loader."""

import copy

import numpy as np
import torch
from torch import nn

from contestants import common
from harness.deep import DEEP, Deep
from harness.mnist import Mnist

BATCH = 128


def _start(args):
    torch.set_num_threads(args.threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    # As the program does: values below the smallest normal number cost a hundred times more.
    torch.set_flush_denormal(True)


def _dense():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10))


def _convolutional():
    network = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1600, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )
    return network.to(memory_format=torch.channels_last)


class _Residual(nn.Module):
    """What is added to its own input."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, values):
        return values + self.inner(values)


def _deep(deep: Deep):
    """The network that its list of layers describes."""
    channels, side = (3, 32) if deep.colour else (1, 28)
    # The part that is being written, and those around it.
    parts, outer = [], []
    for at, layer in enumerate(deep.layers):
        match layer.split():
            case ["conv", filters, kernel]:
                filters = int(filters)
                norm_relu = [nn.BatchNorm2d(filters), nn.ReLU()]
                pool_follows = deep.layers[at + 1 : at + 2] == ("max-pool 2",)
                pool = [nn.MaxPool2d(2)] if pool_follows else []
                conv = nn.Conv2d(channels, filters, int(kernel), padding="same", bias=False)
                after = [*pool, *norm_relu] if deep.after_pool else [*norm_relu, *pool]
                parts += [conv, *after]
                channels, side = filters, side // 2 if pool_follows else side
            case ["max-pool", "2"]:
                # After a convolution it is there already.
                if not deep.layers[at - 1].startswith("conv"):
                    parts.append(nn.MaxPool2d(2))
                    side //= 2
            case ["average-pool", "all"]:
                parts.append(nn.AdaptiveAvgPool2d(1))
                side = 1
            case ["skip"]:
                outer.append(parts)
                parts = []
            case ["add"]:
                parts = [*outer.pop(), _Residual(nn.Sequential(*parts))]
            case _:
                raise ValueError(layer)
    parts += [nn.Flatten(), nn.Linear(channels * side * side, 10)]
    return nn.Sequential(*parts).to(memory_format=torch.channels_last)


def _pictures(kind: str, pictures: np.ndarray) -> torch.Tensor:
    values = torch.from_numpy(pictures.astype(np.float32) / np.float32(255))
    if kind == "ann":
        return values.reshape(len(values), -1)
    planes = values.permute(0, 3, 1, 2) if values.dim() == 4 else values.unsqueeze(1)
    return planes.contiguous(memory_format=torch.channels_last)


def _network(kind: str):
    if kind in DEEP:
        return _deep(DEEP[kind])
    return _dense() if kind == "ann" else _convolutional()


def _train(network, optimiser, pictures, labels, batches=None):
    """One epoch, or its first batches."""
    network.train()
    loss_of = nn.CrossEntropyLoss()
    order = torch.randperm(len(pictures))
    for indices in order.split(BATCH)[:batches]:
        optimiser.zero_grad(set_to_none=True)
        loss_of(network(pictures[indices]), labels[indices]).backward()
        optimiser.step()


def _accuracy(network, pictures, labels) -> float:
    network.eval()
    with torch.inference_mode():
        hits = [
            (network(part).argmax(1) == right).sum().item()
            for part, right in zip(pictures.split(1000), labels.split(1000))
        ]
    return sum(hits) / len(labels)


def _epoch(kind: str, epochs: int):
    def job(args):
        _start(args)
        data = DEEP[kind].data(args.limit) if kind in DEEP else Mnist(args.limit)
        pictures = _pictures(kind, data.train_pictures)
        labels = torch.from_numpy(data.train_labels.copy())
        network = _network(kind)
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, eps=1e-7, fused=True)
        _train(copy.deepcopy(network), optimiser, pictures, labels, batches=30)  # Warm-up.
        times = [
            common.timed(lambda: _train(network, optimiser, pictures, labels))[0]
            for _ in range(epochs)
        ]
        test = _pictures(kind, data.test_pictures)
        accuracy = _accuracy(network, test, torch.from_numpy(data.test_labels.copy()))
        return {"seconds": float(np.mean(times)), "accuracy": accuracy, "epochs": epochs}

    return job


def cnn_predict(args):
    _start(args)
    data = Mnist(1)
    test = _pictures("cnn", data.test_pictures)
    network = _network("cnn").eval()

    def answer():
        with torch.inference_mode():
            return torch.cat([network(part).softmax(1) for part in test.split(500)])

    answer()
    seconds, _ = common.median_of_repeats(answer)
    return {"seconds": seconds}


def _single(kind: str):
    def job(args):
        _start(args)
        data = Mnist(1)
        test = _pictures(kind, data.test_pictures[:1000])
        # Traced and frozen: no Python between the layers.
        network = torch.jit.freeze(torch.jit.trace(_network(kind).eval(), test[:1]))
        singles = test.split(1)
        with torch.inference_mode():
            p50 = common.latency_p50(lambda i: network(singles[i]).softmax(1), len(singles))
        return {"seconds": p50}

    return job


if __name__ == "__main__":
    common.main(
        {
            "ann-epoch": _epoch("ann", 5),
            "cnn-epoch": _epoch("cnn", 1),
            **{job: _epoch(job, 2) for job in DEEP},
            "cnn-predict": cnn_predict,
            "ann-single": _single("ann"),
            "cnn-single": _single("cnn"),
        }
    )
