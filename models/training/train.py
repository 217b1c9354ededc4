"""Trains one network: python train.py players|pitch --data ROOT --work DIR [--extra ROOT ...].

Runs anywhere PyTorch runs: on a CUDA GPU when there is one, in bf16 where the processor has it. Checkpoints every two minutes and
resumes by itself. With --steps and one thread on a CPU the same seed gives the same weights, stopped and resumed or not.
Losses: penalty-reduced focal loss on Gaussian heat maps (Zhou et al. 2019, "Objects as Points"), L1 + GIoU on boxes, L1 on
point offsets. AdamW, cosine over --steps, exponential moving average of the weights.
"""
import argparse
import collections
import json
import math
import multiprocessing
import os
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import data as D
import evaluate as E
from net import GRAPHS, Net, unfold

HEAT_WEIGHT = (2.5, 2.5, 1.0, 1.8)  # ball, goalkeeper, player, referee


def focal(logits, target, weight=1.0, mask=1.0):
    """Penalty-reduced focal loss, summed and divided by the number of peaks."""
    p = torch.sigmoid(logits).clamp(1e-5, 1 - 1e-5)
    pos = (target > 0.999).float()
    loss = -pos * (1 - p) ** 2 * torch.log(p) - (1 - pos) * (1 - target) ** 4 * p ** 2 * torch.log(1 - p)
    return (loss * weight * mask).sum() / (pos * mask).sum().clamp(min=1)


def box_loss(pred, target, weight):
    """Weighted L1 on (log w, log h, dx, dy) and 1 - GIoU of the boxes they mean; everything [N,4,h,w]."""
    l1 = (pred - target).abs().sum(1, keepdim=True)
    def corners(b):
        w, h = torch.exp(b[:, 0].clamp(-1, 7)) / 4, torch.exp(b[:, 1].clamp(-1, 7)) / 4
        return b[:, 2] - w / 2, b[:, 3] - h / 2, b[:, 2] + w / 2, b[:, 3] + h / 2
    a, b = corners(pred), corners(target)
    iw = (torch.minimum(a[2], b[2]) - torch.maximum(a[0], b[0])).clamp(min=0)
    ih = (torch.minimum(a[3], b[3]) - torch.maximum(a[1], b[1])).clamp(min=0)
    inter = iw * ih
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
    hull = (torch.maximum(a[2], b[2]) - torch.minimum(a[0], b[0])) * (torch.maximum(a[3], b[3]) - torch.minimum(a[1], b[1]))
    giou = inter / union - (hull - union) / hull
    return ((l1 + 1.5 * (1 - giou).unsqueeze(1)) * weight).sum() / weight.sum().clamp(min=1)


def players_batch(frames, patches, rng, step):
    """Alternately 32 crops of 320x192 and whole pictures: 6 of 736x416, every fourth time 2 of 1280x736 (for --img-size 1280). All cost
    the same; the roles of people need the whole view."""
    whole = step % 2 == 1
    w, h, n = (320, 192, 32) if not whole else (1280, 736, 2) if step % 8 == 7 else (736, 416, 6)
    xs, ts = [], []
    for _ in range(n):
        x, boxes, ign = D.players_sample(frames, patches, rng, w, h, whole)
        xs.append(x)
        ts.append(D.players_target(boxes, ign, w, h))
    return torch.from_numpy(np.stack(xs)), [torch.from_numpy(np.stack(t)) for t in zip(*ts)]


def players_loss(out, t):
    heat, box, weight, mask = t
    by_class = torch.tensor(HEAT_WEIGHT, device=heat.device).view(1, 4, 1, 1)
    boxes = 0.7 * box_loss(out["box"], box[:, 0], weight[:, 0]) + 0.15 * box_loss(out["ball_box"], box[:, 1], weight[:, 1])
    return focal(out["heat"], heat, by_class, mask) + boxes


def pitch_batch(frames, patches, rng, step):
    w, h = [(480, 288), (320, 192), (480, 288), (416, 256)][step % 4]
    xs, ts = [], []
    for _ in range(16):
        x, pts = D.pitch_sample(frames, rng, w, h)
        xs.append(x)
        ts.append(D.pitch_target(pts, w, h))
    return torch.from_numpy(np.stack(xs)), [torch.from_numpy(np.stack(t)) for t in zip(*ts)]


def pitch_loss(out, t):
    heat, off, weight = t
    l1 = ((out["offset"] - off).abs().sum(1, keepdim=True) * weight).sum() / weight.sum().clamp(min=1)
    return focal(out["heat"], heat) + 1.5 * l1


BATCH = {"players": (players_batch, players_loss), "pitch": (pitch_batch, pitch_loss)}


_feed = None


def _make(step):
    make, frames, patches, seed = _feed
    cv2.setRNGSeed(seed * 1000003 + step)  # noise comes from OpenCV's own generator
    return make(frames, patches, np.random.default_rng([seed, step]), step)


def batches(make, frames, patches, seed, step, workers=1):
    """Yields the batches of step, step + 1, …, made in other processes; the same for any number of workers."""
    global _feed
    ahead = workers + 2
    _feed = (make, frames, patches, seed)
    if not workers:
        while True:
            yield _make(step)
            step += 1
    with multiprocessing.get_context("fork").Pool(workers, torch.set_num_threads, (1,)) as pool:
        queue = collections.deque(pool.apply_async(_make, (step + i,)) for i in range(ahead))
        while True:
            yield queue.popleft().get()
            queue.append(pool.apply_async(_make, (step + ahead,)))
            step += 1


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("kind", choices=GRAPHS)
    ap.add_argument("--data", required=True, help="folder with players/ and pitch/")
    ap.add_argument("--extra", nargs="*", default=[], help="further folders of the same form (of synth.py, pseudo.py)")
    ap.add_argument("--work", required=True, help="folder for cache, checkpoints and log")
    ap.add_argument("--steps", type=int, default=12000)
    ap.add_argument("--deadline", help="HH:MM; the learning rate then falls with the clock instead of the steps (shared machines)")
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--device", help="cpu or cuda, default cuda when there is one")
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--workers", type=int, help="processes that prepare pictures, default 1, with a GPU all cores but one, at most 16")
    ap.add_argument("--eval-minutes", type=float, default=10)
    ap.add_argument("--init", help="start from the weights of this checkpoint, or of a file as it ships (.onnx)")
    ap.add_argument("--drawn-balls", type=float, default=0, metavar="SHARE", help="share of the pasted balls that are drawn, not cut out")
    ap.add_argument("--new-shoes", type=float, default=0, metavar="SHARE", help="share of the pictures in which people get bright shoes")
    ap.add_argument("--name", help="name of the checkpoint, default the kind")
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    name = a.name or a.kind
    os.makedirs(a.work, exist_ok=True)
    cache = os.path.join(a.work, "cache")
    frames, patches = D.training_set([a.data] + a.extra, a.kind, a.work, a.drawn_balls, a.new_shoes)
    val = D.Frames([a.data] + a.extra, a.kind, cache, val=True)
    log = open(os.path.join(a.work, name + ".log"), "a", buffering=1)

    def say(**kw):
        line = json.dumps(dict(time=time.strftime("%H:%M:%S"), **kw))
        print(line, flush=True)
        log.write(line + "\n")

    graph = GRAPHS[a.kind]()
    device = torch.device(a.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    net = Net(graph).to(device, memory_format=torch.channels_last)
    ema = Net(graph).to(device)
    ema.load_state_dict(net.state_dict())
    decay, other = [p for p in net.parameters() if p.ndim > 1], [p for p in net.parameters() if p.ndim <= 1]
    opt = torch.optim.AdamW([dict(params=decay, weight_decay=0.02), dict(params=other, weight_decay=0.0)], lr=a.lr)
    ck, step = os.path.join(a.work, name + ".pt"), 0
    if os.path.exists(ck):
        s = torch.load(ck, map_location=device, weights_only=True)
        net.load_state_dict(s["net"]), ema.load_state_dict(s["ema"]), opt.load_state_dict(s["opt"])
        step = s["step"]
    elif a.init and a.init.endswith(".onnx"):
        some = batches(BATCH[a.kind][0], frames, patches, a.seed, 0, workers=0)
        unfold(net, a.init, [next(some)[0] for _ in range(16)])
        ema.load_state_dict(net.state_dict())
    elif a.init:
        s = torch.load(a.init, map_location=device, weights_only=True)
        net.load_state_dict(s["ema"]), ema.load_state_dict(s["ema"])
    make, loss_of = BATCH[a.kind]
    launch, done0 = time.time(), s.get("progress", step / a.steps) if step else 0.0
    if a.deadline:
        hm = [int(v) for v in a.deadline.split(":")]
        now = time.localtime(launch)
        left = ((hm[0] * 60 + hm[1]) * 60 - (now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec)) % 86400  # also past midnight
    say(event="start", step=step, frames=len(frames), val=len(val))
    saved = evaluated = tick = time.time()
    total, count = 0.0, 0
    progress = done0
    workers = a.workers if a.workers is not None else 1 if device.type == "cpu" else max(1, min(16, (os.cpu_count() or 2) - 1))
    feed = batches(make, frames, patches, a.seed, step, workers)
    while progress < 1:
        x, t = next(feed)
        lr = a.lr * min(1, (step + 1) / (80 if a.init else 300)) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        for g in opt.param_groups:
            g["lr"] = lr
        net.train()
        with torch.autocast(device.type, torch.bfloat16):
            out = net(x.to(device, memory_format=torch.channels_last))
        loss = loss_of(out, [v.to(device) for v in t])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        if torch.isfinite(loss):
            opt.step()
        step += 1
        progress = min(1.0, done0 + (1 - done0) * (time.time() - launch) / left) if a.deadline else step / a.steps
        d = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for p, q in zip(ema.state_dict().values(), net.state_dict().values()):
                p.lerp_(q, 1 - d) if p.is_floating_point() else p.copy_(q)
        total, count = total + float(loss.detach()), count + 1
        now = time.time()
        if step % 100 == 0:
            say(step=step, loss=round(total / count, 4), lr=round(lr, 6), s_per_step=round((now - tick) / count, 3))
            total, count, tick = 0.0, 0, now
        if now - saved > 120 or progress >= 1:
            torch.save(dict(net=net.state_dict(), ema=ema.state_dict(), opt=opt.state_dict(), step=step, progress=progress), ck + ".tmp")
            os.replace(ck + ".tmp", ck)
            saved = now
        if now - evaluated > 60 * a.eval_minutes or progress >= 1:
            say(step=step, **E.quick(a.kind, ema, val))
            evaluated = tick = time.time()
            count, total = 0, 0.0


if __name__ == "__main__":
    main()
