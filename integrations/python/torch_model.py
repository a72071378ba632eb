"""A PyTorch module as a model of bakeoff (docs/command.md).

    [[models]]
    name = "net"
    family = "command"
    command = ["python3", "integrations/python/torch_model.py", "net.py:Net"]
    files = ["net.py"]
    settings = { epochs = 5, learning_rate = 0.001, batch_size = 128 }

`Net(channels, height, width, classes)` makes the module; it takes N×C×H×W numbers from 0 to 1 and gives N×K scores
before the softmax. It is trained by Adam on the cross-entropy.
"""

import json
import os
import runpy
import sys
from pathlib import Path

import numpy as np
import torch


def module_of(task):
    """The module that `file.py:Class` names, with the seed's weights."""
    file, _, name = sys.argv[1].rpartition(":")
    sys.path.insert(0, os.getcwd())
    torch.set_num_threads(int(os.environ["BAKEOFF_THREADS"]))
    torch.manual_seed(task["seed"] % 2**63)
    make = runpy.run_path(file)[name]
    return make(task["channels"], task["height"], task["width"], task["classes"])


def pixels(path):
    """N×C×H×W numbers from 0 to 1."""
    return torch.from_numpy(np.load(path)).float() / 255


def fit(folder, task):
    """Trains and leaves the weights."""
    settings = {"epochs": 5, "learning_rate": 0.001, "batch_size": 128}
    unknown = set(task["settings"]) - set(settings)
    if unknown:
        sys.exit(f"unknown settings {sorted(unknown)}; there are {sorted(settings)}")
    settings |= task["settings"]
    module = module_of(task)
    images = pixels(folder / "train-images.npy")
    labels = torch.from_numpy(np.load(folder / "train-labels.npy").astype(np.int64))
    optimizer = torch.optim.Adam(module.parameters(), lr=settings["learning_rate"])
    module.train()
    for _ in range(settings["epochs"]):
        for batch in torch.randperm(len(labels)).split(settings["batch_size"]):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
    torch.save(module.state_dict(), folder / "model/weights.pt")


def predict(folder, task):
    """Answers requests until there are no more."""
    module = module_of(task)
    module.load_state_dict(torch.load(folder / "model/weights.pt", weights_only=True))
    module.eval()
    for _ in sys.stdin:
        with torch.inference_mode():
            blocks = [module(block).softmax(1) for block in pixels(folder / "images.npy").split(1000)]
        np.save(folder / "answers.npy", torch.cat(blocks).numpy())
        print("done", flush=True)


if __name__ == "__main__":
    verb, folder = sys.argv[-2], Path(sys.argv[-1])
    {"fit": fit, "predict": predict}[verb](folder, json.loads((folder / "task.json").read_text()))
