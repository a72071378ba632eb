"""Writes statistics.json: what scipy, statsmodels, mlxtend, MLstatkit, scikit-learn,
scikit-posthocs and baycomp, or published examples, say of intervals and tests.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python make_statistics.py
"""

import json
import pathlib
import warnings

import baycomp
import numpy as np
import scikit_posthocs
from mlxtend.evaluate import mcnemar as mlxtend_mcnemar
from MLstatkit import Delong_test
from scipy import optimize, stats
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from cases import model, one_hot
from make_metrics import plain

HERE = pathlib.Path(__file__).parent


def mid_p():
    """Shares at which half of the probability of what was found, and that of what is further
    away, is a tail; scipy's binomial distribution and root finder."""
    for k, n in [(0, 1), (1, 1), (0, 50), (50, 50), (7, 9), (9705, 10000), (9999, 10000), (1, 10**6)]:
        for level in (0.8, 0.95, 0.99):
            tail = (1 - level) / 2

            def above(p):
                return stats.binom.sf(k, n, p) + stats.binom.pmf(k, n, p) / 2 - tail

            def below(p):
                return stats.binom.cdf(k - 1, n, p) + stats.binom.pmf(k, n, p) / 2 - tail

            found = [0.0, 1.0]
            if k > 0:
                found[0] = optimize.brentq(above, 0, 1, xtol=1e-15, rtol=1e-14)
            if k < n:
                found[1] = optimize.brentq(below, 0, 1, xtol=1e-15, rtol=1e-14)
            yield {"n": [k, n], "level": level, "interval": found}


def gamma():
    """Fay and Feuer's interval of a weighted sum of Poisson counts with variance v, with half of
    the heaviest weight added before the upper end."""
    cases = [([1.0] * 4, 0.95), ([1.0] * 400, 0.95), ([3.0, 1.0, 1.0, 0.5], 0.95), ([0.2] * 10**5, 0.9)]
    for weights, level in cases:
        w = np.array(weights)
        y, v, step = w.sum(), (w * w).sum(), w.max() / 2
        tail = (1 - level) / 2
        low = stats.gamma.ppf(tail, y * y / v, scale=v / y)
        y, v = y + step, v + step * step
        high = stats.gamma.ppf(1 - tail, y * y / v, scale=v / y)
        yield {"weights": [len(w), *w[:4]], "level": level, "interval": [low, high]}


def mcnemar_tests():
    for b, c in [(0, 0), (0, 1), (1, 7), (6, 16), (5, 5), (0, 20), (73, 75), (120, 80), (1500, 1400)]:
        exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue if b + c else 1.0
        if b + c:
            _, peer = mlxtend_mcnemar(np.array([[0, b], [c, 0]]), exact=True)
            assert abs(exact - min(peer, 1)) < 1e-12
        # Mid-p: the observed outcomes (one, or two mirrored ones) counted half.
        x = np.arange(b + c + 1)
        mass = stats.binom.pmf(x, b + c, 0.5)
        as_extreme = np.abs(x - (b + c) / 2) > abs(b - c) / 2
        observed = np.abs(x - (b + c) / 2) == abs(b - c) / 2
        mid = mass[as_extreme].sum() + mass[observed].sum() / 2 if b + c else 1.0
        yield {"n": [b, c], "exact": exact, "mid": mid}


# The two examples of Fagerland, Lydersen and Laake (2013): counts, exact p, mid-p as printed.
PUBLISHED_MCNEMAR = [
    {"n": [1, 7], "exact": 0.0703, "mid": 0.0391},
    {"n": [6, 16], "exact": 0.0525, "mid": 0.0347},
]


def kernel(x, y):
    return (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])


def naive_delong(truth, a, b):
    """DeLong's formulas as printed: placements by the double sum, three covariances."""
    truth = truth.astype(bool)
    psi = [kernel(s[truth], s[~truth]) for s in (a, b)]
    areas = [k.mean() for k in psi]
    s10 = np.cov([k.mean(axis=1) for k in psi])
    s01 = np.cov([k.mean(axis=0) for k in psi])
    s = s10 / truth.sum() + s01 / (~truth).sum()
    variance = s[0, 0] + s[1, 1] - 2 * s[0, 1]
    z = (areas[0] - areas[1]) / np.sqrt(variance)
    return areas, np.sqrt(variance), z, 2 * stats.norm.sf(abs(z))


def naive_delong_macro(y, a, b):
    """The jackknife of the macro area's difference would do; this is the exact derivative:
    placements added over the classes, each class's samples one stratum."""
    n, k = a.shape
    classes = [c for c in range(k) if 0 < (y == c).sum() < n]
    areas = [0.0, 0.0]
    parts = np.zeros((2, n))
    for m, p in enumerate((a, b)):
        for c in classes:
            own = y == c
            psi = kernel(p[own, c], p[~own, c])
            areas[m] += psi.mean() / len(classes)
            parts[m, own] += psi.sum(axis=1) / own.sum() / (~own).sum() / len(classes)
            parts[m, ~own] += psi.sum(axis=0) / own.sum() / (~own).sum() / len(classes)
    variance = 0
    for c in range(k):
        n_c = (y == c).sum()
        if n_c:
            variance += n_c * np.var((parts[0] - parts[1])[y == c], ddof=1)
    z = (areas[0] - areas[1]) / np.sqrt(variance)
    return areas, np.sqrt(variance), z, 2 * stats.norm.sf(abs(z))


def f32_hex(p):
    return p.astype(">f4").tobytes().hex()


def comparisons():
    """Pairs of models on the same labels."""
    rng = np.random.default_rng(7)
    for name, n, k, skills, coarse in [
        ("two-classes", 120, 2, (1.0, 0.8), False),
        ("ties", 150, 3, (1.0, 1.5), True),
        ("ten-classes", 200, 10, (2.0, 2.2), False),
    ]:
        y = rng.integers(0, k, n)
        first, second = (model(rng, y, k, skill) for skill in skills)
        if coarse:
            # Quarters of one: many ties, sums stay near one after normalising.
            first, second = (np.round(p * 8) + 0.5 for p in (first, second))
            first, second = (p / p.sum(axis=1, keepdims=True) for p in (first, second))
            first, second = (p.astype(np.float32) for p in (first, second))
        yield compared(name, y, first, second)
    y = np.repeat([0, 1, 2], [20, 30, 25])
    ordinary = model(rng, y, 3, 1.0)
    guesses = np.where(rng.random(75) < 0.6, y, rng.integers(0, 3, 75))
    constant = np.tile(np.float32([0.2, 0.5, 0.3]), (75, 1))
    yield compared("perfect", y, one_hot(y, 3), ordinary)
    yield compared("constant", y, ordinary, constant)
    yield compared("zeros-and-ones", y, one_hot(guesses, 3), ordinary)
    yield compared("itself", y, ordinary, ordinary)
    yield compared("both-perfect", y, one_hot(y, 3), one_hot(y, 3))
    # Both without spread, and apart: nothing to judge the difference by.
    yield compared("perfect-and-constant", y, one_hot(y, 3), constant)
    y = rng.choice([0, 1, 3], 90)
    yield compared("absent-class", y, model(rng, y, 4, 1.0), model(rng, y, 4, 1.4))
    y = np.full(30, 1)
    yield compared("one-class", y, model(rng, y, 3, 1.0), model(rng, y, 3, 1.4))
    y = np.repeat([0, 1, 2], [1, 20, 20])
    yield compared("one-sample-of-a-class", y, model(rng, y, 3, 1.0), model(rng, y, 3, 1.4))
    y = rng.permutation(np.repeat(np.arange(100), 2))
    yield compared("hundred-classes", y, model(rng, y, 100, 3.0), model(rng, y, 100, 2.5))


def tested(areas, error, z, p):
    """A difference that is nothing has p 1, one without spread has no p."""
    if error < 1e-12:
        equal = abs(areas[0] - areas[1]) < 1e-12
        error, z, p = (0.0, 0.0, 1.0) if equal else (0.0, np.nan, np.nan)
    return {"areas": areas, "error": error, "z": z, "p": p}


def compared(name, y, first, second):
    k = first.shape[1]
    a, b = first.astype(float), second.astype(float)
    classes = []
    for c in range(k):
        truth = (y == c).astype(int)
        if not 2 <= truth.sum() <= len(y) - 2:
            # A variance takes two of each.
            classes.append(None)
            continue
        areas, error, z, p = naive_delong(truth, a[:, c], b[:, c])
        if error > 1e-12:
            peer = Delong_test(truth, a[:, c], b[:, c], verbose=0)
            assert abs(abs(peer[0]) - abs(z)) < 1e-9 and abs(peer[1] - p) < 1e-9
        for area, scores in zip(areas, (a, b)):
            assert abs(area - sk.roc_auc_score(truth, scores[:, c])) < 1e-12
        classes.append(tested(areas, error, z, p))
    support = np.bincount(y, minlength=k)
    one_vs_rest = ((support > 0) & (support < len(y))).any() and (support != 1).all()
    macro = tested(*naive_delong_macro(y, a, b)) if one_vs_rest else None
    right = [(m.argmax(axis=1) == y) for m in (a, b)]
    joint = [
        int((right[0] & right[1]).sum()),
        int((right[0] & ~right[1]).sum()),
        int((~right[0] & right[1]).sum()),
        int((~right[0] & ~right[1]).sum()),
    ]
    vote = ((a + b) / 2).astype(np.float32)
    return {
        "name": name,
        "classes": k,
        "labels": y,
        "joint": joint,
        "delong": classes,
        "macro": macro,
        "oracle": (right[0] | right[1]).mean(),
        "missed_by_all": np.flatnonzero(~right[0] & ~right[1]),
        "soft_vote": sk.accuracy_score(y, vote.argmax(axis=1)),
        "first": f32_hex(first),
        "second": f32_hex(second),
    }


def swap_tests():
    """scipy's permutation test of paired samples, all permutations, by the number of fits
    that are right about each sample."""
    rng = np.random.default_rng(23)
    for n, first_fits, second_fits in [(12, 1, 1), (14, 3, 3), (13, 2, 3), (10, 4, 1), (15, 5, 5)]:
        first = rng.binomial(first_fits, 0.8, n)
        second = rng.binomial(second_fits, 0.5, n)
        # Whole numbers, so that equal sums are equal.
        scale = np.lcm(first_fits, second_fits)
        a, b = first * (scale // first_fits), second * (scale // second_fits)
        found = stats.permutation_test(
            (a, b),
            lambda a, b, axis: (a - b).sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf,
            alternative="two-sided",
        )
        null = np.abs(found.null_distribution)
        observed = abs(found.statistic)
        mid = (null > observed).mean() + (null == observed).mean() / 2
        yield {
            "fits": [first_fits, second_fits],
            "first": first,
            "second": second,
            "difference": (a - b).mean() / scale,
            "exact": min(found.pvalue, 1.0),
            "mid": mid,
        }


def resampled_t():
    rng = np.random.default_rng(11)
    for count, train, test in [(10, 900, 100), (100, 900, 100), (2, 3, 1), (30, 2000, 1000)]:
        d = rng.normal(0.01, 0.02, count)
        error = np.sqrt(d.var(ddof=1) * (1 / count + test / train))
        t = d.mean() / error
        p = 2 * stats.t.sf(abs(t), count - 1)
        low, high = stats.t.interval(0.95, count - 1, d.mean(), error)
        rope = 0.005
        found = {
            "differences": d,
            "split": [train, test],
            "mean": d.mean(),
            "error": error,
            "t": t,
            "p": p,
            "interval": [low, high],
            "rope": rope,
            "practical": [
                stats.t.cdf(-rope, count - 1, d.mean(), error),
                stats.t.cdf(rope, count - 1, d.mean(), error)
                - stats.t.cdf(-rope, count - 1, d.mean(), error),
                stats.t.sf(rope, count - 1, d.mean(), error),
            ],
        }
        if train % test == 0 and count % (train // test + 1) == 0:
            # baycomp knows repeated cross-validation only, and tells y - x.
            runs = count // (train // test + 1)
            peer = baycomp.CorrelatedTTest(np.zeros(count), d, rope=rope, runs=runs).probs()
            assert np.allclose(peer, found["practical"], atol=1e-12)
        yield found


def holm():
    rng = np.random.default_rng(13)
    for p in [
        [0.01, 0.04, 0.03, 0.005],
        [0.5, 0.5, 0.5],
        [0.0, 1.0],
        rng.random(20) ** 4,
        [0.03],
    ]:
        yield {"p": p, "adjusted": multipletests(p, method="holm")[1]}


def friedman():
    rng = np.random.default_rng(17)
    for name, scores in [
        ("continuous", rng.random((8, 4))),
        ("ties", np.round(rng.random((12, 5)) * 4) / 4),
        ("clear", rng.random((10, 4)) * 0.1 + [0.0, 0.05, 0.2, 0.5]),
        ("three", rng.random((5, 3))),
        ("many", rng.random((30, 12))),
    ]:
        n, k = scores.shape
        ranks = np.array([stats.rankdata(-row) for row in scores])
        chi, p = stats.friedmanchisquare(*scores.T)
        f = (n - 1) * chi / (n * (k - 1) - chi)
        mean_ranks = ranks.mean(axis=0)
        apart = np.abs(mean_ranks[:, None] - mean_ranks[None, :])
        unit = np.sqrt(k * (k + 1) / (6 * n))
        nemenyi = stats.studentized_range.sf(apart / unit * np.sqrt(2), k, np.inf)
        np.fill_diagonal(nemenyi, 1)
        peer = scikit_posthocs.posthoc_nemenyi_friedman(scores).to_numpy()
        # The peer interpolates a table.
        assert np.allclose(peer, nemenyi, atol=2e-3)
        yield {
            "name": name,
            "scores": scores,
            "mean_ranks": mean_ranks,
            "chi_squared": chi,
            "p": p,
            "f": f,
            "f_p": stats.f.sf(f, k - 1, (k - 1) * (n - 1)),
            "critical_difference": stats.studentized_range.ppf(0.95, k, np.inf) / np.sqrt(2) * unit,
            "nemenyi": nemenyi.ravel(),
        }


def studentized_range():
    for k in (2, 3, 4, 10, 50):
        for q in (0.1, 1.0, 2.5, 3.6, 5.0, 8.0):
            yield {"groups": k, "q": q, "cdf": stats.studentized_range.cdf(q, k, np.inf)}


# Demšar (2006), table 5a: critical values of the two-tailed Nemenyi test at 0.05, as
# printed, for 2 to 10 classifiers.
PUBLISHED_NEMENYI = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]


def main():
    found = {
        "mid_p": list(mid_p()),
        "gamma": list(gamma()),
        "mcnemar": list(mcnemar_tests()),
        "published_mcnemar": PUBLISHED_MCNEMAR,
        "swap": list(swap_tests()),
        "resampled_t": list(resampled_t()),
        "holm": list(holm()),
        "friedman": list(friedman()),
        "studentized_range": list(studentized_range()),
        "published_nemenyi": PUBLISHED_NEMENYI,
    }
    pairs = list(comparisons())
    strings = ("name", "first", "second")
    found["friedman"] = [{k: v for k, v in f.items() if k != "name"} for f in found["friedman"]]
    written = plain(found)
    written["comparisons"] = [
        {key: value if key in strings else plain(value) for key, value in pair.items()}
        for pair in pairs
    ]
    text = json.dumps(written, separators=(",", ":"))
    (HERE / "statistics.json").write_text(text + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
