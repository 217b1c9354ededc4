"""Decoding of the heads and the figures of the cards: AP50 by class (pycocotools) and point / homography errors.

    python evaluate.py players|pitch MODEL --data ROOT [--extra ROOT] [--by-match] [--json OUT]
MODEL is a checkpoint (.pt, f32) or an exported .onnx (run in OpenVINO). Only validation matches are used.
"""
import argparse
import contextlib
import io
import json
import os

import cv2
import numpy as np
import torch

import data as D
from net import GRAPHS, Net, PLAYER_NAMES, fold


def peaks(heat, least):
    """3x3 local maxima of probabilities [C,h,w] above `least`: arrays c, y, x, score."""
    top = np.stack([cv2.dilate(p, np.ones((3, 3), np.uint8)) for p in heat])
    c, y, x = np.nonzero((heat >= top) & (heat > least))
    return c, y, x, heat[c, y, x]


def iou(a, b):
    """[n,4] x [m,4] -> [n,m]."""
    lo, hi = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    i = np.prod(np.clip(hi - lo, 0, None), 2)
    area = lambda t: np.prod(t[:, 2:] - t[:, :2], 1)
    return i / np.maximum(area(a)[:, None] + area(b)[None] - i, 1e-9)


def decode_players(heat, box, ball_box=None, least=0.05, nms=0.65, per_class=False):
    """heat [4,h,w] logits, box [4,h,w], the same for balls -> [n,6] class, score, x1..y2 in network pixels, best first.

    NMS among all people, and among balls, as a user gets them; or within each class, as average precision is defined."""
    c, y, x, s = peaks(1 / (1 + np.exp(-heat)), least)
    lw, lh, dx, dy = np.where(c == D.BALL, (box if ball_box is None else ball_box)[:, y, x], box[:, y, x])
    w, h, cx, cy = np.exp(lw), np.exp(lh), (x + 0.5 + dx) * 4, (y + 0.5 + dy) * 4
    d = np.stack([c, s, cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1)
    d = d[np.argsort(-d[:, 1], kind="stable")]
    keep = []
    over = iou(d[:, 2:], d[:, 2:])
    for i in range(len(d)):
        if all(over[i, j] < nms or (d[i, 0] != d[j, 0] if per_class else (d[i, 0] == 0) != (d[j, 0] == 0)) for j in keep):
            keep.append(i)
    return d[keep]


def decode_points(heat, offset, stride=8):
    """heat [32,h,w] logits, offset [2,h,w] -> [32,3] x, y (network pixels), score: the best cell of each map."""
    out = np.zeros((32, 3))
    w = heat.shape[2]
    for k in range(32):
        i = int(heat[k].argmax())
        y, x = divmod(i, w)
        out[k] = (x + 0.5 + offset[0, y, x]) * stride, (y + 0.5 + offset[1, y, x]) * stride, 1 / (1 + np.exp(-heat[k, y, x]))
    return out


def ap50(dets, truths, cls):
    """Quick all-point AP50 of one class. dets/truths: per picture [n,6] / [m,5]."""
    rows, npos = [], 0
    for i, (d, t) in enumerate(zip(dets, truths)):
        t = t[t[:, 0] == cls][:, 1:]
        npos += len(t)
        used = np.zeros(len(t), bool)
        for r in d[d[:, 0] == cls]:
            hit = False
            if len(t):
                o = iou(r[None, 2:], t)[0] * ~used
                j = int(o.argmax())
                if o[j] >= 0.5:
                    used[j] = hit = True
            rows.append((r[1], hit))
    if not rows or not npos:
        return 0.0, npos, np.zeros((0, 3))
    rows.sort(key=lambda r: -r[0])
    hits = np.array([r[1] for r in rows], float)
    tp = hits.cumsum()
    rec, prec = tp / npos, tp / np.arange(1, len(tp) + 1)
    env = np.maximum.accumulate(prec[::-1])[::-1]
    ap = np.mean([env[np.searchsorted(rec, r)] if r <= rec[-1] else 0 for r in np.linspace(0, 1, 101)])
    return float(ap), npos, np.stack([np.array([r[0] for r in rows]), prec, rec], 1)


def best_threshold(curve):
    """Middle of the scores at which F1 on a (score, precision, recall) curve is within .02 of its best: the best itself jumps with every ball."""
    if not len(curve):
        return 0.5
    f1 = 2 * curve[:, 1] * curve[:, 2] / np.maximum(curve[:, 1] + curve[:, 2], 1e-9)
    good = curve[f1 >= f1.max() - 0.02, 0]
    return float((good.min() + good.max()) / 2)


def coco_ap50(dets, truths, size=(1920, 1080)):
    """The same with pycocotools, {class: AP50}."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    with contextlib.redirect_stdout(io.StringIO()):
        anns, res = [], []
        for i, (d, t) in enumerate(zip(dets, truths)):
            for r in t:
                w, h = r[3] - r[1], r[4] - r[2]
                anns.append(dict(id=len(anns) + 1, image_id=i, category_id=int(r[0]), bbox=[r[1], r[2], w, h], area=w * h, iscrowd=0))
            for r in d:
                res.append(dict(image_id=i, category_id=int(r[0]), score=float(r[1]), bbox=[r[2], r[3], r[4] - r[2], r[5] - r[3]]))
        if not res:
            return {c: 0.0 for c in range(4)}
        gt = COCO()
        gt.dataset = dict(images=[dict(id=i, width=size[0], height=size[1]) for i in range(len(dets))], annotations=anns, categories=[dict(id=c) for c in range(4)], info={})
        gt.createIndex()
        ev = COCOeval(gt, gt.loadRes(res), "bbox")
        ev.evaluate(), ev.accumulate()
    p = ev.eval["precision"][0, :, :, 0, 2]
    return {c: float(p[:, c][p[:, c] > -1].mean()) if (p[:, c] > -1).any() else float("nan") for c in range(4)}


def pitch_figures(points, truth, least, width=1920):
    """One picture: (point distances in px of points found, share of labelled points found, grass errors in metres or None)."""
    world = D.pitch_points()
    vis = truth[:, 2] > 0
    got = points[:, 2] > least
    both = vis & got
    dist = np.hypot(*(points[both, :2] - truth[both, :2]).T)
    if got.sum() < 4:
        return dist, both.sum(), vis.sum(), None
    hm, _ = cv2.findHomography(world[got], points[got, :2], cv2.RANSAC, 0.008 * width)
    if hm is None or abs(np.linalg.det(hm)) < 1e-12:
        return dist, both.sum(), vis.sum(), None
    q = np.c_[truth[vis, :2], np.ones(vis.sum())] @ np.linalg.inv(hm).T
    return dist, both.sum(), vis.sum(), np.hypot(*(q[:, :2] / q[:, 2:] - world[vis]).T)


class Runner:
    """Runs a checkpoint, an f32 Net or an ONNX file on packed u8 input; returns {name: array without batch}."""

    def __init__(self, model, kind):
        self.ov = None
        if isinstance(model, str) and model.endswith(".onnx"):
            import openvino as ov
            core = ov.Core()
            self.ov = core.compile_model(core.read_model(model), "CPU", {"INFERENCE_NUM_THREADS": 1})
        elif isinstance(model, str):
            self.net = Net(GRAPHS[kind]())
            self.net.load_state_dict(torch.load(model, map_location="cpu", weights_only=True)["ema"])
            self.net = fold(self.net)
        else:
            self.net = model.eval()

    def __call__(self, x):
        if self.ov is not None:
            r = self.ov({"input": x[None]})
            return {o.get_any_name(): r[o][0] for o in self.ov.outputs}
        with torch.no_grad():
            device = next(self.net.parameters()).device
            return {k: v[0].cpu().numpy() for k, v in self.net(torch.from_numpy(x[None]).to(device)).items()}


def run_players(model, frames, width=640, height=384, matrix=("709", False)):
    """Detections as shown, detections class by class, and truths of every frame in cached pixels."""
    run, shown, by_class = Runner(model, "players"), [], []
    for im in frames.maps:
        x, s = D.letterbox(np.asarray(im), width, height, matrix)
        heads = run(x)
        for dets, per_class in ((shown, False), (by_class, True)):
            d = decode_players(**heads, per_class=per_class)
            d[:, 2:] = np.clip(d[:, 2:] / s, 0, [D.SRC_W, D.SRC_H] * 2)
            dets.append(d)
    return shown, by_class, frames.labels


def run_pitch(model, frames, width=480, height=288, matrix=("709", False)):
    run, res = Runner(model, "pitch"), []
    for im in frames.maps:
        x, s = D.letterbox(np.asarray(im), width, height, matrix)
        p = decode_points(**run(x))
        p[:, :2] /= s
        res.append(p)
    return res


def pitch_summary(points, truths, least):
    out = [pitch_figures(p, t, least) for p, t in zip(points, truths)]
    dist = np.concatenate([o[0] for o in out]) if out else np.zeros(0)
    grass = [o[3] for o in out if o[3] is not None]
    g = np.concatenate(grass) if grass else np.array([np.nan])
    false = sum(int(((p[:, 2] > least) & (t[:, 2] == 0)).sum()) for p, t in zip(points, truths))
    return dict(frames=len(out), with_homography=len(grass), points=int(sum(o[2] for o in out)), found=round(float(sum(o[1] for o in out) / max(1, sum(o[2] for o in out))), 4),
                false_points=false, median_px_share=round(float(np.median(dist)) / 19.2, 3) if len(dist) else None, p95_px_share=round(float(np.percentile(dist, 95)) / 19.2, 3) if len(dist) else None,
                grass_median_m=round(float(np.median(g)), 3), grass_p95_m=round(float(np.percentile(g, 95)), 3))


def subsets(frames):
    """{name: indices}: the real validation frames together, then each match, then the rendered ones."""
    names = [D.match_of(p) for p in frames.paths]
    s = {"real": [i for i, n in enumerate(names) if not n.startswith("synth")]}
    for m in sorted(set(names)):
        if not m.startswith("synth"):
            s[m] = [i for i, n in enumerate(names) if n == m]
    synth = [i for i, n in enumerate(names) if n.startswith("synth")]
    return {**s, "rendered": synth} if synth else s


def quick(kind, model, frames):
    """Figures for the training log."""
    out = {}
    if kind == "players":
        shown, by_class, truths = run_players(model, frames)
        for name, idx in subsets(frames).items():
            if name in ("real", "rendered"):
                curves = [[ap50([dets[i] for i in idx], [truths[i] for i in idx], c) for c in range(4)] for dets in (shown, by_class)]
                out[name] = {PLAYER_NAMES[c]: round(curves[1][c][0], 4) for c in range(4)}
                out[name]["thresholds"] = [round(best_threshold(curves[0][c][2]), 3) for c in range(4)]
    else:
        pts = run_pitch(model, frames)
        for name, idx in subsets(frames).items():
            if name in ("real", "rendered"):
                out[name] = pitch_summary([pts[i] for i in idx], [frames.labels[i] for i in idx], 0.3)
    return out


def shipped_thresholds(figures):
    """Of each class the mean of the best ones of each validation match and of the rendered ones, as export.py takes them: the best one of
    all pictures together may hang on a single goalkeeper."""
    groups = [figures[name] for name in figures if name != "real"]
    return ",".join("%.2f" % (sum(g[c]["threshold"] for g in groups) / len(groups)) for c in PLAYER_NAMES)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("kind", choices=GRAPHS)
    ap.add_argument("model")
    ap.add_argument("--data", required=True)
    ap.add_argument("--extra", nargs="*", default=[])
    ap.add_argument("--work", required=True, help="folder with the picture cache")
    ap.add_argument("--width", type=int)
    ap.add_argument("--height", type=int)
    ap.add_argument("--full-range-601", action="store_true", help="feed pictures as a JPEG decoder gives them")
    ap.add_argument("--least", type=float, default=0.3, help="pitch: score threshold")
    ap.add_argument("--json")
    ap.add_argument("--thresholds", metavar="FILE", help="players: also write the thresholds to export with")
    a = ap.parse_args()
    torch.set_num_threads(1)
    frames = D.Frames([a.data] + a.extra, a.kind, os.path.join(a.work, "cache"), val=True)
    meta = GRAPHS[a.kind]().meta
    size = (a.width or meta["width"], a.height or meta["height"])
    matrix = ("601", True) if a.full_range_601 else ("709", False)
    out = {}
    if a.kind == "players":
        shown, by_class, truths = run_players(a.model, frames, *size, matrix)
        for name, idx in subsets(frames).items():
            d, t = [shown[i] for i in idx], [truths[i] for i in idx]
            coco = coco_ap50([by_class[i] for i in idx], t)
            out[name] = {"frames": len(idx)}
            for c, n in enumerate(PLAYER_NAMES):
                ap_, count, curve = ap50(d, t, c)
                thr = best_threshold(curve)
                k = np.searchsorted(-curve[:, 0], -thr, side="right") - 1 if len(curve) else 0
                out[name][n] = dict(ap50=round(coco[c], 4), instances=int(count), threshold=round(thr, 3), precision=round(float(curve[k, 1]), 3) if len(curve) else 0, recall=round(float(curve[k, 2]), 3) if len(curve) else 0)
    else:
        pts = run_pitch(a.model, frames, *size, matrix)
        for name, idx in subsets(frames).items():
            out[name] = pitch_summary([pts[i] for i in idx], [frames.labels[i] for i in idx], a.least)
    text = json.dumps(out, indent=1)
    print(text)
    if a.json:
        open(a.json, "w").write(text + "\n")
    if a.thresholds and a.kind == "players":
        open(a.thresholds, "w").write(shipped_thresholds(out) + "\n")


if __name__ == "__main__":
    main()
