"""Records measures of association for Raijin.Metrics.Tests/Nominal: python3 metrics_nominal.py > …/Nominal/Recordings/nominal.json
(scipy 1.10; torchmetrics from its public source on PYTHONPATH; bias correction of 2 × 2 tables and Fleiss' kappa from their papers' formulas)."""
import json, math
import numpy as np, torch
from scipy.stats import contingency
from torchmetrics.functional import nominal as n

torch.set_default_dtype(torch.float64)

def noise(i, seed): return abs(1e4 * math.sin(12.9898 * (i + 1) + 78.233 * seed)) % 1
def series(count, k, seed): return [int(k * noise(i, seed) ** 1.3) for i in range(count)]
def follow(s, k, seed, share): return [c % k if noise(i, seed) < share else int(k * noise(i, seed + 1)) for i, c in enumerate(s)]

def bergsma(table, tschuprow, correction):
    size, (r, k) = table.sum(), table.shape
    phi = max(0, contingency.chi2_contingency(table, correction=correction)[0] / size - (r - 1) * (k - 1) / (size - 1))
    r, k = r - 1 - (r - 1) ** 2 / (size - 1), k - 1 - (k - 1) ** 2 / (size - 1)
    return min(1, math.sqrt(phi / (math.sqrt(r * k) if tschuprow else min(r, k))))

def record(predicted, target):
    p, t = torch.tensor(predicted), torch.tensor(target)
    table = contingency.crosstab(target, predicted)[1]
    out = {"predicted": predicted, "target": target, "pearson": contingency.association(table, method="pearson"),
           "theils_u": float(n.theils_u(p.double(), t.double())), "theils_u_swapped": float(n.theils_u(t.double(), p.double()))}
    for name, method in (("cramer", "cramer"), ("tschuprow", "tschuprow")):
        out[name] = contingency.association(table, method=method)
        out[name + "_continuous"] = contingency.association(table, method=method, correction=True)
        out[name + "_unbiased"] = bergsma(table, name == "tschuprow", False)
        out[name + "_both"] = bergsma(table, name == "tschuprow", True)
    if table.shape != (2, 2):
        out["torchmetrics"] = {"cramer_unbiased": float(n.cramers_v(p.double(), t.double())), "tschuprow_unbiased": float(n.tschuprows_t(p.double(), t.double()))}
    return out

def fleiss(counts):
    c = np.array(counts, dtype=np.float64)
    raters = c.sum(1)
    agreement = ((c * (c - 1)).sum(1) / (raters * (raters - 1))).mean()
    chance = ((c.sum(0) / c.sum()) ** 2).sum()
    return (agreement - chance) / (1 - chance)

target, narrow, two = series(150, 5, 1), series(80, 3, 4), series(60, 2, 7)
matrix = [list(row) for row in zip(series(100, 3, 11), follow(series(100, 3, 11), 3, 12, 0.6), series(100, 4, 14), follow(series(100, 4, 14), 2, 15, 0.8))]
m = torch.tensor(matrix, dtype=torch.float64)
# The example of Fleiss 1971 as it is usually printed: 10 items, 5 categories, 14 raters.
paper = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]
scores = [[[round(noise(i * 20 + j * 5 + r, 41) + (0.5 if j == i % 4 else 0), 6) for r in range(5)] for j in range(4)] for i in range(12)]
chosen = np.array(scores).argmax(1)
uneven = [[3, 1, 0], [2, 0, 0], [1, 1, 4], [0, 5, 1], [2, 2, 2]]
print(json.dumps({
    "series": {"related": record(follow(target, 5, 2, 0.5), target), "unrelated": record(series(80, 4, 5), narrow), "two_by_two": record(follow(two, 2, 8, 0.4), two)},
    "matrix": {"table": matrix, "cramer": n.cramers_v_matrix(m, bias_correction=False).tolist(), "tschuprow": n.tschuprows_t_matrix(m, bias_correction=False).tolist(),
               "cramer_unbiased": n.cramers_v_matrix(m).tolist(), "pearson": n.pearsons_contingency_coefficient_matrix(m).tolist(), "theils_u": n.theils_u_matrix(m).tolist()},
    "fleiss": {"paper": {"counts": paper, "kappa": fleiss(paper), "torchmetrics": float(n.fleiss_kappa(torch.tensor(paper)))}, "uneven": {"counts": uneven, "kappa": fleiss(uneven)},
               "scores": {"scores": scores, "kappa": fleiss([[int((row == j).sum()) for j in range(4)] for row in chosen])}},
}))
