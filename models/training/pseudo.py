"""Labels of people and balls for the pictures of pitch/ that players/ lacks, from a network that `touchline detect` runs at its larger size.

    python pseudo.py TOUCHLINE MODEL.onnx --data ROOT --out DIR
DIR becomes a further root for train.py (--extra): players/images (links) and players/labels, marked by the file `pseudo`. What the network is
sure of becomes a label; what it is not sure of becomes a row of class 4, where the training asks for nothing (data.py). The labelled pitch
points tell who stands off the pitch: nobody there is labelled. Pictures of the validation matches are left out.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess

import cv2
import numpy as np

import data as D

SURE = {"ball": 0.6, "goalkeeper": 0.6, "player": 0.55, "referee": 0.55}  # well above the best F1 of the network that made the shipped one's
PERHAPS = 0.2
OUTSIDE = (1.5, 3.0)  # metres beyond the lines: from here on only linesmen are sure, from there on nobody belongs


def metres_outside(points, feet):
    """How far each of feet [n,2] (pixels) is off the pitch, infinite above the horizon; zeros when points [32,3] do not give a homography."""
    seen = points[:, 2] > 0
    h = cv2.findHomography(points[seen, :2], D.pitch_points()[seen])[0] if seen.sum() >= 6 else None
    if h is None or not len(feet):
        return np.zeros(len(feet))
    p = np.c_[feet, np.ones(len(feet))] @ h.T
    ground = np.median((np.c_[points[seen, :2], np.ones(seen.sum())] @ h.T)[:, 2])
    above = p[:, 2] * ground <= 0
    p = p[:, :2] / np.where(above, 1, p[:, 2])[:, None]
    return np.where(above, np.inf, np.maximum(np.maximum(-p, p - [105, 68]), 0).max(1))


def rows_of(objects, points, width, height):
    """Rows of a label file: class, centre and size as shares of the picture."""
    boxes = np.array([o["bbox"] for o in objects]).reshape(-1, 4) * ([D.SRC_W / width, D.SRC_H / height] * 2) if objects else np.zeros((0, 4))
    out = metres_outside(points, np.c_[(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
    best_ball = max((o["score"] for o in objects if o["class"] == "ball"), default=0)
    rows = []
    for o, (x1, y1, x2, y2), far in zip(objects, boxes, out):
        person = o["class"] != "ball"
        if person and far > OUTSIDE[1]:
            continue
        sure = o["score"] >= SURE[o["class"]] and (o["class"] == "referee" or far <= OUTSIDE[0] if person else o["score"] == best_ball)
        c = o["class_id"] if sure else D.UNSURE
        rows.append((c, (x1 + x2) / 2 / D.SRC_W, (y1 + y2) / 2 / D.SRC_H, (x2 - x1) / D.SRC_W, (y2 - y1) / D.SRC_H))
    return rows


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("touchline")
    ap.add_argument("model")
    ap.add_argument("--data", required=True)
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    if os.path.isdir(a.out) and os.listdir(a.out) and not os.path.exists(os.path.join(a.out, "pseudo")):
        raise SystemExit(f"pseudo.py: {a.out} holds something else")
    shutil.rmtree(a.out, ignore_errors=True)
    images, labels = (os.path.join(a.out, "players", d) for d in ("images", "labels"))
    os.makedirs(images), os.makedirs(labels), open(os.path.join(a.out, "pseudo"), "w").close()
    stem = lambda p: os.path.splitext(os.path.basename(p))[0]
    have = {stem(p) for p in glob.glob(os.path.join(a.data, "players", "images", "*"))}
    for p in sorted(glob.glob(os.path.join(a.data, "pitch", "images", "*"))):
        if stem(p) not in have and D.match_of(p) not in D.VAL_MATCHES:
            os.symlink(os.path.abspath(p), os.path.join(images, os.path.basename(p)))
    found = os.path.join(a.out, "detections.jsonl")
    subprocess.run([a.touchline, "detect", images, "-o", found, "-y", "-q", "--skip-pitch", "--quality", "high", "--conf-threshold", str(PERHAPS),
                    "--player-model", a.model], check=True)
    count = np.zeros(5, int)
    for r in map(json.loads, open(found)):
        s = stem(r["image"])
        rows = rows_of(r["objects"], D.read_points(os.path.join(a.data, "pitch", "labels", s + ".txt")), r["width"], r["height"])
        with open(os.path.join(labels, s + ".txt"), "w") as f:
            f.writelines(f"{c} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for c, x, y, w, h in rows)
        count += np.bincount([c for c, *_ in rows], minlength=5)
    for image in os.listdir(images):
        if not os.path.exists(os.path.join(labels, stem(image) + ".txt")):
            os.remove(os.path.join(images, image))  # could not be read: nobody is known to be in it
    print(json.dumps(dict(pictures=len(os.listdir(images)), **dict(zip(["ball", "goalkeeper", "player", "referee", "unsure"], count.tolist())))))


if __name__ == "__main__":
    main()
