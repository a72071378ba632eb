"""Estimators beside scikit-learn's, and beside the program."""

import json
import pickle
import struct
import subprocess

import bakeoff
import numpy as np
import pytest
from bakeoff._program import PROGRAM
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier as PlainNeighbors
from sklearn.linear_model import LogisticRegression as PlainLogistic


@pytest.fixture(scope="module")
def digits():
    """Images of bytes and labels: 1,200 to train on, 597 to test."""
    data = load_digits()
    images = (data.images * 255 / 16).round().astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order], data.target[order]
    return images[:1200], labels[:1200], images[1200:], labels[1200:]


def rows(images):
    return images.reshape(len(images), -1)


def kinds(images, tmp_path):
    """The same rows in every form that is taken."""
    plain = rows(images)
    yield "uint8", plain
    single = plain.astype(np.float32) / 255
    yield "float32", single
    yield "float64", plain.astype(np.float64) / 7
    yield "Fortran", np.asfortranarray(single)
    read_only = single.copy()
    read_only.setflags(write=False)
    yield "read-only", read_only
    np.save(tmp_path / "rows.npy", single)
    yield "memory-mapped", np.load(tmp_path / "rows.npy", mmap_mode="r")
    yield "strided", np.repeat(single, 2, axis=1)[:, ::2]


@pytest.mark.parametrize("k", [1, 10, 100])
def test_neighbors_are_scikit_learns(digits, tmp_path, k):
    train, labels, test, _ = digits
    tests = dict(kinds(test, tmp_path))
    for kind, some in kinds(train, tmp_path):
        ours = bakeoff.KNeighborsClassifier(n_neighbors=k).fit(some, labels)
        plain = PlainNeighbors(n_neighbors=k, algorithm="brute").fit(np.asarray(some, np.float64), labels)
        queries = tests[kind]
        distances, indices = ours.kneighbors(queries)
        expected, _ = plain.kneighbors(np.asarray(queries, np.float64))
        np.testing.assert_allclose(distances, expected, rtol=1e-6, atol=1e-6, err_msg=kind)
        # The distances are those of the rows that are named, nearest first.
        named = np.asarray(some, np.float64)[indices] - np.asarray(queries, np.float64)[:, None]
        np.testing.assert_allclose(np.sqrt((named**2).sum(axis=2)), distances, rtol=1e-6, atol=1e-6)
        assert (np.diff(distances) >= 0).all()


def test_neighbors_of_random_numbers_are_exact():
    generator = np.random.default_rng(1)
    train = generator.normal(size=(3000, 50)).astype(np.float32)
    # Far beyond the training rows, too, where bytes say nothing.
    test = np.concatenate([generator.normal(size=(40, 50)), generator.normal(size=(10, 50)) * 100]).astype(np.float32)
    labels = generator.integers(0, 3, len(train))
    _, indices = bakeoff.KNeighborsClassifier(n_neighbors=7).fit(train, labels).kneighbors(test)
    squares = ((test[:, None].astype(np.float64) - train[None].astype(np.float64)) ** 2).sum(axis=2)
    np.testing.assert_array_equal(indices, squares.argsort(axis=1, kind="stable")[:, :7])


def test_no_row_is_its_own_neighbor(digits):
    train, labels, _, _ = digits
    train = np.concatenate([train[:50], train[:50]])
    knn = bakeoff.KNeighborsClassifier(n_neighbors=3).fit(rows(train), np.tile(labels[:50], 2))
    distances, indices = knn.kneighbors()
    assert not (indices == np.arange(100)[:, None]).any()
    assert (distances[:, 0] == 0).all()


def test_logistic_regression_is_scikit_learns(digits):
    train, labels, test, _ = digits
    for scale in (1 / 255, 1 / 16, 1.0):
        some, queries = rows(train).astype(np.float64) * scale, rows(test).astype(np.float64) * scale
        c = 0.5 / scale**2 / 255**2
        ours = bakeoff.LogisticRegression(C=c, tol=1e-6).fit(some, labels).predict_proba(queries)
        plain = PlainLogistic(C=c, tol=1e-8, max_iter=5000).fit(some, labels).predict_proba(queries)
        assert abs(ours - plain).max() < 2e-3


@pytest.mark.parametrize(
    "estimator",
    [
        bakeoff.KNeighborsClassifier(),
        bakeoff.LogisticRegression(),
        bakeoff.ConvNetClassifier(random_state=3, epochs=2),
        bakeoff.ExtraTreesClassifier(random_state=3),
        bakeoff.Classifier("ridge", settings={"features": ["hog 4"]}),
    ],
)
def test_pickles_answer_the_same_bits(digits, estimator):
    train, labels, test, truth = digits
    names = np.array([f"digit {label}" for label in range(10)])
    estimator.fit(train, names[labels])
    answers = estimator.predict_proba(test)
    again = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(again.predict_proba(test), answers)
    assert estimator.score(test, names[truth]) > 0.5
    # Rows are the same images.
    np.testing.assert_array_equal(estimator.predict_proba(rows(test)), answers)


def test_colour_images_are_the_same_as_rows(digits):
    train, labels, test, _ = digits
    colour, queries = (np.stack([part, part // 2, 255 - part], axis=3) for part in (train, test))
    images = bakeoff.ConvNetClassifier(random_state=1, epochs=1).fit(colour, labels).predict_proba(queries)
    flat = bakeoff.ConvNetClassifier(random_state=1, epochs=1, image_shape=(8, 8, 3))
    answers = flat.fit(rows(colour), labels).predict_proba(rows(queries))
    np.testing.assert_array_equal(images, answers)


def write_idx(path, array):
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def probabilities(path):
    """The only tensor of a safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensor = header["probabilities"]
    return np.frombuffer(data[8 + length :], np.float32).reshape(tensor["shape"])


def test_probabilities_are_the_programs_bit_for_bit(digits, tmp_path):
    train, labels, test, truth = digits
    for name, images, targets in (("train", train, labels), ("t10k", test, truth)):
        write_idx(tmp_path / f"{name}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte", targets.astype(np.uint8))
    recipes = {
        "logistic": bakeoff.LogisticRegression(),
        "cnn": bakeoff.ConvNetClassifier(epochs=2, random_state=4),
        "svm": bakeoff.SVC(random_state=4),
        "random-forest": bakeoff.RandomForestClassifier(random_state=4),
        "boosted-trees": bakeoff.BoostedTreesClassifier(n_estimators=20, random_state=4),
    }
    models = {"cnn": "epochs = 2\n", "boosted-trees": "rounds = 20\n"}
    text = "".join(f'[[models]]\nfamily = "{family}"\n{models.get(family, "")}' for family in recipes)
    (tmp_path / "x.toml").write_text(f'datasets = ["{tmp_path}"]\nseeds = [4]\n{text}')
    subprocess.run([PROGRAM, "run", "x.toml"], cwd=tmp_path, check=True, capture_output=True)
    (run,) = (path.parent for path in tmp_path.glob("reports/*/run.json"))
    found = {}
    for path in run.glob("records/*.json"):
        record = json.loads(path.read_text())
        assert record["status"] == "ok", record
        found[record["trial"]["model"]] = probabilities(path.parent / record["probabilities"]["file"])
    for family, estimator in recipes.items():
        answers = estimator.fit(train, labels).predict_proba(test)
        np.testing.assert_array_equal(answers, found[family], err_msg=family)


def test_what_is_not_possible_is_said(digits):
    train, labels, test, _ = digits
    with pytest.raises(ValueError, match="no setting `kk`"):
        bakeoff.Classifier("svm", settings={"kk": 3}).fit(train, labels)
    with pytest.raises(ValueError, match="there is no model family `svn`"):
        bakeoff.Classifier("svn").fit(train, labels)
    with pytest.raises(ValueError, match="image_shape"):
        bakeoff.ConvNetClassifier(image_shape=(7, 7)).fit(rows(train), labels)
    with pytest.raises(TypeError, match="Sparse"):
        from scipy.sparse import csr_matrix

        bakeoff.LogisticRegression().fit(csr_matrix(rows(train)), labels)
