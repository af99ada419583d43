"""Records scipy.spatial.procrustes for Raijin.Metrics.Tests/Shape: python3 metrics_shape.py > …/Shape/Recordings/shape.json (scipy 1.10; torchmetrics
from its public source on PYTHONPATH for scale and rotation)."""
import json, math
import numpy as np, torch
from scipy.spatial import procrustes
from torchmetrics.functional.shape import procrustes_disparity

def cloud(points, dims, seed): return [[round(math.sin(12.9898 * (i * dims + j + 1) + 78.233 * seed), 6) for j in range(dims)] for i in range(points)]

def record(first, second):
    disparity, scale, rotation = procrustes_disparity(torch.tensor(first, dtype=torch.float64), torch.tensor(second, dtype=torch.float64), return_all=True)
    expected = [float(procrustes(np.array(a), np.array(b))[2]) for a, b in zip(first, second)]
    assert np.allclose(expected, disparity.numpy())
    return {"first": first, "second": second, "disparity": expected, "scale": scale[:, 0].tolist(), "rotation": rotation.transpose(1, 2).tolist()}

def moved(points, angle, mirror):
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle) * mirror, math.cos(angle) * mirror]])
    return (2.5 * np.array(points) @ turn + [3, -1] + 0.05 * np.array(cloud(len(points), 2, 99))).tolist()

print(json.dumps({
    "unrelated": record([cloud(9, 3, s) for s in (1, 2, 3)], [cloud(9, 3, s) for s in (4, 5, 6)]),
    "moved": record([cloud(7, 2, s) for s in (7, 8)], [moved(cloud(7, 2, 7), 0.7, 1), moved(cloud(7, 2, 8), 2.1, -1)]),
}))
