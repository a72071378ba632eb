"""A small convolutional network of PyTorch; torch_model.py trains it."""

from torch import nn


class Net(nn.Sequential):
    """Two convolutions with batch norm, then a dense layer; scores before the softmax."""

    def __init__(self, channels, height, width, classes):
        super().__init__(
            nn.Conv2d(channels, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.4),
            nn.Linear(64 * (((height - 2) // 2 - 2) // 2) * (((width - 2) // 2 - 2) // 2), classes),
        )
