"""Programs of other languages as models: awk, scikit-learn, and PyTorch and Keras where they are installed.

Each answers after training as the library itself does, with the same bits a second time, from its saved model.
"""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import common

FOLDER = common.TARGET / "integrations/command"
PYTHON = sys.executable
ADAPTERS = common.ROOT / "integrations"

TORCH_NET = """
import torch
class Net(torch.nn.Sequential):
    def __init__(self, channels, height, width, classes):
        super().__init__(torch.nn.Flatten(), torch.nn.Linear(channels * height * width, 32), torch.nn.ReLU(),
                         torch.nn.Linear(32, classes))
"""

KERAS_NET = """
import keras
def make(height, width, channels, classes):
    model = keras.Sequential([keras.Input((height, width, channels)), keras.layers.Flatten(),
                              keras.layers.Dense(32, "relu"), keras.layers.Dense(classes, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""


def model(name, command, more=""):
    """A model of an experiment."""
    return f"[[models]]\nname = {name!r}\nfamily = 'command'\ncommand = {json.dumps(command)}\n{more}\n"


def experiment():
    """Every adapter that can run here; their names."""
    sklearn = [PYTHON, "sklearn_model.py"]
    models = {
        "awk": model("awk", ["sh", "centroid.sh"], "format = 'text'"),
        "forest": model("forest", [*sklearn, "RandomForestClassifier()"], "settings = { n_estimators = 50 }"),
        "pipeline": model("pipeline", [*sklearn, "make_pipeline(StandardScaler(), SVC(probability=False))"]),
        "logistic": model("logistic", [*sklearn, "make_pipeline(PCA(20), LogisticRegression())"]),
    }
    if importlib.util.find_spec("torch"):
        more = "files = ['torch_net.py']\nsettings = { epochs = 20, batch_size = 16 }"
        models["torch"] = model("torch", [PYTHON, "torch_model.py", "torch_net.py:Net"], more)
    if importlib.util.find_spec("keras"):
        more = "files = ['keras_net.py']\nsettings = { epochs = 20, batch_size = 16 }"
        models["keras"] = model("keras", [PYTHON, "keras_model.py", "keras_net.py:make"], more)
    for name in ("torch", "keras"):
        if name not in models:
            print(f"{name}: skipped, it is not installed in integrations/.venv")
    return models


def probabilities(run, record):
    """A trial's test probabilities."""
    tensors = load_file(run / "records" / record["probabilities"]["file"])
    return next(value for value in tensors.values() if value.ndim == 2)


def main():
    """Trains all, and compares the forest with scikit-learn itself."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    common.write_data(FOLDER / "data")
    for adapter in ("shell/centroid.sh", "python/sklearn_model.py", "python/torch_model.py", "python/keras_model.py"):
        shutil.copy(ADAPTERS / adapter, FOLDER)
    (FOLDER / "torch_net.py").write_text(TORCH_NET)
    (FOLDER / "keras_net.py").write_text(KERAS_NET)
    models = experiment()
    text = "name = 'command'\ndatasets = ['data']\n" + "".join(models.values())
    (FOLDER / "e.toml").write_text(text)
    env = common.os.environ | {"XDG_STATE_HOME": str(FOLDER / "state")}
    common.bakeoff("run", "e.toml", cwd=FOLDER, env=env, expect=(1,))
    (run,) = (path for path in (FOLDER / "reports").iterdir() if path.is_dir())
    records = [json.loads(path.read_text()) for path in (run / "records").glob("*.json")]
    records = {record["trial"]["model"]: record for record in records}
    for name in models:
        record = records[name]
        if name == "pipeline":
            assert "has no predict_proba" in record["reason"], record
            continue
        assert record["status"] == "ok", record
        accuracy = record["scores"]["accuracy"]
        print(f"{name}: accuracy {accuracy:.3f}, fit {record['costs']['fit_ns'] / 1e9:.2f} s")
        assert accuracy > 0.9, (name, accuracy)
    # The same estimator without bakeoff.
    from sklearn.ensemble import RandomForestClassifier

    def part(name):
        images = np.frombuffer((FOLDER / f"data/{name}-images-idx3-ubyte").read_bytes(), np.uint8, offset=16)
        labels = np.frombuffer((FOLDER / f"data/{name}-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
        return images.reshape(len(labels), -1).astype(np.float32) / 255, labels

    forest = RandomForestClassifier(n_estimators=50, random_state=1).fit(*part("train"))
    expected = forest.predict_proba(part("t10k")[0]).astype(np.float32)
    found = probabilities(run, records["forest"])
    assert np.abs(found - expected).max() < 1e-6, np.abs(found - expected).max()
    print("forest: the same probabilities as scikit-learn's own")
    # The saved models, after the scripts are gone.
    for path in FOLDER.glob("*.py"):
        path.unlink()
    image = part("t10k")[0][0].reshape(12, 10) * 255
    Image.fromarray(image.astype(np.uint8)).save(FOLDER / "one.png")
    said = common.bakeoff("evaluate", "data", "--all", "--json", cwd=FOLDER, env=env)
    answers = [json.loads(line) for line in said.splitlines()]
    assert len(answers) == len(models) - 1, said
    for answer in answers:
        name = answer["model"].rpartition("/")[2]
        assert abs(answer["accuracy"] - records[name]["scores"]["accuracy"]) < 1e-9, answer
    print(f"{len(answers)} saved models answer after their scripts are gone")


if __name__ == "__main__":
    main()
