"""Records metrics of rankings for Raijin.Metrics.Tests/Retrieval: python3 metrics_retrieval.py > …/Retrieval/Recordings/retrieval.json
(scikit-learn 1.2; torchmetrics from its public source on PYTHONPATH). Scores are positive: torchmetrics takes others as not retrieved."""
import json, math
import numpy as np, torch
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score
from torchmetrics import retrieval as r

torch.set_default_dtype(torch.float64)

def noise(i, seed): return abs(1e4 * math.sin(12.9898 * (i + 1) + 78.233 * seed)) % 1

def documents(count, queries, seed, grades=2, digits=6):
    query = [-3 + 5 * int(queries * noise(i, seed)) for i in range(count)]
    relevance = [int(grades * noise(i, seed + 1) ** 2) if grades > 2 else int(noise(i, seed + 1) < 0.25) for i in range(count)]
    scores = [round(0.01 + 0.8 * noise(i, seed + 2) + 0.15 * min(1, relevance[i]) * noise(i, seed + 3), digits) for i in range(count)]
    return scores, relevance, query

def groups(data):
    scores, relevance, query = map(np.array, data)
    for name in sorted(set(data[2])): yield scores[query == name], relevance[query == name]

def mean(f, data, skip=lambda y: not y.any()):
    return float(np.mean([f(y, s) for s, y in groups(data) if not skip(y)]))

def tm(cls, data, **options):
    metric = cls(**options)
    result = metric(torch.tensor(data[0]), torch.tensor(data[1]), indexes=torch.tensor(data[2]))
    return [v.tolist() for v in result] if isinstance(result, tuple) else float(result)

binary, graded, tied = documents(120, 7, 1), documents(90, 5, 11, grades=5), documents(80, 4, 21, grades=4, digits=1)
both = lambda y: y.all() or not y.any()
out = {name: dict(zip(("scores", "relevance", "queries"), data)) for name, data in (("binary", binary), ("graded", graded), ("tied", tied))}
out["sklearn"] = {
    "map": mean(average_precision_score, binary),
    "auroc": mean(roc_auc_score, binary, both),
    "auroc_to_0.3": mean(lambda y, s: roc_auc_score(y, s, max_fpr=0.3), binary, both),
    "auroc_tied": mean(lambda y, s: roc_auc_score(y > 0, s), tied, lambda y: both(y > 0)),
    "auroc_tied_to_0.4": mean(lambda y, s: roc_auc_score(y > 0, s, max_fpr=0.4), tied, lambda y: both(y > 0)),
    "ndcg": [mean(lambda y, s: ndcg_score([y], [s], k=k), graded) for k in (None, 1, 4)],
    "ndcg_exponential": [mean(lambda y, s: ndcg_score([2.0 ** y - 1], [s], k=k), graded) for k in (None, 1, 4)],
    "ndcg_tied": [mean(lambda y, s: ndcg_score([y], [s], k=k), tied) for k in (None, 1, 4)],
}
out["torchmetrics"] = {
    "map": [tm(r.RetrievalMAP, binary, top_k=k) for k in (None, 3)],
    "mrr": [tm(r.RetrievalMRR, binary, top_k=k) for k in (None, 1)],
    "ndcg": [tm(r.RetrievalNormalizedDCG, graded, top_k=k) for k in (None, 4)],
    "precision": [tm(r.RetrievalPrecision, binary, top_k=k) for k in (None, 5, 30)],
    "precision_adaptive": tm(r.RetrievalPrecision, binary, top_k=30, adaptive_k=True),
    "recall": [tm(r.RetrievalRecall, binary, top_k=k) for k in (None, 5)],
    "fall_out": [tm(r.RetrievalFallOut, binary, top_k=k) for k in (None, 5)],
    "hit_rate": [tm(r.RetrievalHitRate, binary, top_k=k) for k in (1, 2)],
    "r_precision": tm(r.RetrievalRPrecision, binary),
    "auroc": [tm(r.RetrievalAUROC, binary, top_k=k) for k in (None, 8)],
    "curve": tm(r.RetrievalPrecisionRecallCurve, binary)[:2],
    "curve_adaptive": tm(r.RetrievalPrecisionRecallCurve, binary, max_k=25, adaptive_k=True)[:2],
    "recall_at_precision": [tm(r.RetrievalRecallAtFixedPrecision, binary, min_precision=p) for p in (0.3, 0.5, 0.99)],
    "min": tm(r.RetrievalRecall, binary, top_k=5, aggregation="min"), "max": tm(r.RetrievalRecall, binary, top_k=5, aggregation="max"),
    "median": tm(r.RetrievalRecall, binary, top_k=5, aggregation="median"),
}
ignoring = [2 if noise(i, 31) < 0.2 else y for i, y in enumerate(binary[1])]
lonely = [0 if q == 2 else y for y, q in zip(binary[1], binary[2])]
out["ignoring"] = {"relevance": ignoring, "map": tm(r.RetrievalMAP, (binary[0], ignoring, binary[2]), ignore_index=2)}
out["lonely"] = {"relevance": lonely, **{a: tm(r.RetrievalMRR, (binary[0], lonely, binary[2]), empty_target_action=a) for a in ("neg", "pos", "skip")}}
print(json.dumps(out))
