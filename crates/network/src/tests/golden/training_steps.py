"""Makes training_steps.json: a few training steps of a small network, by JAX and Optax.

    python3 -m venv venv && venv/bin/pip install jax==0.10.2 optax==0.2.8
    venv/bin/python training_steps.py > training_steps.json

Everything is computed in 64 bits from weights and bytes drawn here, so that the file
is the reference and not a copy of one library's rounding.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax

jax.config.update("jax_enable_x64", True)

CHANNELS, HEIGHT, WIDTH, CLASSES, BATCH, STEPS = 2, 7, 6, 3, 5, 4
RATE, DECAY, MOMENTUM, EPSILON = 0.01, 0.1, 0.1, 1e-5


def shapes(norm):
    def layer(name, weight):
        rest = ["norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"] if norm else ["bias"]
        return [(f"{name}.weight", weight)] + [(f"{name}.{part}", (weight[0],)) for part in rest]

    # "same" keeps 7x6, pooling gives 3x3, the stride 2x2.
    return (
        layer("conv1", (3, CHANNELS, 3, 2))
        + layer("conv2", (4, 3, 2, 2))
        + layer("dense1", (5, 4 * 2 * 2))
        + [("output.weight", (CLASSES, 5)), ("output.bias", (CLASSES,))]
    )


def conv(x, weight, stride):
    return jax.lax.conv_general_dilated(
        x, weight, (stride, stride), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW")
    )


def finish(x, name, tensors, statistics):
    """Bias or batch norm, then ReLU."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    if f"{name}.bias" in tensors:
        return jax.nn.relu(x + tensors[f"{name}.bias"].reshape(shape))
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    mean, var = x.mean(axes), x.var(axes)
    for part, new in (("running_mean", mean), ("running_var", var)):
        old = tensors[f"{name}.norm.{part}"]
        statistics[f"{name}.norm.{part}"] = (1 - MOMENTUM) * old + MOMENTUM * new
    x = (x - mean.reshape(shape)) / jnp.sqrt(var.reshape(shape) + EPSILON)
    scale, shift = tensors[f"{name}.norm.weight"], tensors[f"{name}.norm.bias"]
    return jax.nn.relu(x * scale.reshape(shape) + shift.reshape(shape))


def loss(trained, followed, pixels, labels):
    tensors, statistics = {**trained, **followed}, {}
    x = pixels / 255.0
    x = finish(conv(x, tensors["conv1.weight"], 1), "conv1", tensors, statistics)
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    x = finish(conv(x, tensors["conv2.weight"], 2), "conv2", tensors, statistics)
    x = x.reshape(x.shape[0], -1)
    x = finish(x @ tensors["dense1.weight"].T, "dense1", tensors, statistics)
    scores = x @ tensors["output.weight"].T + tensors["output.bias"]
    losses = optax.softmax_cross_entropy_with_integer_labels(scores, labels)
    return losses.mean(), statistics


def case(norm):
    rng = np.random.default_rng(7)
    initial = {}
    for name, shape in shapes(norm):
        values = rng.normal(0, 0.4, shape)
        if name.endswith(("norm.weight", "running_var")):
            values = 1 + 0.2 * np.abs(values)
        # Values that 32 bits hold exactly.
        initial[name] = values.astype(np.float32).astype(np.float64)
    batches = [
        (
            rng.integers(0, 256, (BATCH, CHANNELS, HEIGHT, WIDTH)),
            rng.integers(0, CLASSES, BATCH),
        )
        for _ in range(STEPS)
    ]
    is_followed = lambda name: "running" in name
    trained = {n: jnp.array(v) for n, v in initial.items() if not is_followed(n)}
    followed = {n: jnp.array(v) for n, v in initial.items() if is_followed(n)}
    adam = optax.adamw(RATE, b1=0.9, b2=0.999, eps=1e-7, weight_decay=DECAY)
    state, losses = adam.init(trained), []
    for pixels, labels in batches:
        (value, statistics), gradient = jax.value_and_grad(loss, has_aux=True)(
            trained, followed, jnp.array(pixels, jnp.float64), jnp.array(labels)
        )
        losses.append(float(value))
        updates, state = adam.update(gradient, state, trained)
        trained = optax.apply_updates(trained, updates)
        followed = statistics or followed
    final = {**trained, **followed}
    flat = lambda tensors: [np.asarray(tensors[name]).ravel().tolist() for name, _ in shapes(norm)]
    return {
        "batch_norm": norm,
        "names": [name for name, _ in shapes(norm)],
        "initial": flat(initial),
        "pixels": [pixels.ravel().tolist() for pixels, _ in batches],
        "labels": [labels.tolist() for _, labels in batches],
        "losses": losses,
        "final": flat(final),
    }


print(json.dumps([case(False), case(True)]))
