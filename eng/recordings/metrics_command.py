"""Records what scikit-learn and scipy measure of four small files of predictions, for the command `metrics`.

Usage: python3 metrics_command.py ../../tests/Raijin.Cli.Tests/Evaluation/Recordings    (scikit-learn, scipy)
"""
import json
import sys
import numpy as np
import scipy.stats
import sklearn.metrics as m

folder = sys.argv[1]
rng = np.random.default_rng(11)
n = 60


def write(name, columns):
    with open(f"{folder}/{name}.csv", "w") as f:
        f.write(",".join(columns) + "\n")
        for row in zip(*columns.values()):
            f.write(",".join(repr(v) for v in row) + "\n")


def averages(name, function, target, predicted, **options):
    return {f"{name}/{a}": float(function(target, predicted, average=a, **options)) for a in ("micro", "macro", "weighted")}


def labels_of(target, predicted, weight=None):
    """What is common to classes and labels."""
    found = {}
    for name, function in (("PrecisionScore", m.precision_score), ("RecallScore", m.recall_score), ("F1Score", m.f1_score), ("JaccardIndex", m.jaccard_score)):
        found |= averages(name, function, target, predicted, sample_weight=weight)
    return found


recorded = {}

target = rng.integers(0, 2, n)
p = np.round(np.clip(0.4 * target + rng.normal(0.3, 0.25, n), 0.001, 0.999), 3)
weight = np.round(rng.random(n) + 0.1, 2)
write("binary", {"row": np.arange(n).tolist(), "target": target.tolist(), "prediction": p.tolist(), "weight": weight.tolist()})
hard = (p > 0.5).astype(int)
o = dict(sample_weight=weight)
recorded["binary"] = {
    "Accuracy": m.accuracy_score(target, hard, **o), "PrecisionScore": m.precision_score(target, hard, **o), "RecallScore": m.recall_score(target, hard, **o),
    "F1Score": m.f1_score(target, hard, **o), "JaccardIndex": m.jaccard_score(target, hard, **o), "MatthewsCorrCoef": m.matthews_corrcoef(target, hard, **o),
    "CohenKappa": m.cohen_kappa_score(target, hard, **o), "Auroc": m.roc_auc_score(target, p, **o), "AveragePrecision": m.average_precision_score(target, p, **o),
    "LogLoss": m.log_loss(target, p, **o), "BrierScore": m.brier_score_loss(target, p, **o),
}

classes = 3
target = rng.integers(0, classes, n)
z = rng.normal(0, 1, (n, classes))
z[np.arange(n), target] += 1
P = np.exp(z) / np.exp(z).sum(1, keepdims=True)
write("multiclass", {"target": target.tolist()} | {f"p{c}": P[:, c].tolist() for c in range(classes)})
hard = P.argmax(1)
recorded["multiclass"] = labels_of(target, hard) | {
    "Accuracy": m.accuracy_score(target, hard), "Accuracy/macro": m.balanced_accuracy_score(target, hard), "MatthewsCorrCoef": m.matthews_corrcoef(target, hard),
    "CohenKappa": m.cohen_kappa_score(target, hard), "LogLoss": m.log_loss(target, P),
    "Auroc/macro": m.roc_auc_score(target, P, multi_class="ovr"), "Auroc/weighted": m.roc_auc_score(target, P, multi_class="ovr", average="weighted"),
    "confusion": m.confusion_matrix(target, hard).tolist(), "F1Score.perClass": m.f1_score(target, hard, average=None).tolist(),
}

L = 3
T = rng.integers(0, 2, (n, L))
P = np.round(np.clip(0.4 * T + rng.normal(0.3, 0.25, (n, L)), 0.001, 0.999), 3)
write("multilabel", {f"t{l}": T[:, l].tolist() for l in range(L)} | {f"p{l}": P[:, l].tolist() for l in range(L)})
hard = (P > 0.5).astype(int)
recorded["multilabel"] = labels_of(T, hard) | averages("Auroc", m.roc_auc_score, T, P) | averages("AveragePrecision", m.average_precision_score, T, P) | {
    "ExactMatch": m.accuracy_score(T, hard), "HammingDistance": m.hamming_loss(T, hard), "CoverageError": m.coverage_error(T, P),
    "LabelRankingAveragePrecision": m.label_ranking_average_precision_score(T, P), "LabelRankingLoss": m.label_ranking_loss(T, P),
}

target = np.round(rng.gamma(3, 1, n) + 0.1, 4)
predicted = np.round(target * np.exp(rng.normal(0, 0.2, n)), 4)
write("regression", {"target": target.tolist(), "prediction": predicted.tolist()})
recorded["regression"] = {
    "MeanSquaredError": m.mean_squared_error(target, predicted), "MeanSquaredError/root": m.mean_squared_error(target, predicted, squared=False),
    "MeanAbsoluteError": m.mean_absolute_error(target, predicted), "MeanAbsolutePercentageError": m.mean_absolute_percentage_error(target, predicted),
    "MeanSquaredLogError": m.mean_squared_log_error(target, predicted), "R2Score": m.r2_score(target, predicted), "ExplainedVariance": m.explained_variance_score(target, predicted),
    "TweedieDevianceScore/poisson": m.mean_poisson_deviance(target, predicted), "TweedieDevianceScore/gamma": m.mean_gamma_deviance(target, predicted),
    "PearsonCorrCoef": scipy.stats.pearsonr(target, predicted)[0], "SpearmanCorrCoef": scipy.stats.spearmanr(target, predicted)[0], "KendallRankCorrCoef": scipy.stats.kendalltau(target, predicted)[0],
}

with open(f"{folder}/measures.json", "w") as f:
    json.dump(recorded, f, indent=1, default=float)
