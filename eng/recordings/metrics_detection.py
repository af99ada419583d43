"""Records what pycocotools makes of small generated detections, and torchmetrics of boxes and panoptic maps, for tests/Raijin.Metrics.Tests/Detection.

Needs Debian's python3-numpy and python3-torch, pycocotools built from its public source and torchmetrics from its public source, both on PYTHONPATH.

    python3 eng/recordings/metrics_detection.py tests/Raijin.Metrics.Tests/Detection/Recordings
"""
import contextlib, io, json, math, os, sys, types
import numpy as np
import torch

# What torchmetrics takes from torchvision.ops, written from the papers' formulas.
ops = types.ModuleType("torchvision.ops")


def area(b):
    return (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])


def parts(a, b):
    inner = (torch.min(a[:, None, 2:], b[None, :, 2:]) - torch.max(a[:, None, :2], b[None, :, :2])).clamp(min=0)
    outer = torch.max(a[:, None, 2:], b[None, :, 2:]) - torch.min(a[:, None, :2], b[None, :, :2])
    shared = inner.prod(-1)
    return shared, area(a)[:, None] + area(b)[None] - shared, outer


def iou(a, b):
    shared, union, _ = parts(a, b)
    return shared / union


def giou(a, b):
    shared, union, outer = parts(a, b)
    return shared / union - (outer.prod(-1) - union) / outer.prod(-1)


def diou(a, b):
    shared, union, outer = parts(a, b)
    middle = lambda x: (x[:, :2] + x[:, 2:]) / 2
    return shared / union - ((middle(a)[:, None] - middle(b)[None]) ** 2).sum(-1) / (outer ** 2).sum(-1)


def ciou(a, b):
    ratio = lambda x: torch.atan((x[:, 2] - x[:, 0]) / (x[:, 3] - x[:, 1]))
    v = 4 / math.pi ** 2 * (ratio(a)[:, None] - ratio(b)[None]) ** 2
    i = iou(a, b)
    return diou(a, b) - v / (1 - i + v).clamp(min=1e-300) * v


def convert(boxes, in_fmt, out_fmt):
    assert out_fmt == "xyxy"
    a, b = boxes[:, :2], boxes[:, 2:]
    return boxes if in_fmt == "xyxy" else torch.cat([a, a + b] if in_fmt == "xywh" else [a - b / 2, a + b / 2], 1)


ops.box_area, ops.box_iou, ops.generalized_box_iou, ops.distance_box_iou, ops.complete_box_iou, ops.box_convert = area, iou, giou, diou, ciou, convert
vision = types.ModuleType("torchvision")
vision.ops, vision.__version__ = ops, "0.14.0"

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
import pycocotools.mask as coco_mask
from torchmetrics.detection import iou as tm_iou, giou as tm_giou, diou as tm_diou, ciou as tm_ciou
from torchmetrics.functional.detection._panoptic_quality_common import _panoptic_quality_compute
from torchmetrics.detection.panoptic_qualities import ModifiedPanopticQuality, PanopticQuality

for module in (tm_iou, tm_giou, tm_diou, tm_ciou):
    module._TORCHVISION_AVAILABLE = True
sys.modules.update({"torchvision": vision, "torchvision.ops": ops})


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


# ---- COCO's evaluation: boxes are left, top, width, height in float64, as pycocotools takes them.

def generate(rng, images, classes, crowd=0.0, given_areas=False, ties=False, size=400, many=False):
    data = []
    for i in range(images):
        there, found = [], []
        for _ in range(rng.integers(0, 7)):
            side = np.exp(rng.uniform(np.log(8), np.log(size * 0.7), 2))
            corner = rng.uniform(0, size - side)
            box = [*corner, *side]
            label = int(rng.integers(0, classes)) * 3 + 1
            entry = {"box": box, "label": label, "crowd": int(rng.random() < crowd)}
            if given_areas:
                entry["area"] = float(box[2] * box[3] * rng.uniform(0.4, 0.9))
            there.append(entry)
            for _ in range(rng.integers(0, 4)):
                moved = np.array(box) + rng.normal(0, 0.09, 4) * np.tile(side, 2)
                moved[2:] = np.maximum(moved[2:], 1)
                found.append({"box": moved.tolist(), "label": label if rng.random() < 0.85 else int(rng.integers(0, classes + 1)) * 3 + 1, "score": float(rng.beta(4, 2))})
        for _ in range(140 if many and i == 0 else rng.integers(0, 4)):
            side = np.exp(rng.uniform(np.log(8), np.log(size * 0.7), 2))
            found.append({"box": [*rng.uniform(0, size - side), *side], "label": int(rng.integers(0, 1 if many and i == 0 else classes + 1)) * 3 + 1, "score": float(rng.beta(2, 4))})
        if ties:
            for f in found:
                f["score"] = round(f["score"] * 4) / 4
                f["box"] = [float(round(x / 8) * 8) for x in f["box"]]
            for t in there:
                t["box"] = [float(round(x / 8) * 8) + (8 if k > 1 else 0) for k, x in enumerate(t["box"])]
        if i % 5 == 4:
            there = []
        if i % 5 == 3:
            found = []
        data.append({"there": there, "found": found})
    return data


def rounded(data):
    for image in data:
        for entry in image["there"] + image["found"]:
            entry["box"] = [round(x, 2) for x in entry["box"]]
            for key in ("score", "area"):
                if key in entry:
                    entry[key] = round(entry[key], 3)
    return data


def ellipse(box, height, width):
    y, x = np.mgrid[0:height, 0:width] + 0.5
    left, top, w, h = box
    return (((x - left - w / 2) / (w / 2 + 1e-9)) ** 2 + ((y - top - h / 2) / (h / 2 + 1e-9)) ** 2 <= 1).astype(np.uint8)


def evaluate(data, kind="bbox", iou_thresholds=None, recalls=None, limits=None, size=None, agnostic=False):
    annotations, results, labels = [], [], set()
    for i, image in enumerate(data):
        for t in image["there"]:
            entry = {"id": len(annotations) + 1, "image_id": i, "category_id": t["label"], "bbox": t["box"], "iscrowd": t["crowd"], "area": t.get("area", t["box"][2] * t["box"][3])}
            if kind == "segm":
                entry["segmentation"] = coco_mask.encode(np.asfortranarray(ellipse(t["box"], *size)))
                entry["area"] = t.get("area", float(coco_mask.area(entry["segmentation"])))
            annotations.append(entry)
            labels.add(t["label"])
        for f in image["found"]:
            entry = {"image_id": i, "category_id": f["label"], "score": f["score"], "bbox": f["box"]}
            if kind == "segm":
                entry["segmentation"] = coco_mask.encode(np.asfortranarray(ellipse(f["box"], *size)))
                del entry["bbox"]
            results.append(entry)
            labels.add(f["label"])
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"images": [{"id": i, "height": size[0], "width": size[1]} if size else {"id": i} for i in range(len(data))],
                         "annotations": annotations, "categories": [{"id": c} for c in sorted(labels)]}
        truth.createIndex()
        found = truth.loadRes(results)
        evaluation = COCOeval(truth, found, kind)
        if iou_thresholds: evaluation.params.iouThrs = np.array(iou_thresholds)
        if recalls: evaluation.params.recThrs = np.array(recalls)
        if limits: evaluation.params.maxDets = limits
        if agnostic: evaluation.params.useCats = 0
        evaluation.evaluate()
        evaluation.accumulate()
    tables = evaluation.eval
    precision, recall, scores = (np.where(tables[k] == -1, np.nan, tables[k]) for k in ("precision", "recall", "scores"))
    limits = evaluation.params.maxDets
    thresholds = list(evaluation.params.iouThrs)
    with np.errstate(all="ignore"), contextlib.suppress(RuntimeWarning):
        import warnings

        warnings.simplefilter("ignore")
        at = lambda t: np.nanmean(precision[thresholds.index(t), :, :, 0, -1]) if t in thresholds else np.nan
        summary = {"map": np.nanmean(precision[:, :, :, 0, -1]), "map_50": at(0.5), "map_75": at(0.75)}
        for a, name in enumerate(("small", "medium", "large")):
            summary[f"map_{name}"] = np.nanmean(precision[:, :, :, a + 1, -1])
        for m, limit in enumerate(limits):
            summary[f"mar_{limit}"] = np.nanmean(recall[:, :, 0, m])
        for a, name in enumerate(("small", "medium", "large")):
            summary[f"mar_{name}"] = np.nanmean(recall[:, :, a + 1, -1])
        per_class = [] if agnostic else [{"label": c, "map": np.nanmean(precision[:, :, k, 0, -1]), "map_50": np.nanmean(precision[thresholds.index(0.5), :, k, 0, -1]) if 0.5 in thresholds else np.nan,
                                          "mar": np.nanmean(recall[:, k, 0, -1])} for k, c in enumerate(sorted(labels))]
    # The whole tables as checksums: dot products with fixed weights, absent cells as -1.
    weights = lambda table: np.cos(np.arange(table.size) * 0.7).reshape(table.shape)
    sums = {k: float((tables[k] * weights(tables[k])).sum()) for k in ("precision", "recall", "scores")}
    return {"summary": summary, "per_class": per_class, "sums": sums, "thresholds": thresholds, "recalls": list(evaluation.params.recThrs), "limits": limits}


def rows(data):
    return [{"found": [[*f["box"], f["score"], f["label"]] for f in image["found"]],
             "there": [[*t["box"], t["label"], t["crowd"], t.get("area", -1)] for t in image["there"]]} for image in data]


def coco_cases():
    rng = np.random.default_rng(11)
    cases = {}
    plain = rounded(generate(rng, 24, 5))
    cases["plain"] = (plain, {})
    cases["crowds and areas"] = (rounded(generate(rng, 24, 3, crowd=0.35, given_areas=True)), {})
    cases["ties"] = (generate(rng, 20, 2, ties=True, size=160), {})
    cases["more found than count"] = (rounded(generate(rng, 6, 2, many=True)), {})
    cases["other thresholds"] = (plain, {"iou_thresholds": [0.3, 0.5, 1.0], "recalls": [0.0, 0.1, 0.55, 1.0], "limits": [2, 5, 7, 300]})
    cases["labels not looked at"] = (plain, {"agnostic": True})
    cases["masks"] = (rounded(generate(rng, 14, 3, crowd=0.2, size=48)), {"kind": "segm", "size": (48, 56)})
    return {name: {"images": rows(data), "options": options, **evaluate(data, **options)} for name, (data, options) in cases.items()}


# ---- Overlaps of boxes and their means.

def overlaps():
    g = torch.Generator().manual_seed(5)
    double = lambda *s: torch.rand(*s, generator=g, dtype=torch.float64)
    make = lambda n: torch.cat([c := double(n, 2) * 60, c + 4 + double(n, 2) * 50], 1).mul(100).round().div(100)
    a, b = make(6), make(6)
    b[0], b[1] = a[0], a[1] + 3
    b[2] = torch.tensor([900.0, 900, 910, 930])
    result = {"a": a, "b": b, "iou": iou(a, b), "giou": giou(a, b), "diou": diou(a, b), "ciou": ciou(a, b), "means": []}
    images = []
    for n, m in ((4, 3), (0, 3), (3, 0), (0, 0), (2, 5), (1, 1)):
        images.append({"found": {"boxes": make(n), "labels": torch.randint(0, 3, (n,), generator=g)}, "there": {"boxes": make(m), "labels": torch.randint(0, 3, (m,), generator=g)}})
    images[0]["there"]["labels"][0] = images[0]["found"]["labels"][0]
    result["images"] = [{"found": i["found"]["boxes"], "found_labels": i["found"]["labels"], "there": i["there"]["boxes"], "there_labels": i["there"]["labels"]} for i in images]
    for name, metric in (("iou", tm_iou.IntersectionOverUnion), ("giou", tm_giou.GeneralizedIntersectionOverUnion), ("diou", tm_diou.DistanceIntersectionOverUnion), ("ciou", tm_ciou.CompleteIntersectionOverUnion)):
        for threshold in (None, 0.2):
            for respect in (True, False):
                # torchmetrics can't tell classes apart in an image where nothing is there, and counts boxes squared there when labels are not respected.
                for subset in ((0, 1, 2, 3, 4, 5), (0, 1, 4, 5), (0, 4, 5)):
                    if not respect and subset != (0, 4, 5): continue
                    by_class = 2 not in subset
                    m = metric(iou_threshold=threshold, class_metrics=by_class, respect_labels=respect)
                    for i in subset: m.update([images[i]["found"]], [images[i]["there"]])
                    value = m.compute()
                    result["means"].append({"kind": name, "threshold": -9 if threshold is None else threshold, "respect": respect, "images": subset, "value": value[name],
                                            "per_class": [value.get(f"{name}/cl_{c}", torch.tensor(0.0)) for c in range(3)] if by_class else []})
    return result


def panoptic():
    rng = np.random.default_rng(3)
    cases = []
    for case, (height, width, batch) in enumerate(((6, 7, 2), (12, 10, 3), (9, 1, 1))):
        things, stuffs = [4, 1], [3, 2]
        target = np.zeros((batch, height, width, 2), np.int64)
        for b in range(batch):
            target[b, ..., 0] = rng.choice([2, 3, 9], (height, 1)) if case != 2 else 3
            for _ in range(4):
                y, x = rng.integers(0, height), rng.integers(0, width)
                target[b, y:y + rng.integers(1, 5), x:x + rng.integers(1, 5)] = [rng.choice(things), rng.integers(0, 3)]
            target[b, ..., 1] = np.where(target[b, ..., 0] == 2, rng.integers(0, 4, (height, width)), target[b, ..., 1])
        preds = target.copy()
        preds[..., 1] += 10
        noise = rng.random(preds.shape[:-1])
        preds[noise < 0.12] = [1, 5]
        preds[noise > 0.9] = [3, 0]
        preds[(noise > 0.5) & (noise < 0.53)] = [77, 1]
        entry = {"things": things, "stuffs": stuffs, "predictions": preds, "targets": target}
        for name, kind in (("pq", PanopticQuality), ("modified", ModifiedPanopticQuality)):
            m = kind(things, stuffs, allow_unknown_preds_category=True)
            m.update(torch.from_numpy(preds), torch.from_numpy(target))
            entry[name] = [x.double() for x in _panoptic_quality_compute(m.iou_sum, m.true_positives, m.false_positives, m.false_negatives)]
        cases.append(entry)
    return cases


if __name__ == "__main__":
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for name, content in (("coco", coco_cases()), ("overlaps", overlaps()), ("panoptic", panoptic())):
        with open(os.path.join(out, name + ".json"), "w") as file:
            json.dump(clean(content), file, separators=(",", ":"))
            file.write("\n")
