"""`touchline eval detections` against pycocotools: the same numbers on random pictures with ties, crowds and misses."""
import json
import os
import pathlib
import random
import subprocess

import pytest

pycocotools = pytest.importorskip("pycocotools.coco")
from pycocotools.cocoeval import COCOeval  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOUCHLINE = os.environ.get("TOUCHLINE", str(ROOT / "build" / "touchline"))
SIZE = (1280, 720)
NAMES = ["ball", "goalkeeper", "player", "referee"]


def box(rng):
    w, h = rng.uniform(5, 60), rng.uniform(5, 120)
    return [rng.uniform(0, SIZE[0] - w), rng.uniform(0, SIZE[1] - h), w, h]


def scene(rng):
    """Labels and predictions of one picture: jittered hits, doubles, wrong classes, false ones, more than 100 of them."""
    labels = [(rng.choice([0, 1, 2, 2, 2, 3]), box(rng)) for _ in range(rng.randrange(0, 30))]
    predictions = []
    for class_id, (x, y, w, h) in labels:
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            j = rng.choice([0.02, 0.1, 0.3])
            jitter = [x + rng.gauss(0, j) * w, y + rng.gauss(0, j) * h, w * (1 + rng.gauss(0, j / 2)), h]
            predictions.append((class_id if rng.random() < 0.9 else rng.randrange(4), jitter, rng.random()))
    predictions += [(rng.randrange(4), box(rng), rng.random() * 0.6) for _ in range(rng.choice([0, 3, 150]))]
    return labels, [(c, b, round(s, 6)) for c, b, s in predictions if b[2] > 1]


def coco_figures(scenes):
    images = [{"id": i + 1, "width": SIZE[0], "height": SIZE[1]} for i in range(len(scenes))]
    labels, predictions = [], []
    for i, (truth, seen) in enumerate(scenes):
        for class_id, b in truth:
            labels.append({"id": len(labels) + 1, "image_id": i + 1, "category_id": class_id + 1, "bbox": b,
                           "area": b[2] * b[3], "iscrowd": 0})
        for class_id, b, score in seen:
            predictions.append({"image_id": i + 1, "category_id": class_id + 1, "bbox": b, "score": score})
    truth = pycocotools.COCO()
    truth.dataset = {"info": {}, "images": images, "annotations": labels,
                     "categories": [{"id": c + 1, "name": n} for c, n in enumerate(NAMES)]}
    truth.createIndex()
    result = COCOeval(truth, truth.loadRes(predictions), "bbox")
    result.evaluate()
    result.accumulate()
    precision = result.eval["precision"][:, :, :, 0, 2]  # [iou, recall, class], all areas, 100 predictions
    return [(precision[0, :, c].mean(), precision[:, :, c].mean()) for c in range(4)]


@pytest.mark.parametrize("seed", range(4))
def test_average_precision(tmp_path, seed):
    rng = random.Random(seed)
    scenes = [scene(rng) for _ in range(40)]
    (tmp_path / "labels").mkdir()
    lines = []
    for i, (truth, seen) in enumerate(scenes):
        text = [f"{c} {(x + w / 2) / SIZE[0]!r} {(y + h / 2) / SIZE[1]!r} {w / SIZE[0]!r} {h / SIZE[1]!r}"
                for c, (x, y, w, h) in truth]
        (tmp_path / "labels" / f"match{i % 3}_{i:03}.txt").write_text("\n".join(text) + "\n")
        lines.append(json.dumps({
            "image": f"match{i % 3}_{i:03}.png", "width": SIZE[0], "height": SIZE[1],
            "objects": [{"class_id": c, "bbox": [x, y, x + w, y + h], "score": s} for c, (x, y, w, h), s in seen],
            "keypoints": [[0, 0, 0]] * 32, "homography": None}))
    (tmp_path / "seen.jsonl").write_text("\n".join(lines) + "\n")
    done = subprocess.run([TOUCHLINE, "eval", "detections", tmp_path / "seen.jsonl", tmp_path / "labels", "--json"],
                          capture_output=True, text=True, check=True)
    ours = json.loads(done.stdout)["rows"][0]
    for name, (ap50, ap) in zip(NAMES, coco_figures(scenes)):
        assert ours[name]["ap50"] == pytest.approx(ap50, abs=1e-6)
        assert ours[name]["ap50_95"] == pytest.approx(ap, abs=1e-6)


def test_points_and_homography(tmp_path):
    """Points one per cent of the width off, and a homography that is exact: both errors are known."""
    (tmp_path / "labels").mkdir()
    # picture px = 10 * metres: the homography is a scaling
    points = {0: (0, 0), 5: (0, 68), 13: (52.5, 0), 16: (52.5, 68), 8: (11, 34)}
    label, seen = ["0 0.5 0.5 1 1"], []
    for i in range(32):
        x, y = points.get(i, (0, 0))
        label.append(f"{x * 10 / 1280} {y * 10 / 720} {2 if i in points else 0}")
        seen.append([x * 10 + 12.8, y * 10, 0.9] if i in points and i != 8 else [0, 0, 0])
    (tmp_path / "labels" / "m_1.txt").write_text(" ".join(label) + "\n")
    (tmp_path / "seen.jsonl").write_text(json.dumps({
        "image": "m_1.jpg", "width": 1280, "height": 720, "objects": [], "keypoints": seen,
        "homography": [0.1, 0, 0, 0, 0.1, 0, 0, 0, 1]}) + "\n")
    done = subprocess.run([TOUCHLINE, "eval", "detections", tmp_path / "seen.jsonl", tmp_path / "labels", "--json"],
                          capture_output=True, text=True, check=True)
    pitch = json.loads(done.stdout)["rows"][0]["pitch"]
    assert (pitch["pictures"], pitch["with_homography"], pitch["points"], pitch["found"]) == (1, 1, 5, 4)
    assert pitch["median_share"] == pytest.approx(0.01, abs=1e-6)
    assert pitch["median_m"] == pytest.approx(0, abs=1e-4)
