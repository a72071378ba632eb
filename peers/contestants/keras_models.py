"""Keras on TensorFlow: compiled steps, several of them for each return to Python."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import tensorflow as tf
import keras

from contestants import common
from harness.deep import DEEP, Deep
from harness.mnist import Mnist

BATCH = 128
# So many steps run before Python is asked again; more of them bring nothing.
STEPS_PER_CALL = 32
# XLA makes training and batches two to four times slower here, and single answers faster.
JIT_SINGLE = True


def start(threads: int) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(1)


def deep_network(deep: Deep) -> keras.Model:
    """The network that its list of layers describes."""
    layers = keras.layers
    begin = values = keras.Input((32, 32, 3) if deep.colour else (28, 28, 1))
    # What is still to be added.
    skipped = []
    for at, layer in enumerate(deep.layers):
        match layer.split():
            case ["conv", filters, kernel]:
                conv = layers.Conv2D(int(filters), int(kernel), padding="same", use_bias=False)
                norm_relu = [layers.BatchNormalization(), layers.ReLU()]
                pool_follows = deep.layers[at + 1 : at + 2] == ("max-pool 2",)
                pool = [layers.MaxPooling2D(2)] if pool_follows else []
                after = [*pool, *norm_relu] if deep.after_pool else [*norm_relu, *pool]
                for layer in (conv, *after):
                    values = layer(values)
            case ["max-pool", "2"]:
                # After a convolution it is there already.
                if not deep.layers[at - 1].startswith("conv"):
                    values = layers.MaxPooling2D(2)(values)
            case ["average-pool", "all"]:
                values = layers.GlobalAveragePooling2D()(values)
            case ["skip"]:
                skipped.append(values)
            case ["add"]:
                values = layers.Add()([skipped.pop(), values])
            case _:
                raise ValueError(layer)
    return keras.Model(begin, layers.Dense(10)(layers.Flatten()(values)))


def network(kind: str) -> keras.Model:
    layers = keras.layers
    if kind in DEEP:
        return deep_network(DEEP[kind])
    if kind == "ann":
        return keras.Sequential(
            [
                keras.Input((784,)),
                layers.Dense(128, activation="relu"),
                layers.Dropout(0.2),
                layers.Dense(10),
            ]
        )
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10),
        ]
    )


def compiled(kind: str, rate=1e-3) -> keras.Model:
    model = network(kind)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=STEPS_PER_CALL,
        jit_compile=False,
    )
    return model


def pictures_of(kind: str, pictures: np.ndarray) -> np.ndarray:
    values = pictures.astype(np.float32) / np.float32(255)
    if kind == "ann":
        return values.reshape(len(values), -1)
    return values if values.ndim == 4 else values[..., None]


def _epoch(kind: str, epochs: int):
    def job(args):
        start(args.threads)
        data = DEEP[kind].data(args.limit) if kind in DEEP else Mnist(args.limit)
        pictures, labels = pictures_of(kind, data.train_pictures), data.train_labels
        model = compiled(kind)
        warm_up = 2 * STEPS_PER_CALL * BATCH
        model.fit(pictures[:warm_up], labels[:warm_up], batch_size=BATCH, epochs=1, verbose=0)
        seconds, _ = common.timed(
            lambda: model.fit(pictures, labels, batch_size=BATCH, epochs=epochs, verbose=0)
        )
        scores = model.predict(pictures_of(kind, data.test_pictures), batch_size=1000, verbose=0)
        accuracy = float((scores.argmax(1) == data.test_labels).mean())
        return {"seconds": seconds / epochs, "accuracy": accuracy, "epochs": epochs}

    return job


def cnn_predict(args):
    start(args.threads)
    test = pictures_of("cnn", Mnist(1).test_pictures)
    model = keras.Sequential([network("cnn"), keras.layers.Softmax()])
    model.compile(jit_compile=False, steps_per_execution=20)

    def predict():
        return model.predict(test, batch_size=500, verbose=0)

    predict()
    seconds, _ = common.median_of_repeats(predict)
    return {"seconds": seconds}


def _single(kind: str):
    def job(args):
        start(args.threads)
        test = pictures_of(kind, Mnist(1).test_pictures[:1000])
        model = network(kind)
        answer = tf.function(
            lambda picture: tf.nn.softmax(model(picture, training=False)),
            input_signature=[tf.TensorSpec((1, *test.shape[1:]), tf.float32)],
            jit_compile=JIT_SINGLE,
        )
        singles = [tf.constant(test[i : i + 1]) for i in range(len(test))]
        p50 = common.latency_p50(lambda i: answer(singles[i]).numpy(), len(singles))
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
