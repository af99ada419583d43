"""Records what torchmetrics' wrappers give where nothing is drawn at random, as JSON.

    python3 eng/recordings/metrics_wrappers.py tests/Raijin.Metrics.Tests/Wrappers/Recordings/wrappers.json

Needs torchmetrics from its public source on PYTHONPATH, with PyTorch, here 1.13.
"""
import json
import sys

import torch
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy, MulticlassRecall
from torchmetrics.wrappers import BinaryTargetTransformer, ClasswiseWrapper, LambdaInputTransformer, MetricTracker, MinMaxMetric, MultioutputWrapper, Running

torch.manual_seed(3)
batches = [(torch.randint(0, 4, (n,)), torch.randint(0, 4, (n,))) for n in (5, 3, 8, 2, 6, 4, 7)]
batches = [(torch.where(torch.rand(len(p)) < 0.4, t, p), t) for p, t in batches]
out = {"batches": [[p.tolist(), t.tolist()] for p, t in batches]}

running = Running(MulticlassAccuracy(4, average="micro"), window=3)
out["running"] = []
for p, t in batches:
    running.update(p, t)
    out["running"].append(float(running.compute()))

extremes = MinMaxMetric(MulticlassAccuracy(4, average="micro"))
out["extremes"] = []
for p, t in batches:
    extremes.update(p, t)
    now = extremes.compute()
    out["extremes"].append([float(now["raw"]), float(now["min"]), float(now["max"])])

classwise = ClasswiseWrapper(MulticlassRecall(4, average="none"), labels=["cat", "dog", "bee", "ant"], prefix="", postfix="-recall")
tracker = MetricTracker(MulticlassAccuracy(4, average="micro"))
for p, t in batches:
    classwise.update(p, t)
    tracker.increment()
    tracker.update(p, t)
out["classwise"] = {k.split("-")[0]: float(v) for k, v in classwise.compute().items()}
best, step = tracker.best_metric(return_step=True)
out["tracker"] = {"all": tracker.compute_all().tolist(), "best": float(best), "step": int(step)}

scores, labels = torch.rand(20, 3).round(decimals=3), torch.randint(0, 2, (20, 3)).float()
outputs = MultioutputWrapper(BinaryAccuracy(), 3, remove_nans=False)
outputs.update(scores, labels.long())
missing = scores.clone()
missing[2, 0] = missing[7, 0] = missing[5, 2] = float("nan")
known = MultioutputWrapper(BinaryAccuracy(), 3)
known.update(missing, labels)
out["outputs"] = {"scores": scores.tolist(), "labels": labels.tolist(), "each": outputs.compute().tolist(), "missing": [[2, 0], [7, 0], [5, 2]], "known": known.compute().tolist()}

ratings = (10 * torch.rand(20)).round(decimals=2)
binary = BinaryTargetTransformer(BinaryAccuracy(), threshold=4.5)
binary.update(scores[:, 0], ratings.clone())
inverted = LambdaInputTransformer(BinaryAccuracy(), lambda p: 1 - p)
inverted.update(scores[:, 0], labels[:, 0].long())
out["mapped"] = {"ratings": ratings.tolist(), "binary": float(binary.compute()), "inverted": float(inverted.compute())}

with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump(out, file, separators=(",", ":"))
    file.write("\n")
