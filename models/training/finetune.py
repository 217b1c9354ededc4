"""Quantisation-aware fine-tuning: python finetune.py players|pitch CHECKPOINT OUT --data ROOT --work DIR.

Takes a checkpoint of train.py, folds the batch norms, calibrates the activation scales, then trains on with weights and
activations rounded as in the int8 file (straight-through gradients, learned scales). OUT goes to export.py. Resumes.
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch

import data as D
import evaluate as E
import export as X
import quant as Q
from net import GRAPHS, Net, fold
from train import BATCH


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("kind", choices=GRAPHS)
    ap.add_argument("checkpoint")
    ap.add_argument("out")
    ap.add_argument("--data", required=True)
    ap.add_argument("--extra", nargs="*", default=[])
    ap.add_argument("--work", required=True)
    ap.add_argument("--steps", type=int, default=500)
    ap.add_argument("--lr", type=float, default=2e-4)
    ap.add_argument("--seed", type=int, default=101)
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    roots, cache = [a.data] + a.extra, os.path.join(a.work, "cache")
    (frames, patches), val = D.training_set(roots, a.kind, a.work), D.Frames(roots, a.kind, cache, val=True)
    net, step = Net(GRAPHS[a.kind]()), 0
    if os.path.exists(a.out):
        s = torch.load(a.out, weights_only=True)
        net = fold(net)
        net.load_state_dict(s["raw"])
        q, step = Q.Quantised(net, s["raw_scales"]), s["step"]
        avg = {k: v.clone() for k, v in s["avg"].items()}
    else:
        net.load_state_dict(torch.load(a.checkpoint, map_location="cpu", weights_only=True)["ema"])
        net = fold(net)
        batches = X.calibration_batches(a.kind, roots, a.work)
        scales = Q.calibrate(net, batches)
        q = Q.Quantised(Q.correct_bias(net, scales, batches[:2]), scales)
        avg = {k: v.clone() for k, v in q.state_dict().items()}
        print(json.dumps(dict(event="after calibration", **E.quick(a.kind, q, val))), flush=True)
    q.net.to(memory_format=torch.channels_last)
    opt = torch.optim.AdamW([dict(params=list(q.net.parameters()), lr=a.lr), dict(params=list(q.log_scale.parameters()), lr=a.lr)], weight_decay=0.0)
    make, loss_of = BATCH[a.kind]
    saved = time.time()
    while step < a.steps:
        x, t = make(frames, patches, np.random.default_rng([a.seed, step]), step)
        for g in opt.param_groups:
            g["lr"] = a.lr * min(1, (step + 1) / 30) * 0.5 * (1 + math.cos(math.pi * step / a.steps))
        with torch.autocast("cpu", torch.bfloat16):
            out = q(x.to(memory_format=torch.channels_last))
        loss = loss_of(out, t)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(q.parameters(), 2.0)
        opt.step()
        step += 1
        with torch.no_grad():
            for k, v in q.state_dict().items():
                avg[k].lerp_(v, 1 - min(0.99, (1 + step) / (10 + step)))
        if step % 50 == 0:
            print(json.dumps(dict(time=time.strftime("%H:%M:%S"), step=step, loss=round(float(loss.detach()), 3))), flush=True)
        if time.time() - saved > 120 or step == a.steps:
            best = Q.Quantised(fold(Net(GRAPHS[a.kind]())), q.scales())
            best.load_state_dict(avg)
            torch.save(dict(net=best.net.state_dict(), scales=best.scales(), raw=q.net.state_dict(), raw_scales=q.scales(), avg=avg, step=step), a.out + ".tmp")
            os.replace(a.out + ".tmp", a.out)
            saved = time.time()
    print(json.dumps(dict(event="done", **E.quick(a.kind, best, val))), flush=True)


if __name__ == "__main__":
    main()
