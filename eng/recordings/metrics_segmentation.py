"""Records what torchmetrics, scikit-image and scipy make of small random segmentations, for tests/Raijin.Metrics.Tests/Segmentation.

Needs Debian's python3-numpy, python3-scipy, python3-skimage and python3-torch, and torchmetrics from its public source on PYTHONPATH.

    python3 eng/recordings/metrics_segmentation.py tests/Raijin.Metrics.Tests/Segmentation/Recordings
"""
import json, math, os, sys, warnings
import numpy as np
import torch
from scipy import ndimage
from scipy.spatial.distance import cdist, directed_hausdorff
from skimage.metrics import hausdorff_distance
from torchmetrics.functional.segmentation.generalized_dice import generalized_dice_score
from torchmetrics.functional.segmentation.hausdorff_distance import hausdorff_distance as torch_hausdorff
from torchmetrics.segmentation import DiceScore, MeanIoU

warnings.simplefilter("ignore")


def clean(value):
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return clean(value.tolist())
    if isinstance(value, (float, np.floating)):
        return "nan" if math.isnan(value) else "inf" if value == math.inf else "-inf" if value == -math.inf else float(value)
    return value.item() if isinstance(value, np.generic) else value


def blobs(rng, samples, classes, height, width, skip=()):
    maps = np.zeros((samples, height, width), np.int64)
    for s in range(samples):
        for _ in range(5):
            c = rng.choice([c for c in range(classes) if (s, c) not in skip])
            y, x = rng.integers(0, height - 2), rng.integers(0, width - 2)
            maps[s, y:y + rng.integers(2, 6), x:x + rng.integers(2, 6)] = c
    return maps


def noisy(rng, maps, classes):
    out = np.roll(maps, 1, 2)
    flip = rng.random(maps.shape) < 0.08
    out[flip] = rng.integers(0, classes, flip.sum())
    return out


def scores():
    rng = np.random.default_rng(2)
    classes = 4
    targets = blobs(rng, 3, classes, 9, 11, skip={(0, 3), (1, 2)})
    predictions = noisy(rng, targets, classes - 1)
    # one-hot masks that overlap, with a class that is nowhere in one sample
    masks, truth = (rng.random((3, 3, 5, 6)) < 0.4).astype(np.int64), (rng.random((3, 3, 5, 6)) < 0.5).astype(np.int64)
    masks[1, 2], truth[1, 2], truth[2, 1] = 0, 0, 0
    logits = rng.normal(size=(3, classes, 9, 11)).round(2)
    result = {"classes": classes, "predictions": predictions, "targets": targets, "masks": masks, "truth": truth, "logits": logits, "cases": []}
    for form, p, t, c in (("index", predictions, targets, classes), ("one-hot", masks, truth, 3), ("mixed", logits, targets, classes)):
        p, t = torch.from_numpy(p), torch.from_numpy(t)
        for background in (True, False):
            for average in ("micro", "macro", "weighted"):
                for level in ("samplewise", "global"):
                    make = lambda a: DiceScore(c, include_background=background, average=a, aggregation_level=level, input_format=form)
                    score, each = make(average), make("none")
                    score.update(p, t), each.update(p, t)
                    result["cases"].append({"score": "dice", "form": form, "background": background, "average": average, "level": level,
                                            "value": score.compute().double().item(), "per_class": each.compute().double()})
            mean, each = MeanIoU(c, include_background=background, input_format=form), MeanIoU(c, include_background=background, input_format=form, per_class=True)
            mean.update(p, t), each.update(p, t)
            per_class = each.compute().double()
            result["cases"].append({"score": "iou", "form": form, "background": background, "value": mean.compute().double().item(),
                                    "per_class": torch.where(per_class < 0, torch.nan, per_class)})
            for weights in ("square", "simple", "linear"):
                # A sample without absent classes: whose weight torchmetrics looks for in the rest of the batch.
                sample = 0 if form == "one-hot" else 2
                value = generalized_dice_score(p[sample:sample + 1], t[sample:sample + 1], c, include_background=background, weight_type=weights, input_format=form).double().item()
                result["cases"].append({"score": "generalized", "form": form, "background": background, "weights": weights, "sample": sample, "value": value})
    return result


# Edges: a pixel with a neighbour along an axis outside, the border included.
def edges(mask):
    return mask & ~ndimage.binary_erosion(mask, ndimage.generate_binary_structure(mask.ndim, 1), border_value=0)


def directed(a, b, metric, spacing, percentile):
    points = lambda m: np.argwhere(m) * np.array(spacing)
    if not len(points(a)) and not len(points(b)): return math.nan
    if not len(points(a)) or not len(points(b)): return math.inf
    nearest = cdist(points(a), points(b), {"euclidean": "euclidean", "chessboard": "chebyshev", "taxicab": "cityblock"}[metric]).min(1)
    return np.percentile(nearest, percentile)


def distances():
    rng = np.random.default_rng(4)
    cases = []
    for shape in ((17, 13), (7, 6, 8), (23,)):
        for kind in range(3):
            a = ndimage.binary_dilation(rng.random(shape) < 0.04, iterations=2) | (rng.random(shape) < 0.02)
            b = np.roll(a, 2, -1) | (rng.random(shape) < 0.03)
            if kind == 2: a[:] = False
            entry = {"a": a.astype(int), "b": b.astype(int), "distances": []}
            for metric in ("euclidean", "chessboard", "taxicab"):
                for spacing in ([1.0] * len(shape), [0.7, 1.6, 2.5][:len(shape)]):
                    for percentile in (100, 95, 50):
                        forth, back = directed(edges(a), edges(b), metric, spacing, percentile), directed(edges(b), edges(a), metric, spacing, percentile)
                        entry["distances"].append({"metric": metric, "spacing": spacing, "percentile": percentile, "directed": forth, "value": max(forth, back)})
                        if metric == "euclidean" and percentile == 100 and a.any():
                            scale = lambda m: np.argwhere(edges(m)) * np.array(spacing)
                            assert abs(directed_hausdorff(scale(a), scale(b))[0] - forth) < 1e-12
                            field = ndimage.distance_transform_edt(~edges(b), sampling=spacing)
                            assert abs(field[edges(a)].max() - forth) < 1e-12
                            if spacing[0] == 1.0: assert abs(hausdorff_distance(edges(a), edges(b)) - max(forth, back)) < 1e-12
                        # torchmetrics places distances by h where the width is meant, so pictures must be square; and chessboard takes whole spacings.
            cases.append(entry)
    square = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        targets = blobs(rng, 2, 3, 12, 12)
        predictions = noisy(rng, targets, 3)
        both = torch.from_numpy(predictions), torch.from_numpy(targets)
        for metric in ("euclidean", "chessboard", "taxicab"):
            for one_way in (False, True):
                square.append({"predictions": predictions, "targets": targets, "metric": metric, "directed": one_way,
                               "value": torch_hausdorff(*both, 3, distance_metric=metric, directed=one_way, input_format="index").double().mean().item()})
    return {"masks": cases, "torchmetrics": square}


if __name__ == "__main__":
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for name, content in (("scores", scores()), ("distances", distances())):
        with open(os.path.join(out, name + ".json"), "w") as file:
            json.dump(clean(content), file, separators=(",", ":"))
            file.write("\n")
