"""Rendered training frames: python synth.py TOUCHLINE OUT [--clips 48] [--frames 10] [--seed 1].

Runs `touchline synth` with different seeds, cameras, sizes and crowds and writes frames with their exact truth in the form of
the data folder (OUT/players, OUT/pitch); views from behind a goal in which somebody is smaller than SMALL only for the points. Clips of
seeds >= 900 are named synthval… and never trained on.
"""
import argparse
import json
import os
import subprocess
import tempfile

import cv2
import numpy as np

SIZES = ["1280x720", "1920x1080", "1280x720", "1920x1080", "640x360", "854x480"]
CAMERAS = ["pan", "pan", "static", "cut"]
SMALL = 0.02  # of the picture's height


def write_frame(out, stem, im, rec):
    h, w = im.shape[:2]
    people, points, smallest = [], ["0 0.5 0.5 1 1"], 1.0
    for o in rec["objects"]:
        x1, y1, x2, y2 = np.clip(np.array(o["bbox"], float) / [w, h, w, h], 0, 1)
        if x2 - x1 > 0.0005 and y2 - y1 > 0.0005:
            smallest = smallest if o["class_id"] == 0 else min(smallest, y2 - y1)
            people.append(f"{o['class_id']} {(x1 + x2) / 2:.6f} {(y1 + y2) / 2:.6f} {x2 - x1:.6f} {y2 - y1:.6f}")
    for x, y, c in rec["keypoints"]:
        inside = c > 0 and 0 < x < w and 0 < y < h
        points.append(f"{x / w:.6f} {y / h:.6f} 2" if inside else "0 0 0")
    for kind, lines in (("players", people), ("pitch", [" ".join(points)])):
        if kind == "players" and "behind" in stem and smallest < SMALL:
            continue
        cv2.imwrite(os.path.join(out, kind, "images", stem + ".jpg"), im, [cv2.IMWRITE_JPEG_QUALITY, 93])
        with open(os.path.join(out, kind, "labels", stem + ".txt"), "w") as f:
            f.write("\n".join(lines) + "\n")


def render(a, name, seed, size, camera, frames, *options):
    with tempfile.TemporaryDirectory() as tmp:
        clip, truth = os.path.join(tmp, "clip.mp4"), os.path.join(tmp, "truth.jsonl")
        cmd = [a.touchline, "synth", "-o", clip, "--truth", truth, "--seconds", "8", "--fps", "5" if frames > 3 else "1", "--size", str(size), "--seed", str(seed), "--camera", str(camera), "-y", *options]
        subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL)
        recs = {r["frame"]: r for r in map(json.loads, open(truth)) if "frame" in r}
        take = set(np.linspace(0, len(recs) - 1, frames).round().astype(int).tolist())
        cap, i = cv2.VideoCapture(clip), 0
        while True:
            ok, im = cap.read()
            if not ok:
                break
            if i in take and i in recs:
                write_frame(a.out, f"{name}_{i:04d}", im, recs[i])
            i += 1
    print(name, " ".join(cmd[5:]), flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("touchline")
    ap.add_argument("out")
    ap.add_argument("--clips", type=int, default=48)
    ap.add_argument("--val-clips", type=int, default=6)
    ap.add_argument("--behind", type=int, default=72, help="clips from behind a goal; every ninth is for validation")
    ap.add_argument("--frames", type=int, default=10)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    for kind in ("players", "pitch"):
        for d in ("images", "labels"):
            os.makedirs(os.path.join(a.out, kind, d), exist_ok=True)
    for k in range(a.clips + a.val_clips):
        val = k >= a.clips
        seed = 900 + k - a.clips if val else a.seed + k
        rng = np.random.default_rng(seed)
        name, size, camera = f"synthval{seed}" if val else f"synth{seed}", rng.choice(SIZES), rng.choice(CAMERAS)
        crowd = ["--players", str(int(rng.integers(14, 24)))] if rng.random() < 0.3 else []
        render(a, name, seed, size, camera, a.frames, *crowd)
    for k in range(a.behind):  # the camera stands still: a few frames of many
        val = k % 9 == 8
        seed = 950 + k if val else a.seed + 500 + k
        render(a, f"synth{'val' if val else ''}behind{seed}", seed, np.random.default_rng(seed).choice(SIZES), "behind", 3)


if __name__ == "__main__":
    main()
