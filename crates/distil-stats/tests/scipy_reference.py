"""Prints the table that tests/scipy.rs compares with (SciPy 1.17.1, scikit-learn, run once):

python -m pip install scipy scikit-learn
python crates/distil-stats/tests/scipy_reference.py > crates/distil-stats/tests/scipy_reference.json
"""

import itertools
import json

import numpy as np
from scipy import special, stats
from sklearn import metrics

rng = np.random.default_rng(20240607)


def draw(n, mean, std, digits):
    return [round(float(value), digits) for value in rng.normal(mean, std, n)]


def signed_rank_brute_force(a, b):
    """Exact two-sided p of Wilcoxon's test with zeros dropped and mid-ranks, by trying all signs."""
    d = np.subtract(a, b)
    d = d[np.abs(d) > 1e-12]
    ranks = stats.rankdata(np.round(np.abs(d), 9))
    total = ranks.sum()
    w = min(ranks[d > 0].sum(), total - ranks[d > 0].sum())
    below = 0
    for signs in itertools.product([0, 1], repeat=len(d)):
        plus = float(np.dot(signs, ranks))
        below += min(plus, total - plus) <= w
    return [float(w), below / 2 ** len(d)]


def two_samples():
    for n_a, n_b, spread in [(2, 2, 1.0), (2, 7, 3.0), (5, 5, 1.0), (5, 9, 0.1), (30, 4, 5.0), (200, 150, 1.0)]:
        a, b = draw(n_a, 0.7, 0.02, 6), draw(n_b, 0.69, 0.02 * spread, 6)
        test = stats.ttest_ind(a, b, equal_var=False)
        df = n_a + n_b - 2
        pooled = np.sqrt(((n_a - 1) * np.var(a, ddof=1) + (n_b - 1) * np.var(b, ddof=1)) / df)
        factor = np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2)
        interval = test.confidence_interval(0.95)
        yield {"a": a, "b": b, "welch": [test.statistic, test.df, test.pvalue],
               "ci95": [interval.low, interval.high],
               "hedges_g": factor * (np.mean(a) - np.mean(b)) / pooled}


def pairs():
    for n, digits in [(3, 6), (5, 6), (12, 6), (50, 6), (60, 6), (12, 1), (80, 1)]:
        a, b = draw(n, 0.3, 1.0, digits), draw(n, 0.0, 1.0, digits)
        test = stats.ttest_rel(a, b)
        # Differences of decimals that are equal on paper are not in binary.
        difference = [round(x - y, 9) for x, y in zip(a, b)]
        ties = digits == 1
        if n <= 12 and ties:
            wilcoxon = signed_rank_brute_force(a, b)
        else:
            method = "exact" if n <= 50 else "approx"
            got = stats.wilcoxon(difference, method=method, correction=False)
            wilcoxon = [got.statistic, got.pvalue]
        rho = stats.spearmanr(a, b)
        method = "asymptotic" if ties or n > 50 else "exact"
        tau = stats.kendalltau(a, b, method=method)
        yield {"a": a, "b": b, "difference": difference,
               "paired": [test.statistic, test.df, test.pvalue], "wilcoxon": wilcoxon,
               "spearman": [rho.statistic, rho.pvalue], "kendall": [tau.statistic, tau.pvalue]}


def powers():
    for effect in [0.1, 0.5, 1.2, 3.0, 12.0]:
        for n in [2, 3, 5, 20, 300]:
            row = {"effect": effect, "n": n}
            for name, df, shift in [("independent", 2 * n - 2, effect * np.sqrt(n / 2)),
                                    ("paired", n - 1, effect * np.sqrt(n))]:
                t = stats.t.ppf(0.975, df)
                upper, lower = stats.nct.sf(t, df, shift), stats.nct.cdf(-t, df, shift)
                # SciPy gives NaN for tails that are nothing.
                row[name] = float(np.nan_to_num(upper, nan=1.0) + np.nan_to_num(lower, nan=0.0))
            yield row


def bootstraps():
    for n, m in [(8, 12), (20, 9)]:
        a, b = [round(float(x), 4) for x in rng.exponential(1.0, n)], draw(m, 1.0, 0.5, 4)
        row = {"a": a, "b": b}
        for kind in ["percentile", "bca"]:
            one = stats.bootstrap((a,), np.mean, n_resamples=200_000, method=kind, rng=1)
            two = stats.bootstrap((a, b), lambda x, y, axis: np.mean(x, axis) - np.mean(y, axis),
                                  n_resamples=200_000, method=kind, rng=2)
            row[kind] = {"mean": list(one.confidence_interval), "difference": list(two.confidence_interval)}
        yield row


def classifications():
    for n, k in [(1, 1), (1, 3), (50, 4), (200, 11)]:
        logits = np.round(rng.normal(0, 2, (n, k)), 3)
        labels = rng.integers(0, max(1, k - 1), n)
        predicted = logits.argmax(1)
        probabilities = special.softmax(logits, axis=1)
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(
            labels, predicted, labels=range(k), zero_division=0)
        onehot = np.eye(k)[labels]
        yield {"logits": logits.ravel().tolist(), "labels": labels.tolist(), "classes": k,
               "top5": metrics.top_k_accuracy_score(labels, logits, k=5, labels=range(k)) if k > 5 else 1.0,
               "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(),
               "macro_f1": float(np.mean(f1)),
               "confusion": metrics.confusion_matrix(labels, predicted, labels=range(k)).tolist(),
               "nll": float(-np.mean(np.log(probabilities[np.arange(n), labels]))),
               "brier": float(np.mean(((probabilities - onehot) ** 2).sum(1)))}


tables = {"two_samples": two_samples, "pairs": pairs, "powers": powers,
          "bootstraps": bootstraps, "classifications": classifications}
lines = []
for name, rows in tables.items():
    body = ",\n".join("  " + json.dumps(row, default=float) for row in rows())
    lines.append(f'"{name}": [\n{body}\n]')
print("{\n" + ",\n".join(lines) + "\n}")
