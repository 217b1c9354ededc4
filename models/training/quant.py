"""Quantisation of a folded Net in PyTorch: calibration, bias correction and fake quantisation for fine-tuning.

The simulation matches export.py exactly: weights int8 symmetric per output channel, ReLU outputs u8 with zero point 0.
"""
import numpy as np
import torch
import torch.nn.functional as F

from export import scale_groups


def ste(x, y):
    """Value of y, gradient of x."""
    return x + (y - x).detach()


def fake_weight(w):
    s = w.detach().abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-8) / 127
    return ste(w, torch.clamp(torch.round(w / s), -127, 127) * s)


class Quantised(torch.nn.Module):
    """Runs a folded Net as the int8 file will; float_convs keep their weights in f32."""

    def __init__(self, net, scales, float_convs=()):
        super().__init__()
        self.net, self.groups, self.float_convs = net, scale_groups(net.graph), set(float_convs)
        self.log_scale = torch.nn.ParameterDict({g: torch.nn.Parameter(torch.tensor(float(np.log(s)))) for g, s in scales.items()})

    def scales(self):
        return {g: float(p.detach().exp()) for g, p in self.log_scale.items()}

    def forward(self, x):
        # learned step sizes: the clip and the scaling carry the gradient, the rounding passes it through (LSQ, Esser et al. 2020)
        def tap(name, y):
            p = self.log_scale[self.groups[name]]
            s = (p * 0.02 + (p * 0.98).detach()).exp()  # slow step size
            z = torch.clamp(y.float() / s, 0, 255)
            return (ste(z, torch.round(z)) * s).to(y.dtype)
        v = {"input": (x.float() - 128) / 64}
        for n in self.net.graph.nodes:
            src = [v[s] for s in n["src"]]
            if n["op"] == "conv":
                c = self.net.convs[n["name"]]
                w = c.weight if n["name"] in self.float_convs else fake_weight(c.weight)
                y = F.conv2d(src[0], w, c.bias, c.stride, c.padding, c.dilation)
                y = tap(n["name"], F.relu(y)) if n["relu"] else y
            elif n["op"] == "cat":
                y = torch.cat(src, 1)
            else:
                y = F.interpolate(src[0], scale_factor=2, mode="nearest")
            v[n["name"]] = y
        return {k: v[s].float() for k, s in self.net.graph.outputs.items()}


@torch.no_grad()
def calibrate(net, batches, seed=0):
    """{group: scale} with the least squared error of u8 rounding and clipping over what `batches` (u8 tensors) give."""
    groups, seen, top = scale_groups(net.graph), {}, {}
    gen = torch.Generator().manual_seed(seed)

    def tap(name, y):
        flat = y.float().flatten()
        pick = flat[torch.randint(len(flat), (20000,), generator=gen)]
        big = flat.topk(200).values  # rare large values decide how a ball is seen
        seen.setdefault(groups[name], []).append((pick, big, len(flat)))
        return y

    for x in batches:
        net(x, tap)
    scales = {}
    for g, parts in seen.items():
        mx = max(float(b.max()) for _, b, _ in parts)
        v = torch.cat([p for p, _, _ in parts])
        best = None
        for r in np.linspace(0.25, 1.0, 31):
            s = max(mx * r, 1e-6) / 255
            body = ((torch.clamp(torch.round(v / s), 0, 255) * s - v) ** 2).mean()
            tail = sum(((b - s * 255).clamp(min=0) ** 2).sum() / n for _, b, n in parts) / len(parts)
            inside = ((v - s * 255).clamp(min=0) ** 2).mean()  # the tail is counted from `big`, not from the sample
            e = float(body - inside + tail)
            if best is None or e < best[0]:
                best = (e, s)
        scales[g] = best[1]
    return scales


@torch.no_grad()
def correct_bias(net, scales, batches, float_convs=()):
    """Shifts each convolution's bias so that its mean pre-activation equals that of the f32 net (Nagel et al. 2019)."""
    groups = scale_groups(net.graph)
    want = {}
    state = [{"input": (x.float() - 128) / 64} for x in batches]
    quant = [dict(s) for s in state]
    for n in net.graph.nodes:
        for vals, q in ((state, False), (quant, True)):
            pres = []
            for v in vals:
                src = [v[s] for s in n["src"]]
                if n["op"] == "cat":
                    v[n["name"]] = torch.cat(src, 1)
                elif n["op"] == "up":
                    v[n["name"]] = F.interpolate(src[0], scale_factor=2, mode="nearest")
                else:
                    c = net.convs[n["name"]]
                    w = fake_weight(c.weight) if q and n["name"] not in float_convs else c.weight
                    pres.append(F.conv2d(src[0], w, c.bias, c.stride, c.padding, c.dilation))
            if n["op"] != "conv":
                continue
            mean = sum(p.mean((0, 2, 3)) for p in pres) / len(pres)
            if not q:
                want[n["name"]] = mean
                shift = 0
            else:
                shift = want[n["name"]] - mean
            for v, p in zip(vals, pres):
                p = p + (shift[None, :, None, None] if q else 0)
                if n["relu"]:
                    p = F.relu(p)
                    if q:
                        s = scales[groups[n["name"]]]
                        p = torch.clamp(torch.round(p / s), 0, 255) * s
                v[n["name"]] = p
            if q:
                net.convs[n["name"]].bias.data += shift
    return net
