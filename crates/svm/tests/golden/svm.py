"""Decision values of scikit-learn's SVC (LIBSVM), for `src/tests.rs`: `python svm.py > svm.json`.

The images are those of `golden_samples` there. Made with scikit-learn 1.9.0.
"""

import json

import numpy as np
from sklearn.svm import SVC

IMAGES, PIXELS, CLASSES, ASKED = 120, 8, 4, 40

state, pixels = 1, []
for at in range(IMAGES * PIXELS):
    state = (state * 1_664_525 + 1_013_904_223) % 2**32
    image, pixel = divmod(at, PIXELS)
    pixels.append((state >> 24) // 2 + (60 if (pixel + image) % CLASSES == 0 else 0))
x = np.array(pixels, dtype=np.float64).reshape(IMAGES, PIXELS) / 255.0
labels = np.arange(IMAGES) % CLASSES

CASES = {
    "rbf": dict(kernel="rbf", C=10.0, gamma="scale"),
    "rbf narrow": dict(kernel="rbf", C=0.5, gamma=20.0),
    "linear": dict(kernel="linear", C=1.0),
    "poly": dict(kernel="poly", C=2.0, gamma=0.5, degree=3, coef0=1.0),
}
golden = {}
for name, settings in CASES.items():
    model = SVC(tol=1e-6, decision_function_shape="ovo", **settings).fit(x, labels)
    ranked = SVC(tol=1e-6, break_ties=True, **settings).fit(x, labels)
    golden[name] = {
        "values": model.decision_function(x[:ASKED]).tolist(),
        "votes": ranked.predict(x[:ASKED]).tolist(),
        "support_vectors": int(model.support_.size),
    }
print(json.dumps(golden, indent=1))
