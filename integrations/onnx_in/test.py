"""Networks of other programs answer in bakeoff as in ONNX Runtime: those of PyTorch, Keras and scikit-learn.

Each is trained a little, exported as its users do, and asked about all 10,000 test images of MNIST. Exporters that
are not installed are skipped with a message, and one that is asked for by name is not: `test.py torch keras sklearn`.
"""

import json
import os
import shutil
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import onnxruntime

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

FOLDER = common.TARGET / "integrations/onnx_in"
# Between the sums of single precision of two runtimes.
TOLERANCE = 1e-5
TRAIN = 3000


def floats(images):
    return (images / 255).astype(np.float32)


def torch_files(images, labels):
    """name -> settings of the experiment, and what ONNX Runtime is given of a batch of bytes."""
    import torch
    from torch import nn

    torch.manual_seed(0)

    class Block(nn.Module):
        """Two convolutions and what goes around them."""

        def __init__(self, before, after, stride):
            super().__init__()
            self.inner = nn.Sequential(
                nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
                nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))
            self.around = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

        def forward(self, x):
            return torch.relu(self.inner(x) + self.around(x))

    class Attention(nn.Module):
        """Patches of 7×7 and a transformer."""

        def __init__(self):
            super().__init__()
            self.patches, self.place = nn.Conv2d(1, 32, 7, 7), nn.Parameter(0.1 * torch.randn(1, 16, 32))
            layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
            self.layers, self.out = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(32, 10)

        def forward(self, x):
            x = self.layers(self.patches(x).flatten(2).transpose(1, 2) + self.place)
            return torch.softmax(self.out(x.mean(1)), -1)

    residual = nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.ReLU(), Block(8, 16, 2), Block(16, 32, 2),
                             nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, 10))
    x, y = torch.tensor((floats(images) - 0.1307) / 0.3081, dtype=torch.float32), torch.tensor(labels.astype(np.int64))
    optimiser = torch.optim.Adam(residual.parameters(), 2e-3)
    for at in range(0, len(x), 50):
        optimiser.zero_grad()
        nn.functional.cross_entropy(residual(x[at:at + 50]), y[at:at + 50]).backward()
        optimiser.step()
    residual.eval()
    attention = Attention().eval()
    any_number = {"dynamic_shapes": [{0: "N"}], "dynamo": True}
    torch.onnx.export(residual, (x[:2],), FOLDER / "torch-residual.onnx", **any_number)
    torch.onnx.export(residual, (x[:2],), FOLDER / "torch-classic.onnx", input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "N"}, "y": {0: "N"}}, dynamo=False)
    torch.onnx.export(residual, (x[:1],), FOLDER / "torch-one.onnx", dynamo=True)
    torch.onnx.export(attention, (x[:2],), FOLDER / "torch-attention.onnx", **any_number)
    normal = "mean = [0.1307]\nstd = [0.3081]\n"
    given = lambda batch: ((batch / 255 - 0.1307) / 0.3081).astype(np.float32)
    logits = {name: (normal + "outputs = 'logits'\n", given) for name in ("torch-residual", "torch-classic", "torch-one")}
    return {**logits, "torch-attention": (normal, given)}


def keras_files(images, labels):
    import keras
    import tensorflow
    import tf2onnx

    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(8, 3, padding="same", use_bias=False), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(), layers.DepthwiseConv2D(3, padding="same"), layers.Activation("swish"),
        layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(floats(images).transpose(0, 2, 3, 1), labels, verbose=0)
    model.export(FOLDER / "keras-export.onnx", format="onnx", verbose=False)
    asked = tensorflow.function(lambda x: model(x, training=False))
    shape = [tensorflow.TensorSpec((None, 28, 28, 1), tensorflow.float32, name="x")]
    tf2onnx.convert.from_function(asked, input_signature=shape, opset=15, output_path=str(FOLDER / "keras-tf2onnx.onnx"))
    given = lambda batch: floats(batch).transpose(0, 2, 3, 1)
    return {"keras-export": ("", given), "keras-tf2onnx": ("", given)}


def sklearn_files(images, labels):
    from skl2onnx import to_onnx
    from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler

    models = {
        "forest": RandomForestClassifier(30, random_state=0),
        "extra-trees": ExtraTreesClassifier(30, random_state=0),
        "boosting": GradientBoostingClassifier(n_estimators=3, max_depth=3, random_state=0),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=20)),
        "normalised": make_pipeline(Normalizer(), LogisticRegression(max_iter=20)),
        "mlp": make_pipeline(MinMaxScaler(), MLPClassifier((30,), max_iter=5, random_state=0)),
    }
    rows = floats(images).reshape(len(images), -1)
    for name, model in models.items():
        onnx = to_onnx(model.fit(rows, labels), rows[:1])
        (FOLDER / f"sklearn-{name}.onnx").write_bytes(onnx.SerializeToString())
    given = lambda batch: floats(batch).reshape(len(batch), -1)
    return {f"sklearn-{name}": ("", given) for name in models}


def expected(path, images):
    """What ONNX Runtime answers, as probabilities."""
    session = onnxruntime.InferenceSession(path)
    name, fixed = session.get_inputs()[0].name, session.get_inputs()[0].shape[0]
    step = fixed if isinstance(fixed, int) else 1000
    answers = []
    for at in range(0, len(images), step):
        found = session.run(None, {name: images[at:at + step]})[-1]
        if isinstance(found, list):
            found = [[row[label] for label in sorted(row)] for row in found]
        answers.append(np.asarray(found, np.float64))
    return np.concatenate(answers)


def softmax(scores):
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def main():
    from safetensors.numpy import load_file

    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    images, labels = common.mnist("train")
    test, _ = common.mnist("t10k")
    files = {}
    makers = {"torch": torch_files, "keras": keras_files, "sklearn": sklearn_files}
    for name in sys.argv[1:] or makers:
        try:
            files |= makers[name](images[:TRAIN], labels[:TRAIN])
        except ImportError as error:
            if sys.argv[1:]:
                raise
            print(f"{name}: skipped, {error}")
    models = [f"[[models]]\nname = '{name}'\nfamily = 'onnx'\npath = '{name}.onnx'\n{settings}"
              for name, (settings, _) in files.items()]
    (FOLDER / "all.toml").write_text("name = 'all'\nlimit_train = 500\n" + "\n".join(models))
    common.bakeoff("run", "all.toml", "--models-dir", "models", "--out", "reports", cwd=FOLDER)
    [run] = [path.parent for path in FOLDER.glob("reports/*/plan.jsonl")]
    for path in sorted(run.glob("records/*.json")):
        record = json.loads(path.read_text())
        name = record["trial"]["model"]
        assert record["status"] == "ok", (name, record.get("reason"))
        assert record["trained_elsewhere"] and "fits" not in record["costs"], name
        [found] = load_file(path.parent / record["probabilities"]["file"]).values()
        settings, given = files[name]
        truth = expected(str(FOLDER / f"{name}.onnx"), given(test))
        truth = softmax(truth) if "logits" in settings else truth
        largest, other = np.abs(found - truth).max(), (found.argmax(1) != truth.argmax(1)).sum()
        print(f"{name:20} accuracy {record['scores']['accuracy']:.4f}, largest difference {largest:.1e}, other labels {other}")
        assert largest < TOLERANCE, name


main()
