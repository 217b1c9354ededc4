"""Frames, labels, augmentation and targets.

A data root holds players/{images,labels} and pitch/{images,labels} (YOLO text, see the card of each model); rendered
frames (synth.py) come as further roots in the same form. Pictures are decoded once into a cache of BGR u8 [1080,1920,3]
files, so that training is bound by the network. Everything geometric is one warp from the cached picture to the network's
size; everything about colour is linear in YUV and applied there.
"""
import glob
import os

import cv2
import numpy as np

cv2.setNumThreads(1)
VAL_MATCHES = ("744b27", "798b45")
SRC_W, SRC_H = 1920, 1080
BALL, KEEPER, PLAYER, REFEREE = range(4)

# Left-right mirror of the 32 points (order: spec sn44-protocol 8.4).
MIRROR = [24, 25, 26, 27, 28, 29, 22, 23, 21, 17, 18, 19, 20, 13, 14, 15, 16, 9, 10, 11, 12, 8, 6, 7, 0, 1, 2, 3, 4, 5, 31, 30]

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


class Frames:
    """Pictures (memory-mapped cache) and labels of one kind ("players" or "pitch") from one or more roots."""

    def __init__(self, roots, kind, cache, val=None):
        os.makedirs(cache, exist_ok=True)
        self.kind, self.paths, self.labels, self.maps = kind, [], [], []
        for root in roots:
            for p in sorted(glob.glob(os.path.join(root, kind, "images", "*"))):
                is_val = match_of(p) in VAL_MATCHES or match_of(p).startswith("synthval")
                if val is not None and is_val != val:
                    continue
                stem = os.path.splitext(os.path.basename(p))[0]
                label = os.path.join(root, kind, "labels", stem + ".txt")
                npy = os.path.join(cache, f"{stem}.npy" if stem.startswith("synth") else f"{kind}-{stem}.npy")
                if not os.path.exists(npy):
                    np.save(npy + ".tmp.npy", read_picture(p))
                    os.replace(npy + ".tmp.npy", npy)
                self.paths.append(p)
                self.maps.append(np.load(npy, mmap_mode="r"))
                self.labels.append(self._read(label))

    def _read(self, path):
        rows = [list(map(float, l.split())) for l in open(path)] if os.path.exists(path) else []
        if self.kind == "players":  # [n,5] class, x1, y1, x2, y2 in cached pixels
            a = np.array(rows, np.float64).reshape(-1, 5)
            c, x, y, w, h = a.T.copy()
            if os.path.basename(path).startswith("synth"):  # truth is the ball itself, people draw boxes 1.7 times as large
                w, h = np.where(c == BALL, 1.7 * w, w), np.where(c == BALL, 1.7 * h, h)
            return np.stack([c, (x - w / 2) * SRC_W, (y - h / 2) * SRC_H, (x + w / 2) * SRC_W, (y + h / 2) * SRC_H], 1)
        a = np.zeros((32, 3))  # [32,3] x, y, visible
        if rows:
            a = np.array(rows[0][5:101]).reshape(32, 3).copy()
            a[:, 0] *= SRC_W
            a[:, 1] *= SRC_H
            inside = (a[:, 0] > 0) & (a[:, 0] < SRC_W) & (a[:, 1] > 0) & (a[:, 1] < SRC_H)
            a[:, 2] = (a[:, 2] > 0) & inside
        return a

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
        gw, gh = int(rng.uniform(0.08, 0.4) * w), int(rng.uniform(0.04, 0.14) * h)
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

class Patches:
    """Cut-outs of balls and goalkeepers/referees from the training frames for copy-paste (Ghiasi et al. 2021)."""

    def __init__(self, frames):
        self.by_class = {c: [] for c in (BALL, KEEPER, REFEREE)}
        for i, boxes in enumerate(frames.labels):
            for k, b in enumerate(boxes):
                c = int(b[0])
                if c in self.by_class:
                    o = boxes[np.arange(len(boxes)) != k]
                    over = (np.minimum(o[:, 3], b[3] + 4) - np.maximum(o[:, 1], b[1] - 4) > 0) & (np.minimum(o[:, 4], b[4] + 4) - np.maximum(o[:, 2], b[2] - 4) > 0)
                    if not over.any() and b[1] > 12 and b[2] > 12 and b[3] < SRC_W - 12 and b[4] < SRC_H - 12:
                        people = boxes[boxes[:, 0] != BALL]
                        size = np.median(people[:, 4] - people[:, 2]) if len(people) else 60.0
                        self.by_class[c].append((i, b, size))
        self.frames = frames

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
            def rim(a):
                return np.concatenate([a[:2].reshape(-1, 3), a[-2:].reshape(-1, 3), a[:, :2].reshape(-1, 3), a[:, -2:].reshape(-1, 3)])
            if rim(dst).std(0).max() > 26:  # on grass only
                continue
            ye, xe = np.abs(np.linspace(-1, 1, ph))[:, None], np.abs(np.linspace(-1, 1, pw))[None]
            alpha = np.clip((1 - np.maximum(xe, ye)) / 0.25, 0, 1)[..., None].astype(np.float32)
            shift = np.median(rim(dst), 0) - np.median(rim(patch), 0)
            im[py:py + ph, px:px + pw] = np.clip(dst * (1 - alpha) + (patch + shift) * alpha, 0, 255).astype(np.uint8)
            return nb
        return None


def players_sample(frames, patches, rng, w, h, whole=False, index=None):
    """One training crop: (u8 [6,h/2,w/2], boxes [n,5] class x1 y1 x2 y2 in network pixels, ignore [m,4])."""
    i = int(index if index is not None else rng.choice(len(frames), p=frames.weight))
    src, boxes = frames.maps[i], frames.labels[i]
    if rng.random() < 0.4:
        src, new = np.array(src), []
        for cls, p in ((BALL, 0.8), (KEEPER, 0.45), (REFEREE, 0.2)):
            if rng.random() < p and (nb := patches.paste(src, np.vstack([boxes] + new), cls, rng)) is not None:
                new.append(nb[None])
        boxes = np.vstack([boxes] + new)
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
    recolour, cover = rng.random() < 0.2, rng.random() < 0.2

    def edit(yuv):
        if recolour:
            people = boxes[:, 0] != BALL
            recolour_people(yuv, clip[people & (vis > 0)], clip[~people & (vis > 0)], rng)
        if cover:
            r = graphics(yuv[:max(24, min(pic_h, h))], rng)
            mid = (clip[:, :2] + clip[:, 2:]) / 2
            hid = ((mid[:, None, :] > r[None, :, :2]) & (mid[:, None, :] < r[None, :, 2:])).all(2).any(1)
            keep[hid], ign[hid] = False, True

    x = render_sample(src, m, w, h, rng, pic_h, edit)
    return x, np.concatenate([boxes[keep, :1], clip[keep]], 1), clip[ign]


def players_target(boxes, ignore, w, h, stride=4):
    """heat [4,h/s,w/s] Gaussians, box [4,..] (log w, log h, dx, dy), weight [1,..] of the box loss, mask [1,..] of the heat loss."""
    gw, gh = w // stride, h // stride
    heat = np.zeros((4, gh, gw), np.float32)
    box = np.zeros((4, gh, gw), np.float32)
    weight = np.zeros((1, gh, gw), np.float32)
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
        box[0, yy, xx], box[1, yy, xx] = np.log(bw), np.log(bh)
        box[2, yy, xx], box[3, yy, xx] = cx - xx - 0.5, cy - yy - 0.5
        weight[0, yy, xx] = near[sel]
    for x1, y1, x2, y2 in ignore:
        mask[0, int(y1 / stride):int(y2 / stride) + 1, int(x1 / stride):int(x2 / stride) + 1] = 0
    return heat, box, weight, np.maximum(mask, heat.max(0, keepdims=True) > 0.99)


def players_weights(frames):
    """Sampling probability per frame: more of those with goalkeepers, a ball, few per match; rendered ones as given by `synth_share`."""
    w = np.array([1.0 + 0.8 * (l[:, 0] == KEEPER).any() + 0.2 * (l[:, 0] == BALL).any() for l in frames.labels])
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
    return _share(frames, np.ones(len(frames)))


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
    return x, out[MIRROR] if flip else out


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
