"""Records what scikit-learn, SciPy and torchmetrics give for metrics of regression, aggregates and pairwise distances, as JSON.

    PYTHONPATH=torchmetrics/src:lightning-utilities/src python3 eng/recordings/metrics_regression.py tests/Raijin.Metrics.Tests/Regression/Recordings/regression.json

Needs scikit-learn 1.2.1, SciPy 1.10.1, PyTorch 1.13 and torchmetrics' public source. All in float64.
"""
import json
import math
import sys
import warnings

import numpy as np
import scipy.spatial.distance as D
import scipy.stats as S
import sklearn.metrics as M
import sklearn.metrics.pairwise as P
import torch
import torchmetrics.functional as T
import torchmetrics.functional.regression as R

warnings.simplefilter("ignore")
torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(2718)


def rounded(a):
    return np.round(a, 3)


n = 25
y = rounded(rng.normal(2, 3, n))
plain = dict(predictions=rounded(y + rng.normal(0.4, 1.5, n)), targets=y, weights=rounded(rng.uniform(0, 2, n)))
y = rounded(rng.gamma(2, 2, n) + 0.01)
positive = dict(predictions=rounded(y * rng.uniform(0.4, 1.8, n) + 0.01), targets=y, weights=plain["weights"])
y = rounded(rng.normal([0, 5, -2], [1, 4, 0.2], (n, 3)))
multi = dict(predictions=rounded(y + rng.normal(0, [0.5, 2, 0.3], (n, 3))), targets=y, weights=plain["weights"])
y = rounded(rng.gamma(2, 2, (n, 3)) + 0.01)
positive_multi = dict(predictions=rounded(y * rng.uniform(0.4, 1.8, (n, 3)) + 0.01), targets=y, weights=plain["weights"])
y = rng.integers(0, 6, 40).astype(float)
ties = dict(predictions=np.clip(y + rng.integers(-2, 3, 40), 0, 9).astype(float), targets=y)
y = rng.integers(0, 4, (30, 2)).astype(float)
ties_multi = dict(predictions=np.clip(y + rng.integers(-2, 2, (30, 2)), 0, 5).astype(float), targets=y)
p, q = rng.dirichlet(np.ones(5), 8), rng.dirichlet(np.ones(5), 8)
p[0, 1] = 0
rows = dict(predictions=rounded(p * rng.uniform(0.5, 3, (8, 1))), targets=rounded(q + 0.01), weights=plain["weights"][:8])
vectors = dict(predictions=rounded(rng.normal(0, 1, (8, 4))), targets=rounded(rng.normal(0, 1, (8, 4))), weights=plain["weights"][:8])
ensemble = dict(predictions=rounded(rng.normal(0, 1, (9, 6))), targets=rounded(rng.normal(0, 1, 9)), weights=plain["weights"][:9])
field = dict(predictions=rounded(rng.uniform(0, 1, (3, 4, 5))), targets=rounded(rng.uniform(0, 1, (3, 4, 5))))
pairs = dict(x=rounded(rng.normal(0, 1, (5, 3))), y=rounded(rng.normal(0, 1, (4, 3))))
data = dict(plain=plain, positive=positive, multi=multi, positive_multi=positive_multi, ties=ties, ties_multi=ties_multi, rows=rows, vectors=vectors,
            ensemble=ensemble, field=field, pairs=pairs)
expected = {}


def record(name, value):
    assert name not in expected, name
    expected[name] = value


def sklearn(name, of, which, weighted=True, **options):
    """An error of scikit-learn: plain, weighted, and of several outputs."""
    one, many = data[which], data[which + "_multi" if which != "plain" else "multi"]
    record(name, of(one["targets"], one["predictions"], **options))
    if weighted:
        record(name + "/weighted", of(one["targets"], one["predictions"], sample_weight=one["weights"], **options))
    record(name + "/outputs", of(many["targets"], many["predictions"], multioutput="raw_values", **options))
    record(name + "/mean", of(many["targets"], many["predictions"], **options))
    if weighted:
        record(name + "/weighted outputs", of(many["targets"], many["predictions"], sample_weight=many["weights"], multioutput="raw_values", **options))


sklearn("mse", M.mean_squared_error, "plain")
sklearn("rmse", M.mean_squared_error, "plain", squared=False)
sklearn("mae", M.mean_absolute_error, "plain")
sklearn("mape", M.mean_absolute_percentage_error, "plain")
sklearn("msle", M.mean_squared_log_error, "positive")
sklearn("rmsle", M.mean_squared_log_error, "positive", squared=False)
sklearn("r2", M.r2_score, "plain")
sklearn("explained variance", M.explained_variance_score, "plain")
for name, of in (("r2", M.r2_score), ("explained variance", M.explained_variance_score)):
    record(name + "/variance weighted", of(multi["targets"], multi["predictions"], multioutput="variance_weighted"))
for power in (-1.5, 0, 1, 1.4, 2, 3, 3.5):
    record(f"tweedie {power}", M.mean_tweedie_deviance(positive["targets"], positive["predictions"], power=power))
    record(f"tweedie {power}/weighted", M.mean_tweedie_deviance(positive["targets"], positive["predictions"], sample_weight=positive["weights"], power=power))
record("poisson of zeros", M.mean_tweedie_deviance([0.0, 0.0, 3.0], [0.5, 2.0, 1.0], power=1))
record("compound poisson of zeros", M.mean_tweedie_deviance([0.0, 0.0, 3.0], [0.5, 2.0, 1.0], power=1.5))
for power in (1, 2, 3.5):
    record(f"minkowski {power}", D.minkowski(plain["predictions"], plain["targets"], power))
    record(f"minkowski {power}/weighted", D.minkowski(plain["predictions"], plain["targets"], power, w=plain["weights"]))


def tensors(which):
    return torch.tensor(data[which]["predictions"]), torch.tensor(data[which]["targets"])


record("smape", T.symmetric_mean_absolute_percentage_error(*tensors("plain")))
record("wmape", T.weighted_mean_absolute_percentage_error(*tensors("plain")))
record("log cosh", T.log_cosh_error(*tensors("plain")))
record("log cosh/outputs", T.log_cosh_error(*tensors("multi")))
record("r2/adjusted", T.r2_score(*tensors("plain"), adjusted=4))
record("r2/adjusted mean", T.r2_score(*tensors("multi"), adjusted=4))
record("rse", T.relative_squared_error(*tensors("plain")))
record("rse/root", T.relative_squared_error(*tensors("plain"), squared=False))
record("rse/mean", T.relative_squared_error(*tensors("multi")))
record("rse/root mean", T.relative_squared_error(*tensors("multi"), squared=False))
for scale in ("mean", "range", "std", "l2"):
    record(f"nrmse {scale}", R.normalized_root_mean_squared_error(*tensors("plain"), normalization=scale))
    record(f"nrmse {scale}/outputs", R.normalized_root_mean_squared_error(*tensors("multi"), normalization=scale, num_outputs=3))
record("concordance/unbiased", T.concordance_corrcoef(*tensors("plain")).squeeze())
record("concordance/unbiased outputs", T.concordance_corrcoef(*tensors("multi")))

record("pearson", S.pearsonr(plain["predictions"], plain["targets"])[0])
record("pearson/outputs", [S.pearsonr(multi["predictions"][:, j], multi["targets"][:, j])[0] for j in range(3)])
large = 1e6 + plain["predictions"]
record("pearson/large", S.pearsonr(large - 1e6, (1e6 + plain["targets"]) - 1e6)[0])
record("spearman", S.spearmanr(plain["predictions"], plain["targets"])[0])
record("spearman/ties", S.spearmanr(ties["predictions"], ties["targets"])[0])
record("spearman/outputs", [S.spearmanr(ties_multi["predictions"][:, j], ties_multi["targets"][:, j])[0] for j in range(2)])
record("ranks", S.rankdata(ties["predictions"]))
for variant in ("b", "c"):
    record(f"kendall {variant}", S.kendalltau(plain["predictions"], plain["targets"], variant=variant)[0])
    record(f"kendall {variant}/ties", S.kendalltau(ties["predictions"], ties["targets"], variant=variant)[0])
    record(f"kendall {variant}/outputs", [S.kendalltau(ties_multi["predictions"][:, j], ties_multi["targets"][:, j], variant=variant)[0] for j in range(2)])
record("kendall a", T.kendall_rank_corrcoef(*tensors("plain"), variant="a"))
for alternative in ("two-sided", "less", "greater"):
    for which in ("plain", "ties"):
        record(f"kendall p {alternative}/{which}", S.kendalltau(data[which]["predictions"], data[which]["targets"], method="asymptotic", alternative=alternative)[1])

kl = [S.entropy(a, b) for a, b in zip(rows["predictions"], rows["targets"])]
record("kl/rows", kl)
record("kl", np.mean(kl))
js = [D.jensenshannon(a, b) ** 2 for a, b in zip(rows["predictions"], rows["targets"])]
record("js/rows", js)
record("js", np.mean(js))
logs = [torch.log(torch.tensor(data["rows"][k] / data["rows"][k].sum(1, keepdims=True))[1:]) for k in ("predictions", "targets")]
record("kl/logarithms", T.kl_divergence(*logs, log_prob=True))
record("js/logarithms", R.jensen_shannon_divergence(*logs, log_prob=True))
record("cosine/rows", np.diag(P.cosine_similarity(vectors["predictions"], vectors["targets"])))
record("cosine/sum", T.cosine_similarity(*tensors("vectors")).double())
record("crps", R.continuous_ranked_probability_score(*tensors("ensemble")))
record("csi", T.critical_success_index(*tensors("field"), 0.5))
record("csi/outputs", T.critical_success_index(*tensors("field"), 0.5, keep_sequence_dim=1))

x, z = pairs["x"], pairs["y"]
record("pairwise cosine", P.cosine_similarity(x, z))
record("pairwise euclidean", P.euclidean_distances(x, z))
record("pairwise manhattan", P.manhattan_distances(x, z))
record("pairwise linear", P.linear_kernel(x, z))
record("pairwise minkowski 3", D.cdist(x, z, "minkowski", p=3))
record("pairwise cosine/self", T.pairwise_cosine_similarity(torch.tensor(x)))
record("pairwise euclidean/self mean", T.pairwise_euclidean_distance(torch.tensor(x), reduction="mean"))
record("pairwise manhattan/sum", T.pairwise_manhattan_distance(torch.tensor(x), torch.tensor(z), reduction="sum"))

v, w = plain["targets"], plain["weights"]
record("variance", np.var(v, ddof=1))
record("variance/population", np.var(v))
record("deviation", np.std(v, ddof=1))
record("mean/weighted", np.average(v, weights=w))
record("quantiles", [np.quantile(v, q, method="hazen") for q in (0, 0.05, 0.25, 0.5, 0.9, 0.99, 1)])


def plainly(value):
    if isinstance(value, dict):
        return {k: plainly(v) for k, v in value.items()}
    if isinstance(value, torch.Tensor):
        value = value.tolist()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plainly(v) for v in value]
    value = float(value)
    return value if math.isfinite(value) else str(value)


with open(sys.argv[1], "w") as f:
    f.write('{\n"data": {\n')
    f.write(",\n".join(f"{json.dumps(k)}: {json.dumps(plainly(v))}" for k, v in data.items()))
    f.write('\n},\n"expected": {\n')
    f.write(",\n".join(f"{json.dumps(k)}: {json.dumps(plainly(v))}" for k, v in expected.items()))
    f.write("\n}\n}\n")
