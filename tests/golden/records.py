"""Shared by the golden tests: running the command, reading its JSON Lines, and what must hold for every record."""
import json
import math
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOUCHLINE = os.environ.get("TOUCHLINE", str(ROOT / "build" / "touchline"))
CLIPS = ROOT.parent / "shared" / "data" / "clips"


def run(*args, **kwargs):
    done = subprocess.run([TOUCHLINE, *map(str, args)], capture_output=True, text=True, timeout=900, **kwargs)
    assert done.returncode == 0, done.stderr
    return done


def read(path):
    """Head line and records of a JSON Lines file."""
    with open(path) as lines:
        head, *records = [json.loads(line) for line in lines]
    return head, records


def check(head, records):
    """What holds for every clip, whatever it shows."""
    width, height = head["width"], head["height"]
    assert [r["frame"] for r in records] == list(range(len(records)))
    assert all(a["time"] < b["time"] for a, b in zip(records, records[1:]))
    for r in records:
        ids = [o["id"] for o in r["objects"]]
        assert len(set(ids)) == len(ids) and ids == sorted(ids)
        assert len(r["keypoints"]) == 32
        for x, y, confidence in r["keypoints"]:
            assert 0 <= x <= width and 0 <= y <= height and 0 <= confidence <= 1
            assert confidence > 0 or (x, y) == (0, 0)
        for o in r["objects"]:
            x1, y1, x2, y2 = o["bbox"]
            assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
            assert 0 <= o["score"] <= 1 and o["class_id"] in range(4)
        if r["homography"] is None:
            assert all(p == [0, 0, 0] for p in r["keypoints"])
            assert all(o["pitch"] is None for o in r["objects"])
        else:
            assert len(r["homography"]) == 9 and all(map(math.isfinite, r["homography"]))
        if "camera" in r:
            check_camera(r, width, height)


PLACES = {0: (0, 0), 5: (0, 68), 13: (52.5, 0), 14: (52.5, 24.85), 15: (52.5, 43.15), 16: (52.5, 68), 24: (105, 0),
          29: (105, 68), 30: (43.35, 34), 31: (61.65, 34)}


def straighten(lens, x, y, width, height):
    """docs/coordinates.md: r picture widths from the middle -> r / (1 + lens r^2)."""
    dx, dy = x - width / 2, y - height / 2
    below = 1 + lens * (dx * dx + dy * dy) / width**2
    return width / 2 + dx / below, height / 2 + dy / below


def check_camera(r, width, height):
    """The points that are answered lie where the camera with its lens shows them."""
    camera = r["camera"]
    assert r["homography"] is not None and camera["lens"] != 0 and len(camera["straight"]) == 9
    for i, place in PLACES.items():
        x, y, confidence = r["keypoints"][i]
        if confidence > 0:
            seen = apply(camera["straight"], *straighten(camera["lens"], x, y, width, height))
            assert math.dist(seen, place) < 0.3


def apply(h, x, y):
    w = h[6] * x + h[7] * y + h[8]
    return (h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    area = lambda c: (c[2] - c[0]) * (c[3] - c[1])
    return w * h / (area(a) + area(b) - w * h)
