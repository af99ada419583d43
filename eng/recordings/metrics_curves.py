"""Records curves of scores and what is read off them, calibration, losses and rankings of labels, from scikit-learn and torchmetrics.

    PYTHONPATH=<torchmetrics' public source>/src python3 eng/recordings/metrics_curves.py tests/Raijin.Metrics.Tests/Classification/Curves/Recordings/curves.json

Everything in float64. Needs scikit-learn 1.2.1, torchmetrics 1.9 and PyTorch. Scores are rounded so that many are equal.
"""
import json
import math
import sys
import warnings

import numpy as np
import sklearn.metrics as S
import torch
import torchmetrics.functional.classification as T
from sklearn.calibration import calibration_curve
from sklearn.preprocessing import label_binarize

warnings.simplefilter("ignore")
torch.set_default_dtype(torch.float64)
random = np.random.RandomState(7)
out = {}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def log_auc(labels, scores, low, high):
    """torchmetrics' definition. Its own interpolation takes a point within a step of the curve; numpy's takes the upper end."""
    fpr, tpr, _ = S.roc_curve(labels, scores, drop_intermediate=False)
    inside = (fpr > low) & (fpr < high)
    x = np.log10(np.concatenate([[low], fpr[inside], [high]]))
    y = np.concatenate([[np.interp(low, fpr, tpr)], tpr[inside], [np.interp(high, fpr, tpr)]])
    return np.trapz(y, x) / (x[-1] - x[0])


def t(array):
    return torch.from_numpy(np.ascontiguousarray(array))


# Binary
n = 80
y = (random.rand(n) < 0.4).astype(np.int64)
p = np.round(np.clip(0.45 + 0.25 * (y - 0.4) + 0.22 * random.randn(n), 0.02, 0.98) * 40) / 40
w = np.round(random.rand(n) * 3, 2)
w[:3] = 0
decision = np.round(random.randn(n) + (2 * y - 1), 2)
binary = {"scores": p, "labels": y, "weights": w, "decision": decision}
for name, weight in (("plain", None), ("weighted", w)):
    fpr, tpr, thresholds = S.roc_curve(y, p, sample_weight=weight, drop_intermediate=False)
    precision, recall, at = S.precision_recall_curve(y, p, sample_weight=weight)
    binary[name] = {
        "fpr": fpr, "tpr": tpr, "roc_thresholds": thresholds[1:],
        "precision": precision, "recall": recall, "pr_thresholds": at,
        "auroc": S.roc_auc_score(y, p, sample_weight=weight),
        "partial": [[m, S.roc_auc_score(y, p, sample_weight=weight, max_fpr=m)] for m in (0.05, 0.1, 0.33, 0.8, 1.0)],
        "ap": S.average_precision_score(y, p, sample_weight=weight),
        "log_loss": S.log_loss(y, p, sample_weight=weight),
        "brier": S.brier_score_loss(y, p, sample_weight=weight),
        "hinge": S.hinge_loss(y, decision, sample_weight=weight),
    }
q = np.clip(np.round(random.rand(n), 4), 0.001, 0.999)
q = np.where(random.rand(n) < 0.5, q, np.round(q * 0.5 + 0.5 * y, 4))
edges = {}
for strategy in ("uniform", "quantile"):
    true, predicted = calibration_curve(y, q, n_bins=7, strategy=strategy)
    edges[strategy] = {"accuracy": true, "confidence": predicted}
binary["calibration"] = {
    "scores": q, "bins": 7, "curves": edges,
    "errors": {norm: T.binary_calibration_error(t(q), t(y), n_bins=7, norm=norm) for norm in ("l1", "l2", "max")},
}
binary["eer"] = T.binary_eer(t(p), t(y))
binary["log_auc"] = [[low, high, log_auc(y, p, low, high)] for low, high in ((0.001, 0.1), (0.05, 0.5), (0.1, 1.0))]
points = {}
for least in (0.0, 0.3, 0.55, 0.8, 0.95, 1.0):
    points[str(least)] = {
        "precision_at_recall": T.binary_precision_at_fixed_recall(t(p), t(y), min_recall=least),
        "recall_at_precision": T.binary_recall_at_fixed_precision(t(p), t(y), min_precision=least),
        "sensitivity_at_specificity": T.binary_sensitivity_at_specificity(t(p), t(y), min_specificity=least),
        "specificity_at_sensitivity": T.binary_specificity_at_sensitivity(t(p), t(y), min_sensitivity=least),
    }
binary["points"] = points
ignoring = y.copy()
ignoring[::5] = -1
binary["ignoring"] = {"labels": ignoring, "auroc": T.binary_auroc(t(p), t(ignoring), ignore_index=-1), "ap": T.binary_average_precision(t(p), t(ignoring), ignore_index=-1)}
binary["squared_hinge"] = T.binary_hinge_loss(t(np.clip((decision + 4) / 8, 0, 1)), t(y), squared=True)
binned = {}  # Thresholds that no score equals, but for 0.425: torch.linspace is off by an ulp here and there.
for name, thresholds in (("uniform", 18), ("own", [0.11, 0.31, 0.425, 0.71])):
    fpr, tpr, _ = T.binary_roc(t(p), t(y), thresholds=thresholds)
    precision, recall, at = T.binary_precision_recall_curve(t(p), t(y), thresholds=thresholds)
    binned[name] = {
        "fpr": fpr, "tpr": tpr, "precision": precision, "recall": recall, "thresholds": at,
        "ap": T.binary_average_precision(t(p), t(y), thresholds=thresholds),
        "auroc": T.binary_auroc(t(p), t(y), thresholds=thresholds),
    }
binary["binned"] = binned
out["binary"] = binary

# Multiclass
n, c = 60, 4
y = random.randint(0, c, n)
raw = random.randn(n, c) + 1.2 * np.eye(c)[y]
p = np.round(np.exp(raw) / np.exp(raw).sum(1, keepdims=True) * 32) / 32
p[:, -1] = 1 - p[:, :-1].sum(1)
w = np.round(random.rand(n) * 2 + 0.01, 2)
soft = np.clip(np.exp(raw) / np.exp(raw).sum(1, keepdims=True), 1e-3, None)
soft /= soft.sum(1, keepdims=True)
one = label_binarize(y, classes=range(c))
multiclass = {"scores": p, "labels": y, "weights": w, "logits": raw, "probabilities": soft}
for name, weight in (("plain", None), ("weighted", w)):
    multiclass[name] = {
        "auroc": {a: S.roc_auc_score(y, p, sample_weight=weight, average=a, multi_class="ovr") for a in ("macro", "weighted", "micro")},
        "ap": {a: S.average_precision_score(one, p, sample_weight=weight, average=a) for a in ("macro", "weighted", "micro")},
        "log_loss": S.log_loss(y, soft, sample_weight=weight),
        "hinge": S.hinge_loss(y, raw, sample_weight=weight),
        "brier": np.average(((soft - one) ** 2).sum(1), weights=weight),
    }
multiclass["auroc_ovo"] = {a: S.roc_auc_score(y, p, average=a, multi_class="ovo") for a in ("macro", "weighted")}
multiclass["auroc_logits"] = S.roc_auc_score(y, np.exp(raw) / np.exp(raw).sum(1, keepdims=True), multi_class="ovr")
multiclass["auroc_classes"] = T.multiclass_auroc(t(p), t(y), num_classes=c, average=None)
multiclass["eer_classes"] = T.multiclass_eer(t(p), t(y), num_classes=c)
multiclass["log_auc_classes"] = [log_auc(y == k, p[:, k], 0.02, 0.4) for k in range(c)]
multiclass["precision_at_recall"] = T.multiclass_precision_at_fixed_recall(t(p), t(y), num_classes=c, min_recall=0.6)
multiclass["sensitivity_at_specificity"] = T.multiclass_sensitivity_at_specificity(t(p), t(y), num_classes=c, min_specificity=0.7)
multiclass["calibration"] = {norm: T.multiclass_calibration_error(t(soft).double(), t(y), num_classes=c, n_bins=10, norm=norm) for norm in ("l1", "l2", "max")}
multiclass["hinge_one_vs_all"] = T.multiclass_hinge_loss(t(soft), t(y), num_classes=c, multiclass_mode="one-vs-all")
multiclass["hinge_squared"] = T.multiclass_hinge_loss(t(soft), t(y), num_classes=c, squared=True)
multiclass["binned_auroc_classes"] = T.multiclass_auroc(t(np.clip(p, 0, 0.99)), t(y), num_classes=c, average=None, thresholds=11)
multiclass["binned_ap_classes"] = T.multiclass_average_precision(t(np.clip(p, 0, 0.99)), t(y), num_classes=c, average=None, thresholds=11)
out["multiclass"] = multiclass

# Multilabel
n, c = 50, 5
y = (random.rand(n, c) < np.array([0.2, 0.35, 0.5, 0.65, 0.8])).astype(np.int64)
y[0], y[1] = 0, 1
p = np.round(np.clip(0.5 + 0.3 * (y - 0.5) + 0.25 * random.randn(n, c), 0, 1) * 20) / 20
w = np.round(random.rand(n) * 2 + 0.01, 2)
multilabel = {"scores": p, "labels": y, "weights": w}
for name, weight in (("plain", None), ("weighted", w)):
    multilabel[name] = {
        "auroc": {a: S.roc_auc_score(y, p, sample_weight=weight, average=a) for a in ("macro", "weighted", "micro")},
        "ap": {a: S.average_precision_score(y, p, sample_weight=weight, average=a) for a in ("macro", "weighted", "micro")},
        "coverage": S.coverage_error(y, p, sample_weight=weight),
        "lrap": S.label_ranking_average_precision_score(y, p, sample_weight=weight),
        "ranking_loss": S.label_ranking_loss(y, p, sample_weight=weight),
    }
ignoring = y.copy()
ignoring[::4, 1] = -1
ignoring[::7, 3] = -1
multilabel["ignoring"] = {
    "labels": ignoring,
    "auroc": T.multilabel_auroc(t(p), t(ignoring), num_labels=c, average=None, ignore_index=-1),
    "auroc_micro": T.multilabel_auroc(t(p), t(ignoring), num_labels=c, average="micro", ignore_index=-1),
}
multilabel["specificity_at_sensitivity"] = T.multilabel_specificity_at_sensitivity(t(p), t(y), num_labels=c, min_sensitivity=0.6)
multilabel["recall_at_precision"] = T.multilabel_recall_at_fixed_precision(t(p), t(y), num_labels=c, min_precision=0.6)
multilabel["eer_labels"] = T.multilabel_eer(t(p), t(y), num_labels=c)
out["multilabel"] = multilabel

with open(sys.argv[1], "w") as file:
    json.dump(plain(out), file, separators=(",", ":"))
    file.write("\n")
