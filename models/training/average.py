"""The mean of two or more checkpoints: python average.py players|pitch OUT CHECKPOINT... --data ROOT --work DIR.

For checkpoints of which each went on from the one before: their weights lie in one valley, and the middle of it is better than either
side (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima"). Statistics of the batch norms are counted anew on training batches.
"""
import argparse
import itertools

import torch

import data as D
from net import GRAPHS, Net
from train import BATCH, batches


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("kind", choices=GRAPHS)
    ap.add_argument("out")
    ap.add_argument("checkpoints", nargs="+")
    ap.add_argument("--data", required=True)
    ap.add_argument("--work", required=True)
    ap.add_argument("--extra", nargs="*", default=[])
    ap.add_argument("--batches", type=int, default=64)
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--threads", type=int, default=1)
    a = ap.parse_args()
    torch.set_num_threads(a.threads)
    states = [torch.load(c, map_location="cpu", weights_only=True)["ema"] for c in a.checkpoints]
    frames, patches = D.training_set([a.data] + a.extra, a.kind, a.work)
    net = Net(GRAPHS[a.kind]())
    net.load_state_dict({k: sum(s[k] for s in states) / len(states) if v.is_floating_point() else v for k, v in states[0].items()})
    for bn in net.bns.values():
        bn.reset_running_stats()
        bn.momentum = None  # the plain mean over all batches
    net.train()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for x, _ in itertools.islice(batches(BATCH[a.kind][0], frames, patches, a.seed, 0), a.batches):
            net(x.to(memory_format=torch.channels_last))
    torch.save(dict(ema=net.state_dict()), a.out)


if __name__ == "__main__":
    main()
