"""Records scores of clusterings for Raijin.Metrics.Tests/Clustering: python3 metrics_clustering.py > …/Clustering/Recordings/clustering.json
(scikit-learn 1.2, scipy 1.10; torchmetrics from its public source on PYTHONPATH for the Dunn index)."""
import json, math
import numpy as np, torch
from scipy.optimize import linear_sum_assignment
from sklearn import metrics as m
from sklearn.metrics.cluster import contingency_matrix
from torchmetrics.functional.clustering import dunn_index

def labels(n, k, seed):
    return [int(abs(1e4 * math.sin(12.9898 * (i + 1) + 78.233 * seed))) % k for i in range(n)]

def extrinsic(true, predicted):
    table = contingency_matrix(true, predicted)
    rows, columns = linear_sum_assignment(table, maximize=True)
    means = ["arithmetic", "geometric", "min", "max"]
    return {
        "true": true, "predicted": predicted,
        "mutual_info": m.mutual_info_score(true, predicted),
        "normalized": [m.normalized_mutual_info_score(true, predicted, average_method=a) for a in means],
        "adjusted": [m.adjusted_mutual_info_score(true, predicted, average_method=a) for a in means],
        "rand": m.rand_score(true, predicted), "adjusted_rand": m.adjusted_rand_score(true, predicted),
        "fowlkes_mallows": float(m.fowlkes_mallows_score(true, predicted)),
        "homogeneity": m.homogeneity_score(true, predicted), "completeness": m.completeness_score(true, predicted),
        "v_measure": [m.v_measure_score(true, predicted, beta=b) for b in (0.5, 1.0, 2.0)],
        "accuracy": float(table[rows, columns].sum() / table.sum()),
    }

def intrinsic(n, d, k, seed, pull):
    own = labels(n, k, seed)
    own[:k] = range(k)
    points = [[round(pull * math.cos(own[i] * (j + 1)) + math.sin(12.9898 * (i * d + j + 1) + 37.719 * seed), 5) for j in range(d)] for i in range(n)]
    x, y = torch.tensor(points, dtype=torch.float64), torch.tensor(own)
    return {
        "points": points, "labels": own,
        "calinski_harabasz": m.calinski_harabasz_score(points, own), "davies_bouldin": m.davies_bouldin_score(points, own),
        "silhouette": float(m.silhouette_score(points, own)),
        "dunn": [float(dunn_index(x, y, p)) for p in (1, 2, math.inf)],
    }

noisy = labels(2000, 12, 3)
print(json.dumps({
    "extrinsic": {
        "unrelated": extrinsic(labels(60, 5, 1), labels(60, 4, 2)),
        "related": extrinsic(noisy, [c // 2 if i % 3 else c % 5 for i, c in enumerate(noisy)]),
        "equal": extrinsic(labels(50, 4, 5), [10**12 - 7 * c for c in labels(50, 4, 5)]),
        "one_class": extrinsic([3] * 12, labels(12, 3, 6)),
        "one_cluster": extrinsic(labels(12, 3, 7), [-1] * 12),
        "one_of_each": extrinsic([5] * 6, [9] * 6),
        "alone": extrinsic(list(range(9)), list(range(9, 0, -1))),
        "independent": extrinsic([0, 0, 1, 1] * 5, [0, 1, 0, 1] * 5),
        "alone_by_class": extrinsic([0, 0, 0, 1, 1, 2], list(range(6))),
    },
    "intrinsic": {"apart": intrinsic(60, 3, 4, 1, 3.0), "mixed": intrinsic(40, 2, 5, 2, 0.2), "line": intrinsic(25, 1, 3, 3, 1.5), "with_lone_points": intrinsic(12, 2, 8, 4, 1.0)},
}))
