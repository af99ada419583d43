"""What metrics of classification that count give, from scikit-learn 1.2 and, where only it defines the number, from torchmetrics.

    PYTHONPATH=<torchmetrics>/src python3 eng/recordings/metrics_counts.py

Writes tests/Raijin.Metrics.Tests/Classification/Recordings/counts.json. torchmetrics computes in float32, so its numbers hold to 1e-6.
"""
import json
import math
import pathlib
import warnings

import numpy as np
import sklearn.metrics as sk
import torch
import torchmetrics.functional.classification as tm

warnings.filterwarnings("ignore")
OUT = pathlib.Path(__file__).parents[2] / "tests/Raijin.Metrics.Tests/Classification/Recordings/counts.json"
random = np.random.default_rng(7)
cases = []


def plain(value):
    if isinstance(value, torch.Tensor):
        value = value.double().numpy()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    value = float(value)
    return "nan" if math.isnan(value) else int(value) if value.is_integer() else value


def case(name, task, predictions, targets, expected, weights=None):
    cases.append({
        "name": name, "task": task, "floating": np.asarray(predictions).dtype.kind == "f",
        "predictions": plain(predictions), "targets": plain(targets), "weights": None if weights is None else plain(weights),
        "expected": {key: plain(value) for key, value in expected.items()},
    })


def sklearn_numbers(kind, classes, labels, predicted, weights):
    """labels, predicted: 0/1 [n] binary, [n] classes, [n, L] 0/1."""
    w = dict(sample_weight=weights)
    numbers = {}
    averages = ["binary"] if kind == "binary" else ["micro", "macro", "weighted", None]
    for average in averages:
        mark = {"binary": "micro", None: "none"}.get(average, average)
        of = dict(average=average, **w, **({"labels": range(classes)} if average is None else {}))
        for zero in (0, 1):
            for beta in (1, 0.5, 2):
                precision, recall, f, _ = sk.precision_recall_fscore_support(labels, predicted, beta=beta, zero_division=zero, **of)
                numbers[f"F{beta}/{mark}/{zero}"] = f
            numbers[f"PrecisionScore/{mark}/{zero}"] = precision
            numbers[f"RecallScore/{mark}/{zero}"] = recall
            numbers[f"JaccardIndex/{mark}/{zero}"] = sk.jaccard_score(labels, predicted, zero_division=zero, **of)
    matrices = sk.multilabel_confusion_matrix(labels, predicted, labels=None if kind == "multilabel" else range(classes), **w)
    numbers["StatScores"] = np.stack([matrices[:, 1, 1], matrices[:, 0, 1], matrices[:, 0, 0], matrices[:, 1, 0]], 1)[1 if kind == "binary" else 0:]
    if kind == "multilabel":
        numbers["MultilabelConfusionMatrix"] = matrices
        numbers["HammingDistance/micro/1"] = sk.hamming_loss(labels, predicted, **w)
        numbers["ExactMatch"] = sk.accuracy_score(labels, predicted, **w)
        for zero in (0, 1):
            precision, recall, f, _ = sk.precision_recall_fscore_support(labels, predicted, average="samples", zero_division=zero, **w)
            numbers[f"PrecisionScore/samples/{zero}"] = precision
            numbers[f"RecallScore/samples/{zero}"] = recall
            numbers[f"F1/samples/{zero}"] = f
            numbers[f"JaccardIndex/samples/{zero}"] = sk.jaccard_score(labels, predicted, average="samples", zero_division=zero, **w)
        return numbers
    numbers["Accuracy/micro/0"] = sk.accuracy_score(labels, predicted, **w)
    numbers["HammingDistance/micro/1"] = sk.hamming_loss(labels, predicted, **w)
    numbers["MatthewsCorrCoef"] = sk.matthews_corrcoef(labels, predicted, **w)
    for how in ("none", "linear", "quadratic"):
        numbers[f"CohenKappa/{how}"] = sk.cohen_kappa_score(labels, predicted, weights=None if how == "none" else how, labels=range(classes), **w)
    for how, normalize in (("none", None), ("oflabel", "true"), ("ofprediction", "pred"), ("ofall", "all")):
        numbers[f"ConfusionMatrix/{how}"] = sk.confusion_matrix(labels, predicted, labels=range(classes), normalize=normalize, **w)
    return numbers


def sklearn_cases():
    weights = random.integers(0, 20, 60) / 8
    p = random.random(60).round(3)
    y = (random.random(60) < 0.3 + 0.4 * p).astype(int)
    for w in (None, weights):
        case("binary", {"kind": "binary", "classes": 2}, p, y, sklearn_numbers("binary", 2, y, (p > 0.5).astype(int), w), w)
        case("binary at 0.7", {"kind": "binary", "classes": 2, "threshold": 0.7}, p, y, sklearn_numbers("binary", 2, y, (p > 0.7).astype(int), w), w)
    logits = (random.normal(size=40) * 2).round(3)
    y = random.integers(0, 2, 40)
    sure = 1 / (1 + np.exp(-logits)) > 0.6
    case("binary logits", {"kind": "binary", "classes": 2, "threshold": 0.6, "logits": True}, logits, y, sklearn_numbers("binary", 2, y, sure.astype(int), None))
    case("binary, nothing predicted", {"kind": "binary", "classes": 2}, np.full(6, 0.1), np.array([0, 1, 1, 0, 0, 1]), sklearn_numbers("binary", 2, np.array([0, 1, 1, 0, 0, 1]), np.zeros(6, int), None))
    case("binary, all one class and right", {"kind": "binary", "classes": 2}, np.ones(4, int), np.ones(4, int), sklearn_numbers("binary", 2, np.ones(4, int), np.ones(4, int), None))

    scores = random.normal(size=(60, 5)).round(3)
    y = np.where(random.random(60) < 0.5, scores.argmax(1), random.integers(0, 5, 60))
    for w in (None, weights):
        case("multiclass", {"kind": "multiclass", "classes": 5}, scores, y, sklearn_numbers("multiclass", 5, y, scores.argmax(1), w), w)
    predicted = np.array([0, 2, 2, 4, 4, 0, 1, 2])
    labels = np.array([0, 2, 5, 4, 2, 5, 0, 2])
    for w in (None, weights[:8] + 0.5):
        case("multiclass, class 3 nowhere, 5 never predicted, 1 never true", {"kind": "multiclass", "classes": 6}, predicted, labels, sklearn_numbers("multiclass", 6, labels, predicted, w), w)
    case("multiclass, one class only", {"kind": "multiclass", "classes": 3}, np.array([1, 1, 1]), np.array([1, 1, 1]), sklearn_numbers("multiclass", 3, np.array([1, 1, 1]), np.array([1, 1, 1]), None))
    many = random.integers(0, 150, 400)
    guessed = np.where(random.random(400) < 0.6, many, random.integers(0, 150, 400))
    numbers = {k: v for k, v in sklearn_numbers("multiclass", 150, many, guessed, None).items() if "/none" not in k and not k.startswith("StatScores") and not k.startswith("ConfusionMatrix")}
    case("multiclass, too many classes for a shared matrix", {"kind": "multiclass", "classes": 150}, guessed, many, numbers)

    p = random.random((30, 4)).round(3)
    y = (random.random((30, 4)) < 0.2 + 0.6 * p).astype(int)
    y[:, 3] = 0
    y[4] = 0
    p[4] = 0.2
    for w in (None, weights[:30]):
        case("multilabel", {"kind": "multilabel", "classes": 4}, p, y, sklearn_numbers("multilabel", 4, y, (p > 0.5).astype(int), w), w)


AVERAGES = ("micro", "macro", "weighted", "none")


def ratios(prefix, preds, target, averages=AVERAGES, **options):
    numbers = {}
    for name, function in (("Accuracy", "accuracy"), ("PrecisionScore", "precision"), ("RecallScore", "recall"), ("F1", "f1_score"), ("Specificity", "specificity"),
                           ("NegativePredictiveValue", "negative_predictive_value"), ("HammingDistance", "hamming_distance")):
        for average in averages:
            options_here = dict(options) if prefix == "binary" else dict(options, average=average)
            numbers[f"{name}/{average}/{1 if name == 'HammingDistance' else 0}"] = getattr(tm, f"{prefix}_{function}")(preds, target, **options_here)
    return numbers


def torchmetrics_cases():
    t = torch.from_numpy
    p, y = random.random(50).round(3), random.integers(0, 2, 50)
    case("torchmetrics: binary", {"kind": "binary", "classes": 2}, p, y, ratios("binary", t(p), t(y), averages=("micro",)))
    p, y = random.random((6, 3, 2)).round(3), random.integers(-1, 2, (6, 3, 2))
    case("torchmetrics: binary, further dimensions, -1 ignored", {"kind": "binary", "classes": 2, "ignore": -1}, p, y, ratios("binary", t(p), t(y), averages=("micro",), ignore_index=-1))

    scores, y = random.normal(size=(60, 5)).round(3), np.arange(60) % 5
    case("torchmetrics: multiclass", {"kind": "multiclass", "classes": 5}, scores, y, ratios("multiclass", t(scores), t(y), num_classes=5))
    for k in (2, 3):
        numbers = ratios("multiclass", t(scores), t(y), num_classes=5, top_k=k)
        case(f"torchmetrics: top {k}", {"kind": "multiclass", "classes": 5, "topk": k}, scores, y, numbers)
    for ignored in (-100, 1):
        y = random.integers(0, 4, (5, 3, 4))
        y[random.random(y.shape) < 0.2] = ignored
        scores = random.normal(size=(5, 4, 3, 4)).round(3)
        numbers = ratios("multiclass", t(scores), t(y), averages=("micro", "macro", "weighted"), num_classes=4, ignore_index=ignored)
        case(f"torchmetrics: multiclass, further dimensions, {ignored} ignored", {"kind": "multiclass", "classes": 4, "ignore": ignored}, scores, y, numbers)

    p, y = random.random((8, 3, 5)).round(3), random.integers(0, 2, (8, 3, 5))
    numbers = ratios("multilabel", t(p), t(y), num_labels=3)
    numbers["ExactMatch"] = tm.multilabel_exact_match(t(p), t(y), num_labels=3)
    for name, function in (("Accuracy", tm.multilabel_accuracy), ("F1", tm.multilabel_f1_score), ("Specificity", tm.multilabel_specificity)):
        numbers[f"{name}/persample/0"] = function(t(p), t(y), num_labels=3, average="micro", multidim_average="samplewise")
    case("torchmetrics: multilabel, further dimensions", {"kind": "multilabel", "classes": 3}, p, y, numbers)
    y[random.random(y.shape) < 0.2] = -1
    case("torchmetrics: multilabel, -1 ignored", {"kind": "multilabel", "classes": 3, "ignore": -1}, p, y, ratios("multilabel", t(p), t(y), num_labels=3, ignore_index=-1))

    scores = random.normal(size=(12, 3, 2, 2)).round(3)
    y = np.where(random.random((12, 2, 2)) < 0.8, scores.argmax(1), random.integers(0, 3, (12, 2, 2)))
    numbers = {"ExactMatch": tm.multiclass_exact_match(t(scores), t(y), num_classes=3)}
    for name, function in (("Accuracy", tm.multiclass_accuracy), ("F1", tm.multiclass_f1_score), ("Specificity", tm.multiclass_specificity)):
        numbers[f"{name}/persample/0"] = function(t(scores), t(y), num_classes=3, average="micro", multidim_average="samplewise")
    case("torchmetrics: multiclass, further dimensions, whole samples", {"kind": "multiclass", "classes": 3}, scores, y, numbers)
    y[random.random(y.shape) < 0.2] = -1
    case("torchmetrics: whole samples, -1 ignored", {"kind": "multiclass", "classes": 3, "ignore": -1}, scores, y, {"ExactMatch": tm.multiclass_exact_match(t(scores), t(y), num_classes=3, ignore_index=-1)})


def fairness():
    p, y, g = random.random(80).round(3), random.integers(0, 2, 80), random.integers(0, 3, 80)
    t = torch.from_numpy
    parity = tm.binary_fairness(t(p), t(y), t(g), task="all")
    rates = tm.binary_groups_stat_rates(t(p), t(y), t(g), num_groups=3)
    def ratio(kind):
        (name, value), = [(k, v) for k, v in parity.items() if k.startswith(kind)]
        _, low, high = name.split("_")
        return {"ratio": plain(value), "lowest": int(low), "highest": int(high)}
    return {"predictions": plain(p), "targets": plain(y), "groups": plain(g), "parity": ratio("DP"), "opportunity": ratio("EO"), "rates": [plain(rates[f"group_{i}"]) for i in range(3)]}


sklearn_cases()
torchmetrics_cases()
OUT.parent.mkdir(parents=True, exist_ok=True)
lines = ",\n".join(json.dumps(c) for c in cases)
OUT.write_text(f'{{"cases": [\n{lines}\n],\n"fairness": {json.dumps(fairness())}}}\n')
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
