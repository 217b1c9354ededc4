"""Frames, labels, augmentation and targets.

A data root holds players/{images,labels} and pitch/{images,labels} (YOLO text, see the card of each model); rendered
frames (synth.py) and pictures that a network labelled (pseudo.py) come as further roots in the same form. Pictures are
decoded once into a cache of BGR u8 [1080,1920,3] files, so that training is bound by the network. Everything geometric is
one warp from the cached picture to the network's size; everything about colour is linear in YUV and applied there.
"""
import glob
import os

import cv2
import numpy as np

cv2.setNumThreads(1)
VAL_MATCHES = ("744b27", "798b45")
WRONG_LABELS = {"pitch": ("42ba34_9_2",), "players": ()}  # its points are named as if seen from the other side
SRC_W, SRC_H = 1920, 1080
BALL, KEEPER, PLAYER, REFEREE, UNSURE = range(5)  # unsure: somebody may be there, training asks for nothing (pseudo.py)


def pitch_points(length=105.0, width=68.0):
    """The 32 points in metres by the laws of the game; 10, 11, 18, 19 are where the penalty arc meets the area's line."""
    arc = np.sqrt(9.15 ** 2 - 5.5 ** 2)
    m = width / 2
    left = [(0, 0), (0, m - 20.16), (0, m - 9.16), (0, m + 9.16), (0, m + 20.16), (0, width), (5.5, m - 9.16), (5.5, m + 9.16), (11, m),
            (16.5, m - 20.16), (16.5, m - arc), (16.5, m + arc), (16.5, m + 20.16)]
    half = length / 2
    p = left + [(half, 0), (half, m - 9.15), (half, m + 9.15), (half, width)]
    p += [(length - x, y) for x, y in left[9:13]] + [(length - x, y) for x, y in [left[8], left[6], left[7]] + left[0:6]]
    return np.array(p + [(half - 9.15, m), (half + 9.15, m)])


def _numbers_after(change):
    """Number of the point that lies where each point comes to lie."""
    p = pitch_points()
    return [int(np.argmin(np.hypot(*(p - q).T))) for q in change(p)]


MIRROR = _numbers_after(lambda p: [105, 0] + p * [-1, 1])  # the goals change places
ACROSS = _numbers_after(lambda p: [0, 68] + p * [1, -1])   # the touch lines do
TURNED = _numbers_after(lambda p: [105, 68] - p)


def looks_along(points):
    """1 when the camera looks along the pitch at the right goal, -1 at the left one, 0 when it looks across or nobody knows.

    points [32,3]. A pitch looks the same from behind both goals, so all such views are named as if from behind the left one."""
    seen = points[:, 2] > 0
    h = cv2.findHomography(points[seen, :2], pitch_points()[seen])[0] if seen.sum() > 4 else None
    if h is None:
        return 0
    middle = points[seen, :2].mean(0)
    (x0, y0), (x1, y1) = cv2.perspectiveTransform(np.array([[middle + [0, 15], middle - [0, 15]]], np.float64), h)[0]
    along = (x1 - x0) / max(np.hypot(x1 - x0, y1 - y0), 1e-9)
    return int(np.sign(along)) if abs(along) > np.cos(np.radians(20)) else 0


# BGR -> YUV 3x4 matrices by (standard, full range).
def _yuv_matrix(kr, kb, full):
    kg = 1 - kr - kb
    y = np.array([kb, kg, kr])
    u = (np.array([1.0, 0, 0]) - y) / (2 * (1 - kb))
    v = (np.array([0, 0, 1.0]) - y) / (2 * (1 - kr))
    ys, cs, y0 = (1.0, 1.0, 0.0) if full else (219 / 255, 224 / 255, 16.0)
    return np.vstack([np.r_[y * ys, y0], np.r_[u * cs, 128], np.r_[v * cs, 128]])


YUV = {(s, f): _yuv_matrix(*k, f) for s, k in (("709", (0.2126, 0.0722)), ("601", (0.299, 0.114))) for f in (False, True)}


def match_of(path):
    return os.path.basename(path).split("_")[0]


def read_picture(path):
    """BGR u8 [1080,1920,3]; also undoes the 16:9 -> 1:1 stretch of the 1280x1280 pictures."""
    im = cv2.imread(path)
    if im.shape[:2] != (SRC_H, SRC_W):
        im = cv2.resize(im, (SRC_W, SRC_H), interpolation=cv2.INTER_AREA if im.shape[1] > SRC_W else cv2.INTER_LINEAR)
    return im


def _rows(path):
    return [list(map(float, l.split())) for l in open(path)] if os.path.exists(path) else []


def read_boxes(path):
    """[n,5] class, x1, y1, x2, y2 in cached pixels."""
    c, x, y, w, h = np.array(_rows(path), np.float64).reshape(-1, 5).T.copy()
    if os.path.basename(path).startswith("synth"):  # truth is the ball itself, people draw boxes 1.7 times as large
        w, h = np.where(c == BALL, 1.7 * w, w), np.where(c == BALL, 1.7 * h, h)
    return np.stack([c, (x - w / 2) * SRC_W, (y - h / 2) * SRC_H, (x + w / 2) * SRC_W, (y + h / 2) * SRC_H], 1)


def read_points(path):
    """[32,3] x, y in cached pixels, visible."""
    rows, a = _rows(path), np.zeros((32, 3))
    if rows:
        a = np.array(rows[0][5:101]).reshape(32, 3).copy()
        a[:, 0] *= SRC_W
        a[:, 1] *= SRC_H
        inside = (a[:, 0] > 0) & (a[:, 0] < SRC_W) & (a[:, 1] > 0) & (a[:, 1] < SRC_H)
        a[:, 2] = (a[:, 2] > 0) & inside
    return a[TURNED] if looks_along(a) < 0 else a


class Frames:
    """Pictures (memory-mapped cache) and labels of one kind ("players" or "pitch") from one or more roots."""

    def __init__(self, roots, kind, cache, val=None):
        os.makedirs(cache, exist_ok=True)
        self.kind, self.paths, self.labels, self.maps, self.unsure, self.pseudo = kind, [], [], [], [], []
        for root in roots:
            pseudo = os.path.exists(os.path.join(root, "pseudo"))  # made by pseudo.py from pictures of pitch/
            for p in sorted(glob.glob(os.path.join(root, kind, "images", "*"))):
                is_val = match_of(p) in VAL_MATCHES or match_of(p).startswith("synthval")
                if val is not None and is_val != val:
                    continue
                stem = os.path.splitext(os.path.basename(p))[0]
                if stem in WRONG_LABELS[kind]:
                    continue
                label = os.path.join(root, kind, "labels", stem + ".txt")
                npy = os.path.join(cache, f"{stem}.npy" if stem.startswith("synth") else f"{'pitch' if pseudo else kind}-{stem}.npy")
                if not os.path.exists(npy):
                    np.save(npy + ".tmp.npy", read_picture(p))
                    os.replace(npy + ".tmp.npy", npy)
                self.paths.append(p)
                self.maps.append(np.load(npy, mmap_mode="r"))
                boxes = read_boxes(label) if kind == "players" else read_points(label)
                unsure = boxes[:, 0] == UNSURE if kind == "players" else np.zeros(32, bool)
                self.labels.append(boxes[~unsure])
                self.unsure.append(boxes[unsure][:, 1:])
                self.pseudo.append(pseudo)

    def __len__(self):
        return len(self.paths)


def pack(yuv):
    """u8 [H,W,3] YUV -> u8 [6,H/2,W/2]: luma space-to-depth, chroma averaged 2x2."""
    y = yuv[:, :, 0]
    uv = cv2.resize(yuv[:, :, 1:], (yuv.shape[1] // 2, yuv.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.stack([y[0::2, 0::2], y[0::2, 1::2], y[1::2, 0::2], y[1::2, 1::2], uv[:, :, 0], uv[:, :, 1]])


def letterbox(bgr, width, height, matrix=("709", False)):
    """What the C program feeds the network for this picture; returns (u8 [6,H/2,W/2], scale)."""
    h, w = bgr.shape[:2]
    s = min(width / w, height / h)
    nw, nh = round(w * s), round(h * s)
    small = cv2.resize(bgr, (nw, nh), interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR)
    out = np.empty((height, width, 3), np.uint8)
    out[:] = (16, 128, 128)
    out[:nh, :nw] = to_yuv(small, YUV[matrix])
    return pack(out), s


def to_yuv(bgr, m):
    return np.clip(cv2.transform(bgr, m.astype(np.float32), None) if bgr.dtype == np.float32 else cv2.transform(bgr.astype(np.float32), m.astype(np.float32)), 0, 255).round().astype(np.uint8)


def colour_matrix(rng):
    """Random BGR -> YUV matrix 3x4: standard and range, contrast, brightness, saturation, hue, white balance."""
    r = rng.random()
    key = ("709", False) if r < 0.5 else ("601", False) if r < 0.68 else ("601", True) if r < 0.92 else ("709", True)
    m = YUV[key].copy()
    gain, mid = np.exp(rng.normal(0, 0.18)), rng.uniform(70, 130)
    sat, hue = np.exp(rng.normal(0, 0.22)), rng.normal(0, 0.14)
    if rng.random() < 0.05:
        hue, sat = rng.normal(0, 0.4), rng.uniform(0.2, 1.3)
    j = np.eye(4)
    j[0, 0], j[0, 3] = gain, mid * (1 - gain) + rng.normal(0, 12)
    c, s = sat * np.cos(hue), sat * np.sin(hue)
    j[1:3, 1:3] = [[c, -s], [s, c]]
    j[1:3, 3] = 128 - j[1:3, 1:3] @ [128, 128] + rng.normal(0, 3, 2)
    return (j @ np.vstack([m, [0, 0, 0, 1]]))[:3]


def motion_blur(im, rng, length):
    a = rng.uniform(0, np.pi)
    n = int(length) | 1
    k = np.zeros((n, n), np.float32)
    cv2.line(k, (round(n / 2 - np.cos(a) * n / 2), round(n / 2 - np.sin(a) * n / 2)), (round(n / 2 + np.cos(a) * n / 2), round(n / 2 + np.sin(a) * n / 2)), 1.0)
    return cv2.filter2D(im, -1, k / max(k.sum(), 1e-6))


def recolour_people(yuv, boxes, balls, rng):
    """New kits: one random map of colour differences to the grass, applied inside the boxes (so teams stay teams)."""
    h, w = yuv.shape[:2]
    ground, mask = np.zeros((h, w, 3), np.float32), np.zeros((h, w), bool)
    for x1, y1, x2, y2 in boxes:
        x1, y1, x2, y2 = max(0, int(x1) - 1), max(0, int(y1) - 1), min(w, int(x2) + 2), min(h, int(y2) + 2)
        if x2 - x1 < 4 or y2 - y1 < 6:
            continue
        b = yuv[y1:y2, x1:x2]
        ground[y1:y2, x1:x2] = np.median(np.concatenate([b[:, 0], b[:, -1]]), 0)
        mask[y1:y2, x1:x2] = True
    for x1, y1, x2, y2 in balls:
        mask[max(0, int(y1) - 1):int(y2) + 2, max(0, int(x1) - 1):int(x2) + 2] = False
    if not mask.any():
        return
    g = ground[mask]
    d = yuv[mask] - g
    a, k = rng.uniform(-np.pi, np.pi), np.exp(rng.uniform(-0.5, 0.7))
    t = d.copy()
    t[:, 0] *= rng.uniform(-1.2, -0.7) if rng.random() < 0.3 else rng.uniform(0.7, 1.3)
    t[:, 1] = k * (np.cos(a) * d[:, 1] - np.sin(a) * d[:, 2])
    t[:, 2] = k * (np.sin(a) * d[:, 1] + np.cos(a) * d[:, 2])
    alpha = np.clip((np.abs(d).sum(1) - 8) / 24, 0, 1)[:, None]
    yuv[mask] = g + d * (1 - alpha) + t * alpha


def graphics(yuv, rng):
    """Score boxes, tickers and logos near the border, in place; returns the rectangles [n,4] they cover."""
    h, w = yuv.shape[:2]
    out = []
    for _ in range(rng.integers(1, 4)):
        gw, gh = int(rng.uniform(0.08, 0.4) * w), max(1, int(rng.uniform(0.04, 0.14) * h))
        x = int(rng.choice([rng.uniform(0, 0.12), rng.uniform(0.3, 0.6), rng.uniform(0.8, 1.0)]) * (w - gw))
        y = int(rng.choice([rng.uniform(0, 0.12), rng.uniform(0.88, 1.0)]) * (h - gh))
        box = np.empty((gh, gw, 3), np.uint8)
        box[:] = rng.uniform([16, 70, 70], [235, 186, 186])
        for _ in range(rng.integers(0, 3)):
            a, b = sorted(rng.integers(0, gw + 1, 2))
            box[:, a:b] = rng.uniform([16, 70, 70], [235, 186, 186])
        text = "".join(rng.choice(list("ABCDEFINRTU 0123456789:-"), rng.integers(3, 12)))
        cv2.putText(box, text, (2, gh - 2), int(rng.integers(0, 4)), gh / 30, [float(v) for v in rng.uniform([16, 100, 100], [235, 156, 156])], 1, cv2.LINE_AA)
        yuv[y:y + gh, x:x + gw] = box
        out.append([x, y, x + gw, y + gh])
    return np.array(out, float)


def render_sample(src, m, w, h, rng, picture_h=None, edit=None):
    """Warp `src` by the 3x3 matrix m (source -> network pixels) into u8 [6,h/2,w/2], with every look a source may have.

    The picture fills rows 0..picture_h; below is letterbox. What the warp leaves uncovered is black.
    """
    zoom = float(np.sqrt(abs(np.linalg.det(m[:2, :2]))))  # network pixels per source pixel
    over = rng.choice([2.0, 2.0, 1.5, 1.0, rng.uniform(0.55, 1.0)])
    over = min(over, max(0.55, 1.0 / zoom))
    iw, ih = max(8, round(w * over)), max(8, round(h * over))
    # pixel centres: x_inter = (x_net + .5) * iw / w - .5
    def centre(sx, sy):
        return np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])
    mm = centre(iw / w, ih / h) @ np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]]) @ m @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    if abs(mm[2, 0]) + abs(mm[2, 1]) < 1e-12:
        im = cv2.warpAffine(src, mm[:2], (iw, ih), flags=cv2.INTER_LINEAR)
    else:
        im = cv2.warpPerspective(src, mm, (iw, ih), flags=cv2.INTER_LINEAR)
    r = rng.random(5)
    if r[0] < 0.12:
        im = motion_blur(im, rng, rng.uniform(2, 7) * max(over, 0.7))
    elif r[0] < 0.28:
        im = cv2.GaussianBlur(im, (0, 0), rng.uniform(0.3, 1.1) * max(over, 0.7))
    elif r[0] < 0.38:  # sharpened, as many encoders and screen recorders do
        im = cv2.addWeighted(im, 1.0 + (a := rng.uniform(0.3, 1.2)), cv2.GaussianBlur(im, (0, 0), 1.2), -a, 0)
    if r[1] < 0.35:
        im = cv2.imdecode(cv2.imencode(".jpg", im, [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(18, 85))])[1], 1)
    if (iw, ih) != (w, h):
        im = cv2.resize(im, (w, h), interpolation=cv2.INTER_AREA if over > 1 else cv2.INTER_LINEAR)
    yuv = cv2.transform(im.astype(np.float32), colour_matrix(rng).astype(np.float32))
    if edit is not None:
        edit(yuv)
    if r[2] < 0.3:
        yuv[:, :, 0] = 255 * np.power(np.clip(yuv[:, :, 0] / 255, 0, 1), np.exp(rng.normal(0, 0.25)))
    if r[3] < 0.3:
        yuv[:, :, 0] += cv2.randn(np.empty((h, w), np.float32), 0, float(rng.uniform(1, 9)))
    if r[4] < 0.08:  # light from one side (stadium shadow): a soft or sharp step in luma
        gx = np.linspace(-1, 1, w)[None] * rng.normal() + np.linspace(-1, 1, h)[:, None] * rng.normal() + rng.normal(0, 0.4)
        yuv[:, :, 0] *= (1 - rng.uniform(0.1, 0.5) / (1 + np.exp(-gx * rng.choice([3, 40])))).astype(np.float32)
    yuv = np.clip(yuv, 0, 255).astype(np.uint8)
    if picture_h is not None and picture_h < h:
        yuv[max(0, picture_h):] = (16, 128, 128)
    return pack(yuv)


# ---------------------------------------------------------------- players

def field_edge(bgr):
    """Far edge of the grass as (slope, y at x = 0, first x, last x) in pixels of the picture, or None when no straight edge is seen."""
    k = 8
    hsv = cv2.cvtColor(cv2.resize(bgr, None, fx=1 / k, fy=1 / k, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2HSV)
    grass = ((hsv[:, :, 0] > 28) & (hsv[:, :, 0] < 92) & (hsv[:, :, 1] > 45) & (hsv[:, :, 2] > 25)).astype(np.float32)
    run = cv2.boxFilter(grass, -1, (3, 7), anchor=(1, 0), borderType=cv2.BORDER_REPLICATE) > 0.8  # grass for 7 rows from here down
    below = np.cumsum(grass[::-1], 0)[::-1] / np.arange(len(grass), 0, -1)[:, None]
    ok = run & (below > 0.7)
    cols = np.flatnonzero(ok.any(0) & ~ok[0])
    if len(cols) < 60:
        return None
    rows, best = ok.argmax(0)[cols], None
    for i, j in ((p, q) for p in range(0, len(cols), 9) for q in range(p + 30, len(cols), 9)):
        slope = (rows[j] - rows[i]) / (cols[j] - cols[i])
        hits = np.abs(rows[i] + slope * (cols - cols[i]) - rows) < 1.2
        if abs(slope) < 0.25 and (best is None or hits.sum() > best.sum()):
            best = hits
    if best is None or best.sum() < 60 or best.mean() < 0.4:
        return None
    slope, y0 = np.polyfit(cols[best], rows[best], 1)
    return float(slope), float(y0 * k), float(cols[best].min() * k), float(cols[best].max() * k)


def kit_groups(bgr, boxes):
    """Who wears the same: per box 0/1 for the two teams (2-means of the players' shirts), 2 referee, 3 + k each goalkeeper, -1 ball."""
    group, shirts, who = np.full(len(boxes), -1), [], []
    for k, (c, x1, y1, x2, y2) in enumerate(boxes):
        if c == REFEREE:
            group[k] = 2
        elif c == KEEPER:
            group[k] = 3 + k
        elif c == PLAYER:
            w, h = x2 - x1, y2 - y1
            t = bgr[max(0, int(y1 + 0.2 * h)):int(y1 + 0.45 * h) + 1, max(0, int(x1 + 0.3 * w)):int(x1 + 0.7 * w) + 1].reshape(-1, 3)
            shirts.append(np.median(t, 0) if len(t) else np.zeros(3))
            who.append(k)
    if len(who) < 2:
        group[who] = 0
        return group
    s = np.array(shirts, np.float32)
    far = np.linalg.norm(s[:, None] - s[None], axis=2)
    centre = s[list(np.unravel_index(far.argmax(), far.shape))]
    for _ in range(8):
        side = np.linalg.norm(s[:, None] - centre[None], axis=2).argmin(1)
        centre = np.stack([s[side == i].mean(0) if (side == i).any() else centre[i] for i in (0, 1)])
    group[who] = side
    return group


def kit_colour(rng):
    """YUV of a random shirt: a third without colour."""
    hue, sat, val = rng.uniform(0, 180), 0 if rng.random() < 0.33 else rng.uniform(120, 255), 255 * rng.uniform(0.08, 0.95)
    bgr = cv2.cvtColor(np.array([[[hue, sat, val]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0].astype(float)
    return YUV[("709", False)] @ np.r_[bgr, 1]


def change_kits(yuv, boxes, group, rng):
    """New shirts and shorts by role, in place: one colour each for a team, the referees and a goalkeeper, none like another."""
    h, w = yuv.shape[:2]
    parts = []  # group, slices, pixels of shirt and shorts
    for g, (x1, y1, x2, y2) in zip(group, boxes):
        bw, bh = x2 - x1, y2 - y1
        if g < 0 or bh < 10 or bw < 4:
            continue
        x = slice(max(0, int(x1)), min(w, int(x2) + 1))
        rows = [slice(max(0, int(y1 + a * bh)), max(0, min(h, int(y1 + b * bh) + 1))) for a, b in ((0.12, 0.52), (0.48, 0.72))]
        mid = slice(max(0, int(x1 + 0.3 * bw)), max(1, min(w, int(x1 + 0.7 * bw) + 1)))
        if all(yuv[r, mid].size for r in rows):
            parts.append((g, x, rows, [np.median(yuv[r, mid].reshape(-1, 3), 0) for r in rows]))
    groups = sorted({p[0] for p in parts})
    own = {g: np.median([p[3][0] for p in parts if p[0] == g], 0) for g in groups}
    weigh = np.array([0.6, 1.4, 1.4])
    for _ in range(12):
        new = {g: kit_colour(rng) if rng.random() < 0.75 else own[g] for g in groups}
        if all(np.linalg.norm((new[a] - new[b]) * weigh) > 40 for a in groups for b in groups if a < b):
            break
    else:
        return
    shorts = {g: kit_colour(rng) if rng.random() < 0.5 else new[g] for g in groups}
    for g, x, rows, seen in parts:
        for r, at, to in zip(rows, seen, (new[g], shorts[g])):
            p = yuv[r, x]
            alpha = np.clip(1.6 - np.linalg.norm((p - at) * weigh, axis=2) / 28, 0, 1)[..., None]
            p += alpha * (to - at)


def change_shoes(yuv, boxes, balls, rng):
    """Bright shoes in any colour, in place, because the network took such shoes for balls: recolours what is not grass in the lowest eighth of a
    box, balls left out."""
    h, w = yuv.shape[:2]
    for x1, y1, x2, y2 in boxes:
        bw, bh = x2 - x1, y2 - y1
        ya, yb, xa, xb = max(0, int(y2 - 0.13 * bh)), min(h, int(y2) + 2), max(0, int(x1 - 0.05 * bw)), min(w, int(x2 + 0.05 * bw) + 1)
        if bh < 14 or yb - ya < 2 or xb - xa < 4 or rng.random() < 0.4:
            continue
        shoe = kit_colour(rng)
        shoe[0] = rng.uniform(150, 235)
        p = yuv[ya:yb, xa:xb]
        alpha = np.clip((np.abs(p - np.median(np.concatenate([p[:, 0], p[:, -1]]), 0)).sum(2) - 16) / 30, 0, 1)
        for u1, v1, u2, v2 in balls:
            alpha[max(0, int(v1) - 1 - ya):max(0, int(v2) + 2 - ya), max(0, int(u1) - 1 - xa):max(0, int(u2) + 2 - xa)] = 0
        p += alpha[..., None] * (shoe - p)


def person_height(boxes, y):
    """Expected height in pixels of somebody whose feet are at y, from the people of the picture; None with too few."""
    p = boxes[boxes[:, 0] != BALL]
    if len(p) < 5:
        return None
    b, a = np.polyfit(p[:, 4], p[:, 4] - p[:, 2], 1)
    return float(np.clip(a + b * y, 14, 200))


def ball_share(frames):
    """Size of a ball's box as a share of the height of a person's in the same place: the median over the real pictures. The program fits heights
    as here, but weighs people by their score (src/post/ball_size.c)."""
    shares = []
    for path, boxes in zip(frames.paths, frames.labels):
        p = boxes[(boxes[:, 0] != BALL) & (boxes[:, 1:3] > 2).all(1) & (boxes[:, 3] < SRC_W - 2) & (boxes[:, 4] < SRC_H - 2)]
        if len(p) < 5 or match_of(path).startswith("synth"):
            continue
        y, h = p[:, 4] - p[:, 4].mean(), p[:, 4] - p[:, 2]
        slope = max(0, (y * h).mean() / ((y * y).mean() + (0.02 * SRC_H) ** 2))
        for _, x1, y1, x2, y2 in boxes[boxes[:, 0] == BALL]:
            height = h.mean() + slope * (y2 - p[:, 4].mean())
            shares.append(np.sqrt((x2 - x1) * (y2 - y1)) / np.clip(height, 0.6 * h.mean(), 1.6 * h.mean()))
    return float(np.median(shares))


class Patches:
    """Cut-outs from the training frames for copy-paste (Ghiasi et al. 2021): balls, people of every role, and who wears what."""

    def __init__(self, frames, drawn=0.0, shoes=0.0):
        """`drawn` is the share of pasted balls that are drawn instead of cut out, `shoes` that of the pictures in which people get new shoes."""
        self.by_class, self.by_match, self.drawn, self.shoes = {c: [] for c in range(4)}, {}, drawn, shoes
        self.edge, self.group = [], []
        for i, boxes in enumerate(frames.labels):
            self.edge.append(field_edge(np.asarray(frames.maps[i])))
            self.group.append(kit_groups(frames.maps[i], boxes))
            for k, b in enumerate(boxes):
                o = boxes[np.arange(len(boxes)) != k]
                over = (np.minimum(o[:, 3], b[3] + 4) - np.maximum(o[:, 1], b[1] - 4) > 0) & (np.minimum(o[:, 4], b[4] + 4) - np.maximum(o[:, 2], b[2] - 4) > 0)
                if not over.any() and b[1] > 12 and b[2] > 12 and b[3] < SRC_W - 12 and b[4] < SRC_H - 12:
                    people = boxes[boxes[:, 0] != BALL]
                    size = np.median(people[:, 4] - people[:, 2]) if len(people) else 60.0
                    self.by_class[int(b[0])].append((i, b, size))
                    self.by_match.setdefault((match_of(frames.paths[i]), int(b[0])), []).append((i, b, size))
        self.frames = frames

    @staticmethod
    def rim(a):
        return np.concatenate([a[:2].reshape(-1, 3), a[-2:].reshape(-1, 3), a[:, :2].reshape(-1, 3), a[:, -2:].reshape(-1, 3)])

    def cut(self, cls, height, match, rng):
        """A person without the grass behind: (pixels f32, alpha f32, margin) `height` px tall, or None when it does not stand on plain grass.

        Players come from the same match, so that they wear one of its kits."""
        pool = self.by_match.get((match, cls), []) if cls == PLAYER or rng.random() < 0.5 else []
        pool = pool or self.by_class[cls]
        i, b, _ = pool[rng.integers(len(pool))]
        k = height / (b[4] - b[2])
        if not 0.35 < k < 1.6:
            return None
        m = 5
        patch = np.ascontiguousarray(self.frames.maps[i][int(b[2]) - m:int(b[4]) + m + 1, int(b[1]) - m:int(b[3]) + m + 1]).astype(np.float32)
        if self.rim(patch).std(0).max() > 22:
            return None
        sides = np.stack([patch[:, :3].mean(1), patch[:, -3:].mean(1)], 1)
        t = np.linspace(0, 1, patch.shape[1], dtype=np.float32)[None, :, None]
        ground = sides[:, :1] * (1 - t) + sides[:, 1:] * t
        alpha = np.clip((np.abs(patch - ground).max(2) - 16) / 20, 0, 1)
        alpha = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        alpha[:m - 1], alpha[1 - m:], alpha[:, :m - 1], alpha[:, 1 - m:] = 0, 0, 0, 0
        if alpha[m:-m, m:-m].mean() < 0.3:
            return None
        size = (max(4, round(patch.shape[1] * k)), max(8, round(patch.shape[0] * k)))
        how = cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR
        patch, alpha = cv2.resize(patch, size, interpolation=how), cv2.resize(cv2.GaussianBlur(alpha, (0, 0), 0.6), size, interpolation=how)
        if rng.random() < 0.5:
            patch, alpha = patch[:, ::-1], alpha[:, ::-1]
        return patch, alpha[..., None], m * k

    def stand(self, im, boxes, cls, foot, match, rng, behind=0.6):
        """Lets a cut-out of `cls` stand with its feet at `foot` (x, y), over the boards or in front of others; returns the box or None."""
        height = person_height(boxes, foot[1])
        got = self.cut(cls, height * rng.uniform(0.93, 1.07), match, rng) if height else None
        if got is None:
            return None
        patch, alpha, m = got
        ph, pw = patch.shape[:2]
        px, py = int(foot[0] - pw / 2), int(foot[1] - ph + m)
        if px < 2 or py < 2 or px + pw > SRC_W - 2 or py + ph > SRC_H - 2:
            return None
        nb = np.array([cls, px + m, py + m, px + pw - m, py + ph - m])
        iw = np.clip(np.minimum(boxes[:, 3], nb[3]) - np.maximum(boxes[:, 1], nb[1]), 0, None)
        ih = np.clip(np.minimum(boxes[:, 4], nb[4]) - np.maximum(boxes[:, 2], nb[2]), 0, None)
        share = iw * ih / np.maximum((boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2]), 1)
        if (share > behind).any() or ((share > 0) & (boxes[:, 4] > nb[4] + 2)).any() or ((share > 0) & (boxes[:, 0] == BALL)).any():
            return None
        dst = im[py:py + ph, px:px + pw].astype(np.float32)
        gain = np.clip((dst.mean() + 40) / (patch.mean() + 40), 0.8, 1.25)
        im[py:py + ph, px:px + pw] = np.clip(dst * (1 - alpha) + patch * gain * alpha, 0, 255).astype(np.uint8)
        return nb

    def boards(self, im, boxes, edge, rng):
        """Other advertising boards along the far edge, in place, where no labelled person is in front of them."""
        slope, y0, xa, xb = edge
        height = person_height(boxes, y0 + slope * SRC_W / 2)
        if height is None:
            return
        top = height * rng.uniform(0.45, 0.85)
        x = xa
        while x < xb - 60:
            bw = rng.uniform(1.5, 9) * height
            x1 = min(x + bw, xb)
            ya, yb = y0 + slope * x, y0 + slope * x1
            hit = (boxes[:, 1] < x1 + 4) & (boxes[:, 3] > x - 4) & (boxes[:, 2] < max(ya, yb) + 2) & (boxes[:, 4] > min(ya, yb) - top)
            if not hit.any() and rng.random() < 0.75:
                self.board(im, int(x), int(x1), y0, slope, top, rng)
            x = x1 if rng.random() < 0.8 else x1 + rng.uniform(0, 3) * height

    @staticmethod
    def board(im, xa, xb, y0, slope, top, rng):
        w, h = xb - xa, max(6, int(top))
        panel = np.empty((h, w, 3), np.uint8)
        colours = [cv2.cvtColor(np.array([[[rng.uniform(0, 180), rng.choice([0, 0, 160, 230]), rng.choice([15, 60, 150, 235])]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0].astype(float) for _ in range(3)]
        panel[:] = colours[0]
        if rng.random() < 0.3:
            a, b = sorted(rng.integers(0, w + 1, 2))
            panel[:, a:b] = colours[2]
        x, size = rng.uniform(0, h), h * rng.uniform(0.35, 0.9)
        while x < w - size / 2:
            if rng.random() < 0.6:
                word = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVWXZaeionrstl0123456789&"), rng.integers(1, 10)))
                cv2.putText(panel, word, (int(x), int(h / 2 + size / 2)), int(rng.integers(0, 5)), size / 24, colours[1], max(1, int(size * rng.uniform(0.05, 0.22))), cv2.LINE_AA)
                x += size * 0.8 * len(word) + rng.uniform(0.5, 3) * size
            else:  # figures and marks as tall and as narrow as a person
                c = colours[int(rng.integers(1, 3))]
                if rng.random() < 0.5:
                    cv2.ellipse(panel, (int(x), h // 2), (max(1, int(size * rng.uniform(0.08, 0.4))), max(1, int(size / 2))), 0, 0, 360, c, -1 if rng.random() < 0.6 else 2, cv2.LINE_AA)
                else:
                    cv2.rectangle(panel, (int(x), int(h * rng.uniform(0, 0.4))), (int(x + size * rng.uniform(0.1, 0.4)), h), c, -1)
                x += size * rng.uniform(0.5, 3)
        panel = cv2.GaussianBlur(panel, (0, 0), rng.uniform(0.4, 1.2)).astype(np.float32) * rng.uniform(0.6, 1.0)
        for c in range(0, w, 16):  # sheared in steps of 16 columns
            y = int(y0 + slope * (xa + c)) - h
            if y >= 0:
                im[y:y + h, xa + c:min(xa + c + 16, xb)] = np.clip(panel[:, c:c + 16], 0, 255).astype(np.uint8)

    def crowd(self, src, boxes, i, rng):
        """Boards, linesmen before them, and players in front of each other; src is written, the boxes come back with the new ones."""
        edge = self.edge[i]
        if edge is not None and rng.random() < 0.6:
            self.boards(src, boxes, edge, rng)
        planned = []
        if edge is not None:
            height = person_height(boxes, edge[1] + edge[0] * SRC_W / 2) or 0
            for _ in range(rng.integers(0, 3)):
                x = rng.uniform(edge[2], edge[3])
                planned.append((REFEREE if rng.random() < 0.75 else PLAYER, (x, edge[1] + edge[0] * x + rng.uniform(0.02, 0.45) * height)))
        people = boxes[boxes[:, 0] != BALL]
        for _ in range(rng.integers(0, 3)):
            if len(people):
                p = people[rng.integers(len(people))]
                w, h = p[3] - p[1], p[4] - p[2]
                planned.append((rng.choice([PLAYER, PLAYER, PLAYER, REFEREE, KEEPER]), ((p[1] + p[3]) / 2 + rng.uniform(-1.1, 1.1) * w, p[4] + rng.uniform(0.02, 0.35) * h)))
        for cls, foot in planned:
            if self.by_class[int(cls)] and (nb := self.stand(src, boxes, int(cls), foot, match_of(self.frames.paths[i]), rng)) is not None:
                boxes = np.vstack([boxes, nb[None]])
        return boxes

    def cut_ball(self, height, match, rng):
        """A ball without its grass among people `height` px tall: (pixels f32, alpha f32, its box in them), or None when it lies on more than grass."""
        pool = self.by_match.get((match, BALL), []) if rng.random() < 0.5 else []
        pool = pool or self.by_class[BALL]
        if not pool:
            return None
        i, b, size = pool[rng.integers(len(pool))]
        k = height / size * rng.uniform(0.8, 1.3)
        if not 0.4 < k < 2.5:
            return None
        m = 4
        x0, y0, x1, y1 = (int(v) for v in (b[1] - m, b[2] - m, b[3] + m + 1, b[4] + m + 1))
        patch = np.ascontiguousarray(self.frames.maps[i][y0:y1, x0:x1]).astype(np.float32)
        rim = self.rim(patch)
        if rim.std(0).max() > 14:  # cut from plain grass only
            return None
        alpha = np.clip((np.abs(patch - np.median(rim, 0)).max(2) - 14) / 30, 0, 1)
        ye, xe = (np.arange(y1 - y0) + 0.5 + y0 - (b[2] + b[4]) / 2) / (b[4] - b[2]), (np.arange(x1 - x0) + 0.5 + x0 - (b[1] + b[3]) / 2) / (b[3] - b[1])
        alpha *= np.clip((0.65 - np.hypot(ye[:, None], xe[None])) / 0.2, 0, 1).astype(np.float32)
        if alpha.sum() < 0.2 * (b[3] - b[1]) * (b[4] - b[2]):
            return None
        shape = (max(4, round(patch.shape[1] * k)), max(4, round(patch.shape[0] * k)))
        how = cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR
        sx, sy = shape[0] / (x1 - x0), shape[1] / (y1 - y0)
        return cv2.resize(patch, shape, interpolation=how), cv2.resize(alpha, shape, interpolation=how), (b[1:] - [x0, y0, x0, y0]) * [sx, sy, sx, sy]

    @staticmethod
    def draw_ball(height, rng):
        """As cut_ball, but drawn: a lit sphere with panels in any colours a ball has, blurred a little, at times by its motion."""
        d = 0.122 * height * rng.uniform(0.85, 1.2)  # 22 cm beside 1.8 m
        over, m = 6, int(2 + 0.6 * d)
        n = max(6, round(d * over))
        x, y = np.meshgrid(*[(np.arange(n) + 0.5) * 2 / n - 1] * 2)
        inside = x * x + y * y < 1
        normal = np.stack([x, y, np.sqrt(np.clip(1 - x * x - y * y, 0, 1))], 2)
        colours = [np.full(3, rng.uniform(215, 255)) * rng.uniform(0.93, 1, 3)] + [cv2.cvtColor(np.array([[[rng.uniform(0, 180), rng.uniform(0, 255), rng.uniform(0, 230)]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0].astype(float) for _ in range(2)]
        if rng.random() < 0.25:  # balls for snow and night: yellow, orange, pink
            colours[0] = cv2.cvtColor(np.array([[[rng.choice([28, 24, 12, 170]), rng.uniform(80, 230), rng.uniform(220, 255)]]], np.uint8), cv2.COLOR_HSV2BGR)[0, 0].astype(float)
        im = np.empty((n, n, 3))
        im[:] = colours[0]
        for _ in range(rng.integers(0, 7)):
            axis = rng.normal(size=3)
            im[normal @ (axis / np.linalg.norm(axis)) > rng.uniform(0.84, 0.98)] = colours[rng.integers(1, 3)]
        light = np.array([rng.normal(0, 0.5), -1, rng.uniform(0.2, 1.5)])
        im *= (1 - (shade := rng.uniform(0, 0.45)) + shade * np.clip(normal @ (light / np.linalg.norm(light)), 0, 1))[..., None]
        im = np.pad(im * inside[..., None], ((m * over,) * 2,) * 2 + ((0, 0),)).astype(np.float32)
        alpha = np.pad(inside, m * over).astype(np.float32)
        side = max(6, round(len(im) / over))
        im, alpha = cv2.resize(im, (side, side), interpolation=cv2.INTER_AREA), cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
        sigma = rng.uniform(0.4, 1.2) * max(0.6, d / 10)
        im, alpha = cv2.GaussianBlur(im, (0, 0), sigma), cv2.GaussianBlur(alpha, (0, 0), sigma)
        if rng.random() < 0.25:
            state, length = int(rng.integers(1 << 31)), rng.uniform(2, 1 + 1.1 * d)
            im, alpha = (motion_blur(v, np.random.default_rng(state), length) for v in (im, alpha))
        half = 0.5 * 1.7 * d  # people draw boxes 1.7 times as large
        return im / np.maximum(alpha, 1e-3)[..., None], alpha, np.array([-half, -half, half, half]) + side / 2

    def ball(self, im, boxes, match, rng):
        """One ball, cut out or drawn, at somebody's feet or body, or anywhere in the picture (lines, boards, heads); returns its box or None."""
        people = boxes[boxes[:, 0] != BALL]
        if not len(people):
            return None
        height = np.median(people[:, 4] - people[:, 2])
        p = people[rng.integers(len(people))] if self.drawn and rng.random() < self.drawn else None
        got = self.cut_ball(height, match, rng) if p is None else self.draw_ball(person_height(boxes, p[4]) or min(height, 200), rng)
        if got is None:
            return None
        patch, alpha, box = got
        ph, pw = alpha.shape
        if rng.random() < 0.7:
            p = people[rng.integers(len(people))] if p is None else p
            w, h = p[3] - p[1], p[4] - p[2]
            cx, cy = (p[1] + p[3]) / 2 + rng.normal(0, 0.6) * w, p[4] - abs(rng.normal(0, 0.2)) * h + 0.04 * h if rng.random() < 0.75 else p[4] - rng.uniform(-0.3, 1.4) * h
        else:
            cx, cy = rng.uniform(0, SRC_W), rng.uniform(people[:, 2].min() - 60, SRC_H)
        px, py = int(cx - pw / 2), int(cy - ph / 2)
        if px < 2 or py < 2 or px + pw > SRC_W - 2 or py + ph > SRC_H - 2:
            return None
        dst = im[py:py + ph, px:px + pw].astype(np.float32)
        im[py:py + ph, px:px + pw] = np.clip(dst * (1 - alpha[..., None]) + patch * alpha[..., None], 0, 255).astype(np.uint8)
        return np.r_[BALL, box + [px, py, px, py]]

    def paste(self, im, boxes, cls, rng):
        """Paste one instance of `cls` into im (BGR, writable) next to a labelled person; returns the new box or None."""
        people = boxes[boxes[:, 0] != BALL]
        if not len(people) or not self.by_class[cls]:
            return None
        i, b, size = self.by_class[cls][rng.integers(len(self.by_class[cls]))]
        near = people[rng.integers(len(people))]
        nh = near[4] - near[2]
        k = np.clip(nh / (b[4] - b[2]) * rng.uniform(0.9, 1.1) if cls != BALL else np.median(people[:, 4] - people[:, 2]) / size * rng.uniform(0.8, 1.3), 0.4, 2.5)
        bw, bh = b[3] - b[1], b[4] - b[2]
        mx, my = (0.6 * bw + 3, 0.6 * bh + 3) if cls == BALL else (0.2 * bw + 3, 0.1 * bh + 3)
        x0, y0, x1, y1 = int(max(0, b[1] - mx)), int(max(0, b[2] - my)), int(min(SRC_W, b[3] + mx)), int(min(SRC_H, b[4] + my))
        patch = cv2.resize(np.ascontiguousarray(self.frames.maps[i][y0:y1, x0:x1]), None, fx=k, fy=k, interpolation=cv2.INTER_AREA if k < 1 else cv2.INTER_LINEAR).astype(np.float32)
        ph, pw = patch.shape[:2]
        for _ in range(6):
            cx = (near[1] + near[3]) / 2 + rng.choice([-1, 1]) * rng.uniform(0.8, 4) * nh
            cy = (near[2] + near[4]) / 2 + rng.uniform(-0.5, 0.5) * nh if cls != BALL else near[4] + rng.uniform(-1.2, 0.6) * nh
            px, py = int(cx - pw / 2), int(cy - ph / 2)
            if px < 2 or py < 2 or px + pw > SRC_W - 2 or py + ph > SRC_H - 2:
                continue
            nb = np.array([cls, px + (b[1] - x0) * k, py + (b[2] - y0) * k, px + (b[3] - x0) * k, py + (b[4] - y0) * k])
            ov = (np.minimum(boxes[:, 3], nb[3]) - np.maximum(boxes[:, 1], nb[1]) > 0) & (np.minimum(boxes[:, 4], nb[4]) - np.maximum(boxes[:, 2], nb[2]) > 0)
            if ov.any():
                continue
            dst = im[py:py + ph, px:px + pw].astype(np.float32)
            if self.rim(dst).std(0).max() > 26:  # on grass only
                continue
            ye, xe = np.abs(np.linspace(-1, 1, ph))[:, None], np.abs(np.linspace(-1, 1, pw))[None]
            alpha = np.clip((1 - np.maximum(xe, ye)) / 0.25, 0, 1)[..., None].astype(np.float32)
            shift = np.median(self.rim(dst), 0) - np.median(self.rim(patch), 0)
            im[py:py + ph, px:px + pw] = np.clip(dst * (1 - alpha) + (patch + shift) * alpha, 0, 255).astype(np.uint8)
            return nb
        return None


def players_sample(frames, patches, rng, w, h, whole=False, index=None):
    """One training crop: (u8 [6,h/2,w/2], boxes [n,5] class x1 y1 x2 y2 in network pixels, ignore [m,4])."""
    i = int(index if index is not None else rng.choice(len(frames), p=frames.weight))
    src, boxes = frames.maps[i], frames.labels[i]
    group = patches.group[i]
    if rng.random() < 0.5:
        src, new = np.array(src), []
        boxes = patches.crowd(src, boxes, i, rng)
        for cls, p in ((BALL, 0.8), (KEEPER, 0.45), (REFEREE, 0.2)):
            if rng.random() < p and (nb := patches.paste(src, np.vstack([boxes] + new), cls, rng)) is not None:
                new.append(nb[None])
        for _ in range(rng.integers(0, 4)):
            if (nb := patches.ball(src, boxes, match_of(frames.paths[i]), rng)) is not None:
                new.append(nb[None])
        boxes = np.vstack([boxes] + new)
        role = boxes[len(group):, 0].astype(int)  # who is new wears what belongs to the role, or what another player wears
        group = np.r_[group, np.choose(role, [-1, 1000, rng.integers(0, 2), 2])]
    base = SRC_W / 1280
    if whole:
        s = 640 / SRC_W * np.exp(rng.normal(0.05, 0.12)) * w / 640
    elif rng.random() < 0.15:
        s = np.exp(rng.uniform(np.log(0.9), np.log(2.4))) / base
    else:
        s = np.exp(rng.uniform(np.log(0.35), np.log(0.95))) / base
    ax = np.exp(rng.normal(0, 0.05))
    sx, sy = s * ax, s / ax
    if whole:
        cx, cy = SRC_W / 2 + rng.normal(0, 0.05) * SRC_W, SRC_H / 2 + rng.normal(0, 0.05) * SRC_H
        if rng.random() < 0.5:  # exactly the letterbox of inference
            sx = sy = w / SRC_W
            cx, cy = SRC_W / 2, h / 2 / sy
    elif len(boxes) and rng.random() < 0.6:
        p = np.choose(boxes[:, 0].astype(int), [3.0, 4.0, 1.0, 2.0])
        b = boxes[rng.choice(len(boxes), p=p / p.sum())]
        cx = (b[1] + b[3]) / 2 + rng.uniform(-0.45, 0.45) * w / sx
        cy = (b[2] + b[4]) / 2 + rng.uniform(-0.45, 0.45) * h / sy
    else:
        cx, cy = rng.uniform(0.2 * w / sx, max(SRC_W - 0.2 * w / sx, 0.21 * w / sx)), rng.uniform(0.3 * h / sy, max(SRC_H - 0.3 * h / sy, 0.31 * h / sy))
    flip = rng.random() < 0.5
    m = np.array([[sx, 0, w / 2 - sx * cx], [0, sy, h / 2 - sy * cy], [0, 0, 1.0]])
    if flip:
        m = np.array([[-1.0, 0, w], [0, 1, 0], [0, 0, 1]]) @ m
    pic_h = int(np.ceil(m[1, 1] * SRC_H + m[1, 2]))
    bx = m[0, 0] * boxes[:, [1, 3]] + m[0, 2]
    by = m[1, 1] * boxes[:, [2, 4]] + m[1, 2]
    full = np.stack([bx.min(1), by.min(1), bx.max(1), by.max(1)], 1)
    clip = np.stack([full[:, 0].clip(0, w), full[:, 1].clip(0, h), full[:, 2].clip(0, w), full[:, 3].clip(0, h)], 1)
    area = (full[:, 2] - full[:, 0]) * (full[:, 3] - full[:, 1])
    vis = (clip[:, 2] - clip[:, 0]) * (clip[:, 3] - clip[:, 1]) / np.maximum(area, 1e-6)
    keep = (vis > 0.4) & (clip[:, 2] - clip[:, 0] > 1.0)
    ign = (vis > 0) & ~keep
    doubt = frames.unsure[i]
    dx, dy = np.sort(m[0, 0] * doubt[:, [0, 2]] + m[0, 2], 1).clip(0, w), (m[1, 1] * doubt[:, [1, 3]] + m[1, 2]).clip(0, h)
    doubt = np.stack([dx[:, 0], dy[:, 0], dx[:, 1], dy[:, 1]], 1)
    doubt = doubt[(doubt[:, 2] > doubt[:, 0]) & (doubt[:, 3] > doubt[:, 1])]
    dress, cover = rng.random(), rng.random() < 0.2

    def edit(yuv):
        if dress < 0.3:
            change_kits(yuv, full, group, rng)
        elif dress < 0.4:
            people = boxes[:, 0] != BALL
            recolour_people(yuv, clip[people & (vis > 0)], clip[~people & (vis > 0)], rng)
        if patches.shoes and rng.random() < patches.shoes:
            change_shoes(yuv, full[boxes[:, 0] != BALL], full[boxes[:, 0] == BALL], rng)
        if cover:
            r = graphics(yuv[:max(24, min(pic_h, h))], rng)
            mid = (clip[:, :2] + clip[:, 2:]) / 2
            hid = ((mid[:, None, :] > r[None, :, :2]) & (mid[:, None, :] < r[None, :, 2:])).all(2).any(1)
            keep[hid], ign[hid] = False, True

    x = render_sample(src, m, w, h, rng, pic_h, edit)
    return x, np.concatenate([boxes[keep, :1], clip[keep]], 1), np.vstack([clip[ign], doubt])


def players_target(boxes, ignore, w, h, stride=4):
    """heat [4,h/s,w/s] Gaussians, box [2,4,..] (log w, log h, dx, dy) of people and of balls, weight [2,1,..] of the box loss, mask [1,..] of
    the heat loss."""
    gw, gh = w // stride, h // stride
    heat = np.zeros((4, gh, gw), np.float32)
    box = np.zeros((2, 4, gh, gw), np.float32)
    weight = np.zeros((2, 1, gh, gw), np.float32)
    mask = np.ones((1, gh, gw), np.float32)
    xs, ys = np.arange(gw) + 0.5, np.arange(gh) + 0.5
    order = np.argsort(-(boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2]))
    for c, x1, y1, x2, y2 in boxes[order]:
        bw, bh = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
        cx, cy = (x1 + x2) / 2 / stride, (y1 + y2) / 2 / stride
        ix, iy = min(int(cx), gw - 1), min(int(cy), gh - 1)
        sx, sy = max(0.6, 0.11 * bw / stride), max(0.6, 0.11 * bh / stride)
        if c == BALL:
            sx = sy = 0.6
        # the peak sits at the centre of the centre's cell: exactly one cell has target 1
        g = np.exp(-((ys - iy - 0.5) ** 2) / (2 * sy * sy))[:, None] * np.exp(-((xs - ix - 0.5) ** 2) / (2 * sx * sx))[None]
        heat[int(c)] = np.maximum(heat[int(c)], g)
        x0_, x1_, y0_, y1_ = max(ix - 2, 0), min(ix + 3, gw), max(iy - 3, 0), min(iy + 4, gh)
        near = g[y0_:y1_, x0_:x1_]
        sel = near > 0.2
        yy, xx = np.nonzero(sel)
        yy, xx = yy + y0_, xx + x0_
        k = int(c == BALL)
        box[k, 0, yy, xx], box[k, 1, yy, xx] = np.log(bw), np.log(bh)
        box[k, 2, yy, xx], box[k, 3, yy, xx] = cx - xx - 0.5, cy - yy - 0.5
        weight[k, 0, yy, xx] = near[sel]
    for x1, y1, x2, y2 in ignore:
        mask[0, int(y1 / stride):int(y2 / stride) + 1, int(x1 / stride):int(x2 / stride) + 1] = 0
    return heat, box, weight, np.maximum(mask, heat.max(0, keepdims=True) > 0.99)


def players_weights(frames):
    """Sampling probability per frame: more of those with goalkeepers, a ball, few per match, labelled by people; rendered ones as given by
    `synth_share`."""
    w = np.array([1.0 + 0.8 * (l[:, 0] == KEEPER).any() + 0.2 * (l[:, 0] == BALL).any() for l in frames.labels]) * np.where(frames.pseudo, 0.6, 1.0)
    return _share(frames, w)


def _share(frames, w, synth_share=0.22):
    """Tempers matches by the square root of their size and gives rendered frames their fixed share."""
    names = [match_of(p) for p in frames.paths]
    syn = np.array([n.startswith("synth") for n in names])
    count = {n: names.count(n) for n in set(names)}
    w = w / np.array([1.0 if s else np.sqrt(count[n]) for n, s in zip(names, syn)])
    if syn.any():
        w[syn] *= synth_share / (1 - synth_share) * w[~syn].sum() / w[syn].sum()
    return w / w.sum()


# ---------------------------------------------------------------- pitch

def pitch_weights(frames):
    """Views from behind a goal are rendered only, and count twice."""
    frames.along = np.array([looks_along(p) != 0 for p in frames.labels])
    return _share(frames, 1.0 + frames.along, synth_share=0.3)


def pitch_sample(frames, rng, w, h):
    """One training picture: (u8 [6,h/2,w/2], points [32,3] x, y, visible in network pixels)."""
    i = int(rng.choice(len(frames), p=frames.weight))
    src, pts = frames.maps[i], frames.labels[i]
    fit = min(w / SRC_W, h / SRC_H)
    m = np.diag([fit, fit, 1.0])
    pic_h = round(SRC_H * fit)
    r = rng.random()
    if r > 0.15:
        s = np.exp(rng.normal(0.12, 0.27)) if rng.random() < 0.8 else rng.uniform(1.4, 2.4)
        ax, rot = np.exp(rng.normal(0, 0.05)), rng.normal(0, 0.035)
        cx, cy = w / 2, pic_h / 2
        seen = np.flatnonzero(pts[:, 2])
        if s > 1.3 and len(seen):  # zoom in on a point, so that close views have some
            cx, cy = pts[rng.choice(seen), :2] * fit * 0.8 + np.array([cx, cy]) * 0.2
        a = np.array([[s * ax * np.cos(rot), -s * np.sin(rot), 0], [s * np.sin(rot), s / ax * np.cos(rot), 0], [0, 0, 1]])
        t0 = np.array([[1, 0, -cx], [0, 1, -cy], [0, 0, 1.0]])
        spare = max(0.06, abs(s - 1))
        spare = min(spare, 0.6)
        t1 = np.array([[1, 0, w / 2 + rng.uniform(-0.5, 0.5) * spare * w * 1.3], [0, 1, pic_h / 2 + rng.uniform(-0.5, 0.5) * spare * pic_h * 1.3], [0, 0, 1.0]])
        p = np.eye(3)
        if rng.random() < 0.5:
            p[2, :2] = rng.normal(0, 0.12, 2) / [w, pic_h]
        m = t1 @ a @ p @ t0 @ m
    flip = rng.random() < 0.5
    if flip:
        m = np.array([[-1.0, 0, w], [0, 1, 0], [0, 0, 1]]) @ m
    pic = pic_h if rng.random() < 0.8 else int(rng.uniform(0.8, 1.0) * h) if rng.random() < 0.5 else h
    cover = []

    def edit(yuv):
        if rng.random() < 0.3:
            cover.extend(graphics(yuv[:pic], rng))

    x = render_sample(src, m, w, h, rng, pic, edit)
    q = np.c_[pts[:, :2], np.ones(32)] @ m.T
    q = q[:, :2] / q[:, 2:]
    vis = (pts[:, 2] > 0) & (q[:, 0] > 0) & (q[:, 0] < w) & (q[:, 1] > 0) & (q[:, 1] < pic)
    for x1, y1, x2, y2 in cover:
        vis &= ~((q[:, 0] > x1) & (q[:, 0] < x2) & (q[:, 1] > y1) & (q[:, 1] < y2))
    out = np.c_[q, vis]
    return x, out[ACROSS if frames.along[i] else MIRROR] if flip else out


def pitch_target(points, w, h, stride=8, sigma=0.85):
    """heat [32,h/s,w/s] Gaussians, offset [2,..] to the nearest point, weight [1,..] of the offset loss."""
    gw, gh = w // stride, h // stride
    heat = np.zeros((32, gh, gw), np.float32)
    off = np.zeros((2, gh, gw), np.float32)
    best = np.full((gh, gw), 4.0, np.float32)
    xs, ys = np.arange(gw) + 0.5, np.arange(gh) + 0.5
    for k in np.flatnonzero(points[:, 2]):
        cx, cy = points[k, :2] / stride
        ix, iy = min(int(cx), gw - 1), min(int(cy), gh - 1)
        heat[k] = np.exp(-((ys - iy - 0.5) ** 2) / (2 * sigma ** 2))[:, None] * np.exp(-((xs - ix - 0.5) ** 2) / (2 * sigma ** 2))[None]
        d = np.maximum(np.abs(xs - cx)[None], np.abs(ys - cy)[:, None])
        sel = d < np.minimum(best, 1.6)
        best[sel] = d[sel]
        yy, xx = np.nonzero(sel)
        off[0, yy, xx], off[1, yy, xx] = cx - xs[xx], cy - ys[yy]
    weight = np.where(best < 4, np.exp(-best), 0)[None].astype(np.float32)
    return heat, off, weight


# ---------------------------------------------------------------- both

def training_set(roots, kind, work, drawn=0.0, shoes=0.0):
    """What is trained on: Frames of all but the validation matches with how often each is drawn, and their Patches (None for the pitch)."""
    frames = Frames(roots, kind, os.path.join(work, "cache"), val=False)
    frames.weight = (players_weights if kind == "players" else pitch_weights)(frames)
    return frames, Patches(frames, drawn, shoes) if kind == "players" else None
