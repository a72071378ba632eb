"""Models as ONNX files answer as bakeoff does: in ONNX's own reference, ONNX Runtime and its build for browsers.

Random networks on random images, and the models of MNIST on all 10,000 test images. `test.py SEED` draws
others than the first seed does.
"""

import gzip
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator
from PIL import Image
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common
import web

FOLDER = common.TARGET / "integrations/onnx"
# Between the sums of single precision of two implementations.
TOLERANCE = 1e-5
EXPERIMENTS = 40

MNIST = """
name = "mnist"
limit_train = 6000
[[models]]
family = "logistic"
[[models]]
family = "ann"
epochs = 1
[[models]]
family = "cnn"
epochs = 1
[[models]]
name = "calibrated"
family = "cnn"
epochs = 1
batch_norm = true
calibrate = "temperature"
"""


def mnist_test():
    """The test images, N×1×28×28."""
    path = common.ROOT / "crates/data/mnist/t10k-images-idx3-ubyte.gz"
    return np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=16).reshape(-1, 1, 28, 28)


class Draw(random.Random):
    """What a random experiment is made of."""

    def data(self, path):
        """Writes noisy images of some classes as npz; returns the test images, N×C×H×W."""
        shape = self.choice((1, 3)), self.randint(4, 20), self.randint(4, 20)
        classes = self.randint(2, 7)
        noise = np.random.default_rng(self.getrandbits(32))
        patterns = noise.uniform(0, 255, (classes, *shape))
        arrays = {}
        for part, count in (("train", 120), ("test", 60)):
            labels = np.arange(count) % classes
            images = (0.5 * patterns[labels] + noise.uniform(0, 127, (count, *shape))).astype(np.uint8)
            # NumPy files have the channels last, and grey images none.
            arrays[f"x_{part}"] = images[:, 0] if shape[0] == 1 else images.transpose(0, 2, 3, 1)
            arrays[f"y_{part}"] = labels
        np.savez(path, **arrays)
        return images

    def layers(self, height, width, padding):
        """The hidden layers of a convolutional network that images of this size have room for."""
        sides, items = [height, width], []
        for _ in range(self.randint(1, 5)):
            if self.random() < 0.6:
                kernel = [self.randint(1, min(4, side)) for side in sides]
                stride = self.choice((1, 1, 2))
                whole = padding == "valid"
                sides = [(n - k if whole else n - 1) // stride + 1 for n, k in zip(sides, kernel)]
                size = f"{kernel[0]}x{kernel[1]}" if kernel[0] != kernel[1] else str(kernel[0])
                items.append(f"conv {self.randint(1, 9)} {size}" + (f" stride {stride}" if stride > 1 else ""))
            else:
                size = self.randint(1, min(3, *sides))
                stride = self.choice((size, size, self.randint(1, 3)))
                sides = [(n - size) // stride + 1 for n in sides]
                kind = self.choice(("max", "average"))
                items.append(f"{kind}-pool {size}" + (f" stride {stride}" if stride != size else ""))
            if self.random() < 0.3:
                # As many filters as there are here, and the same sides.
                filters = next((item.split()[1] for item in reversed(items) if item.startswith("conv")), None)
                if filters:
                    items += ["skip", f"conv {filters} {'3' if padding == 'same' else '1'}", "add"]
            if self.random() < 0.2:
                items.append("dropout 0.1")
        if self.random() < 0.3:
            items.append("average-pool all")
        return items + [f"dense {self.randint(1, 40)}" for _ in range(self.randint(0, 2))]

    def models(self, height, width):
        padding = self.choice(("valid", "same"))
        network = {"epochs": 1, "batch_size": 8}
        settings = {
            "logistic": {"engine": self.choice(("native", "native", "linfa", "smartcore"))},
            "ann": {"hidden": [self.randint(1, 40) for _ in range(self.randint(0, 3))], **network},
            "cnn": {"layers": self.layers(height, width, padding), "padding": padding, **network},
        }
        for family, own in settings.items():
            own["calibrate"] = self.choice(("none", "none", "temperature"))
            if family != "logistic":
                own["batch_norm"] = self.choice((True, False))
                own["norm_place"] = self.choice(("before-pool", "after-pool"))
                own["dropout"] = self.choice((0.0, 0.3))
                own["learning_rate"] = self.choice((0.001, 0.02))
        lines = []
        for family, own in settings.items():
            # A list, a number, a text and a truth value are the same in TOML as in JSON.
            lines += ["[[models]]", f'family = "{family}"']
            lines += [f"{key} = {json.dumps(value)}" for key, value in own.items()]
        return "\n".join(lines)


def run(folder, text):
    """Runs an experiment; returns for each model its name and its probabilities for the test images."""
    folder.mkdir()
    (folder / "experiment.toml").write_text(text)
    common.bakeoff("run", "experiment.toml", "-q", cwd=folder)
    run_folder = next(path for path in (folder / "reports").iterdir() if path.is_dir())
    names = {trial["id"]: f"{trial['save_as']['dataset']}/{trial['save_as']['model']}" for trial in common.planned(run_folder)}
    for key, record in sorted(common.records(run_folder).items()):
        assert record["status"] == "ok", record
        yield names[key], load_file(run_folder / "records" / record["probabilities"]["file"])["probabilities"]


def session(path):
    """An answering function of ONNX Runtime; what it warns of is printed."""
    runtime = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: runtime.run(["probabilities", "labels"], {"images": images})


def check_file(path, element, images, classes):
    """The file is valid, and says by itself what it takes and gives."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    types = {value.name: value.type.tensor_type for value in inferred.graph.value_info}
    assert len(types) == len(model.graph.node) - 2, "shapes are not known inside"
    lengths = {name: [it.dim_param or it.dim_value for it in found.shape.dim] for name, found in types.items()}
    assert all(found[0] == "N" and min(found[1:], default=1) > 0 for found in lengths.values()), lengths
    assert (model.opset_import[0].version, model.ir_version) == (13, 7)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert len(json.loads(facts["class_names"])) == classes, facts
    assert facts["input"].startswith(f"{element} N×" + "×".join(map(str, images.shape[1:]))), facts
    return model


def check(folder, name, images, expected, worst):
    """Both kinds of file of a model, by three ways to ask them."""
    classes = expected.shape[1]
    for kind, element, pixels in (
        ("bytes", "uint8", images),
        ("float", "float32", images.astype(np.float32) / np.float32(255)),
    ):
        path = folder / f"{name.replace('/', '-')}-{kind}.onnx"
        common.bakeoff("export-model", name, "--input", kind, "--out", path.name, cwd=folder)
        model = check_file(path, element, images, classes)
        ask = session(path)
        probabilities, labels = ask(pixels)
        assert probabilities.dtype == np.float32 and labels.dtype == np.int64
        assert (labels == probabilities.argmax(1)).all(), "labels are not those of the first of the largest"
        ahead = np.sort(expected, 1)
        clear = ahead[:, -1] - ahead[:, -2] > 2 * TOLERANCE
        assert (labels == expected.argmax(1))[clear].all(), "other labels than bakeoff's"
        worst.note("ONNX Runtime", name, probabilities, expected)
        for count in (0, 1, 3):
            some, labels = ask(pixels[:count])
            assert some.shape == (count, classes) and labels.shape == (count,)
            worst.note("few images", name, some, expected[:count])
        reference = ReferenceEvaluator(model).run(["probabilities"], {"images": pixels[:5]})[0]
        worst.note("ONNX's reference", name, reference, expected[:5])


def check_document(folder, digit):
    """The program in docs/onnx.md answers as it stands there, for a photo of a digit."""
    Image.fromarray(255 - np.kron(digit, np.ones((4, 4), np.uint8))).save(folder / "photo.png")
    common.bakeoff("prepare", "photo.png", "--model", "mnist-6000/cnn", "--out", "stages", cwd=folder)
    common.bakeoff("export-model", "mnist-6000/cnn", "--out", "mnist-cnn.onnx", cwd=folder)
    words = [sys.executable, "-c", web.in_document("python")]
    said = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout
    best = json.loads(common.bakeoff("predict", "photo.png", "--model", "mnist-6000/cnn", "--json", cwd=folder))
    best = best["predictions"][0]
    label, probability = said.split()
    assert label == best["class"], (said, best)
    assert abs(float(probability) - best["probability"]) < TOLERANCE, (said, best)


class Worst:
    """The largest differences of probabilities, by who answered."""

    def __init__(self):
        self.found = {}

    def note(self, who, name, probabilities, expected):
        assert probabilities.shape == expected.shape, (who, name, probabilities.shape)
        difference = float(np.abs(probabilities - expected).max(initial=0))
        assert difference <= TOLERANCE, f"{who}, {name}: {difference} apart"
        count, largest, where = self.found.get(who, (0, 0.0, name))
        self.found[who] = (count + len(expected), *max((largest, where), (difference, name)))

    def __str__(self):
        return "\n".join(
            f"{who}: {count} answers, at most {largest:.2g} from bakeoff's ({name})"
            for who, (count, largest, name) in self.found.items()
        )


def main(seed):
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    worst = Worst()
    for_web = []
    for number in range(EXPERIMENTS):
        draw = Draw(f"{seed}/{number}")
        data = FOLDER / f"random{number}.npz"
        images = draw.data(data)
        text = f'datasets = ["{data}"]\n{draw.models(*images.shape[2:])}\n'
        folder = FOLDER / str(number)
        for name, expected in run(folder, text):
            check(folder, name, images, expected, worst)
            # One with a convolution and colours or without, for each of the first experiments.
            if number < 5 and name.endswith("/cnn"):
                for_web.append((name, folder, images, expected))
    images = mnist_test()
    for name, expected in run(FOLDER / "mnist", MNIST):
        check(FOLDER / "mnist", name, images, expected, worst)
        for_web.append((name, FOLDER / "mnist", images[:1000], expected[:1000]))
    check_document(FOLDER / "mnist", images[0, 0])
    web.check(FOLDER / "web", for_web, worst)
    print(f"onnx, seed {seed}: {3 * EXPERIMENTS + 4} models\n{worst}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "1")
