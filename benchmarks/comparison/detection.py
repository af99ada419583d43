# COCO's mean average precision of generated boxes by torchmetrics' pure PyTorch evaluation or by pycocotools; prints seconds and scores as one line of JSON.
#   detection.py FILE torchmetrics|pycocotools IMAGES
# FILE is what the page "detection" writes: float64 little-endian; the number of images, found and true boxes of each image, then rows
# left top right bottom score label, and rows left top right bottom label. Both tools are run from their public source (PYTHONPATH).
import contextlib, io, json, sys, time, types

import numpy as np

path, tool, images = sys.argv[1], sys.argv[2], int(sys.argv[3])
raw = np.fromfile(path)
total = int(raw[0])
counts = raw[1:1 + 2 * total].reshape(total, 2).astype(int)
body = raw[1 + 2 * total:]
n = counts[:, 0].sum()
found, there = np.split(body[:6 * n].reshape(-1, 6), np.cumsum(counts[:, 0])[:-1]), np.split(body[6 * n:].reshape(-1, 5), np.cumsum(counts[:, 1])[:-1])
found, there = found[:images], there[:images]


def torchmetrics():
    import torch
    import torchmetrics  # before the stand-ins, which it would take for a whole torchvision
    from torchmetrics.detection._mean_ap import MeanAveragePrecision

    area = lambda b: (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])

    def iou(a, b):
        inner = (torch.min(a[:, None, 2:], b[None, :, 2:]) - torch.max(a[:, None, :2], b[None, :, :2])).clamp(min=0).prod(-1)
        return inner / (area(a)[:, None] + area(b)[None] - inner)

    vision, ops, coco, mask = (types.ModuleType(name) for name in ("torchvision", "torchvision.ops", "pycocotools", "pycocotools.mask"))
    ops.box_area, ops.box_iou, ops.box_convert = area, iou, lambda boxes, in_fmt, out_fmt: boxes
    vision.ops, coco.mask = ops, mask
    sys.modules.update({"torchvision": vision, "torchvision.ops": ops})
    sys.modules.setdefault("pycocotools", coco)
    sys.modules.setdefault("pycocotools.mask", mask)
    # It counts in float32, where recalls that equal a threshold fall to either side of it.
    torch.set_default_dtype(torch.float64)
    torch.float = torch.float64
    module = sys.modules["torchmetrics.detection._mean_ap"]
    module._TORCHVISION_AVAILABLE = True
    predictions = [{"boxes": torch.from_numpy(f[:, :4].copy()), "scores": torch.from_numpy(f[:, 4].copy()), "labels": torch.from_numpy(f[:, 5].astype(np.int64))} for f in found]
    targets = [{"boxes": torch.from_numpy(t[:, :4].copy()), "labels": torch.from_numpy(t[:, 4].astype(np.int64))} for t in there]
    start = time.perf_counter()
    metric = MeanAveragePrecision(iou_thresholds=np.linspace(0.5, 0.95, 10).tolist(), rec_thresholds=np.linspace(0, 1, 101).tolist())
    metric.update(predictions, targets)
    result = metric.compute()
    return time.perf_counter() - start, {k: float(v) for k, v in result.items() if v.numel() == 1}


def pycocotools():
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    box = lambda r: [r[0], r[1], r[2] - r[0], r[3] - r[1]]
    annotations = [{"image_id": i, "category_id": int(r[4]), "bbox": box(r), "iscrowd": 0, "area": (r[2] - r[0]) * (r[3] - r[1])} for i, t in enumerate(there) for r in t.tolist()]
    for at, a in enumerate(annotations): a["id"] = at + 1
    results = [{"image_id": i, "category_id": int(r[5]), "bbox": box(r), "score": r[4]} for i, f in enumerate(found) for r in f.tolist()]
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"images": [{"id": i} for i in range(len(found))], "annotations": annotations, "categories": [{"id": c} for c in range(80)]}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    names = ["map", "map_50", "map_75", "map_small", "map_medium", "map_large", "mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large"]
    return time.perf_counter() - start, dict(zip(names, evaluation.stats.tolist()))


seconds, scores = {"torchmetrics": torchmetrics, "pycocotools": pycocotools}[tool]()
print(json.dumps({"seconds": seconds, "scores": scores}))
