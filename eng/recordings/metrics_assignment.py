"""Records scipy.optimize.linear_sum_assignment for Raijin.Metrics.Tests/Assignment: python3 metrics_assignment.py > …/Assignment/Recordings/assignment.json (scipy 1.10)."""
import json, math
import numpy as np
from scipy.optimize import linear_sum_assignment

def costs(rows, columns, seed, digits):
    return [[round(10 * math.sin(12.9898 * (i * columns + j + 1) + 78.233 * seed), digits) for j in range(columns)] for i in range(rows)]

def record(c):
    a = np.array(c)
    i, j = linear_sum_assignment(a)
    columns = [-1] * len(c)
    for row, column in zip(i.tolist(), j.tolist()): columns[row] = column
    best = linear_sum_assignment(a, maximize=True)
    return {"costs": c, "least": float(a[i, j].sum()), "columns": columns, "largest": float(a[best].sum())}

print(json.dumps({
    "square": record(costs(30, 30, 1, 5)),
    "wide": record(costs(12, 31, 2, 5)),
    "tall": record(costs(31, 12, 3, 5)),
    "tied": record(costs(20, 20, 4, 0)),
}))
