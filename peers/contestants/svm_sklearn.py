"""scikit-learn's SVC, which is LIBSVM, with room for its kernel rows and without probabilities."""

from sklearn.svm import SVC

from contestants import common
from harness.mnist import Mnist


def svm_fit(args):
    data = Mnist(args.limit)
    train, test = data.rows()
    model = SVC(C=10.0, gamma=0.02, cache_size=2000)
    seconds, _ = common.timed(lambda: model.fit(train, data.train_labels))
    # Answers take as long as a fit: a fifth of them says whether the work was done.
    accuracy = float(model.score(test[::5], data.test_labels[::5]))
    return {"seconds": seconds, "accuracy": accuracy}


if __name__ == "__main__":
    common.main({"svm-fit": svm_fit})
