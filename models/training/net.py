"""The house networks as small graphs of plain convolutions.

A network is a list of nodes (conv 3x3 / 1x1 + ReLU, concatenation, 2x nearest upsampling); the same list builds the
PyTorch module here and the int8 ONNX file in export.py, so what is trained and what ships cannot drift apart.
Input: u8 [N,6,H/2,W/2], YUV 4:2:0 with the luma in 2x2 space-to-depth (see ../README.md). Inside the net it is
(x - 128) / 64, so the zero padding of the first convolution means mid grey.
Blocks: ELAN/CSP without residual sums (Wang et al. 2022, "Designing Network Design Strategies Through Gradient Path
Analysis"), because concatenations of ReLU outputs stay in u8 while sums need requantising.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

INPUT_ZERO, INPUT_SCALE = 128, 1.0 / 64

PLAYER_NAMES = ["ball", "goalkeeper", "player", "referee"]


class Graph:
    """Records nodes: dict(name, op, src, ...). Channel counts are tracked so that `conv` needs only its output width."""

    def __init__(self, cin=6):
        self.nodes, self.width, self.outputs = [], {"input": cin}, {}

    def _add(self, op, src, cout, **kw):
        name = f"{op}{len(self.nodes)}"
        self.nodes.append(dict(name=name, op=op, src=src, cout=cout, **kw))
        self.width[name] = cout
        return name

    def conv(self, src, cout, k=3, s=1, relu=True, bias0=0.0, dil=1):
        return self._add("conv", [src], cout, k=k, s=s, dil=dil, relu=relu, cin=self.width[src], bias0=bias0)

    def cat(self, *src):
        return self._add("cat", list(src), sum(self.width[s] for s in src))

    def up(self, src):
        return self._add("up", [src], self.width[src])

    def elan(self, src, cout, n, mid=None):
        """1x1 to `mid`, then n 3x3 convolutions in a chain; everything concatenated and mixed by a 1x1."""
        mid = mid or max(16, cout // 2)
        parts = [self.conv(src, mid, 1)]
        for _ in range(n):
            parts.append(self.conv(parts[-1], mid, 3))
        return self.conv(self.cat(*parts), cout, 1)

    def output(self, name, src):
        self.outputs[name] = src


def trunk(g, widths, depths):
    """Strides 2, 4, 8, 16, 32; returns the names of the last four."""
    x = g.conv("input", widths[0], 3)
    feats = []
    for i, (w, n) in enumerate(zip(widths[1:], depths)):
        x = g.conv(x, w, 3, s=2)
        x = g.elan(x, w, n, 32 if i == 0 and w > 32 else None)
        feats.append(x)
    return feats


def top_down(g, feats, widths, depths):
    """From stride 32 back up; `widths`/`depths` from coarse to fine, one per level."""
    x = feats[-1]
    for f, w, n in zip(reversed(feats[:-1]), widths, depths):
        x = g.cat(g.up(g.conv(x, w, 1)), f)
        x = g.elan(x, w, n)
    return x


def context(g, src, mid=64):
    """Widens the view at the coarsest level: dilated 3x3 convolutions (2, then 4 cells apart), concatenated with their input."""
    x = g.conv(src, mid, 1)
    near = g.conv(x, mid, 3, dil=2)
    return g.cat(src, near, g.conv(near, mid, 3, dil=4))


def players_graph(widths=(16, 48, 64, 128, 192), depths=(1, 2, 2, 2), up_widths=(128, 64, 32), up_depths=(1, 1, 2), head=32):
    """heat [N,4,H/4,W/4] logits, box and ball_box [N,4,H/4,W/4] = log w, log h (pixels), dx, dy (cells) of people and of balls."""
    g = Graph()
    feats = trunk(g, widths, depths)
    feats[-1] = context(g, feats[-1])  # who is a referee shows beside the others
    x = top_down(g, feats, up_widths, up_depths)
    g.output("heat", g.conv(g.conv(x, head), 4, 1, relu=False, bias0=-4.0))
    size = g.conv(x, head)
    g.output("box", g.conv(size, 4, 1, relu=False))
    g.output("ball_box", g.conv(size, 4, 1, relu=False))  # a ball at somebody's feet is in a cell of two boxes
    g.meta = dict(head="centers", stride=4, width=800, height=448, high="1280x736", tallest=0.25)
    return g


def pitch_graph(widths=(16, 32, 64, 128, 192), depths=(1, 2, 2, 3), up_widths=(128, 64), up_depths=(2, 2), head=64):
    """heat [N,32,H/8,W/8] logits, offset [N,2,H/8,W/8] in cells."""
    g = Graph()
    x = top_down(g, trunk(g, widths, depths), up_widths, up_depths)
    g.output("heat", g.conv(g.conv(x, head), 32, 1, relu=False, bias0=-4.0))
    g.output("offset", g.conv(g.conv(x, 32), 2, 1, relu=False))
    g.meta = dict(head="points", stride=8, width=512, height=288)
    return g


GRAPHS = {"players": players_graph, "pitch": pitch_graph}


class Net(nn.Module):
    """A Graph as a module. `quant` (set by export.py) maps tensor names to fake-quantisation scales for QAT."""

    def __init__(self, graph):
        super().__init__()
        self.graph, self.convs, self.bns, self.quant = graph, nn.ModuleDict(), nn.ModuleDict(), None
        for n in graph.nodes:
            if n["op"] != "conv":
                continue
            conv = nn.Conv2d(n["cin"], n["cout"], n["k"], n["s"], n["dil"] * (n["k"] // 2), n["dil"], bias=not n["relu"])
            nn.init.kaiming_normal_(conv.weight, mode="fan_in", nonlinearity="relu")
            if n["relu"]:
                self.bns[n["name"]] = nn.BatchNorm2d(n["cout"], eps=1e-3, momentum=0.03)
            else:
                nn.init.normal_(conv.weight, std=0.01)
                nn.init.constant_(conv.bias, n["bias0"])
            self.convs[n["name"]] = conv

    def forward(self, x, tap=None):
        """x: u8 [N,6,h,w]; returns {output name: f32 tensor}. `tap(name, tensor)` sees and may replace every activation."""
        dtype = torch.bfloat16 if torch.is_autocast_enabled(x.device.type) else torch.float32
        v = {"input": (x.to(dtype) - INPUT_ZERO) * INPUT_SCALE}
        for n in self.graph.nodes:
            src = [v[s] for s in n["src"]]
            if n["op"] == "conv":
                y = self.convs[n["name"]](src[0])
                if n["relu"]:
                    y = F.relu(self.bns[n["name"]](y)) if n["name"] in self.bns else F.relu(y)
                if tap is not None and n["relu"]:
                    y = tap(n["name"], y)
            elif n["op"] == "cat":
                y = torch.cat(src, 1)
            else:
                y = F.interpolate(src[0], scale_factor=2, mode="nearest")
            v[n["name"]] = y
        return {k: v[s].float() for k, s in self.graph.outputs.items()}


def gflop(graph, width=None, height=None):
    """2 x multiply-adds of all convolutions at the given input size, in 1e9."""
    w, h = width or graph.meta["width"], height or graph.meta["height"]
    scale, total = {"input": 2}, 0
    for n in graph.nodes:
        s = scale[n["src"][-1 if n["op"] == "cat" else 0]]
        if n["op"] == "conv":
            s *= n["s"]
            total += 2 * (w // s) * (h // s) * n["cin"] * n["cout"] * n["k"] ** 2
        elif n["op"] == "up":
            s //= 2
        scale[n["name"]] = s
    return total / 1e9


def fold(net):
    """Batch norms folded into their convolutions, in place; returns the net in eval mode."""
    net.eval()
    for name, bn in list(net.bns.items()):
        conv = net.convs[name]
        k = bn.weight / torch.sqrt(bn.running_var + bn.eps)
        conv.weight.data *= k.detach()[:, None, None, None]
        b = conv.bias.data if conv.bias is not None else 0
        conv.bias = nn.Parameter(((b - bn.running_mean) * k + bn.bias).detach())
        del net.bns[name]
    return net


@torch.no_grad()
def unfold(net, path, batches):
    """The weights of a shipped file (export.py) in a Net that can be trained on; returns the net.

    Every batch norm gets the mean and the spread that its convolution gives on `batches` (u8 tensors), and the weight and bias that
    undo them, so the net starts as the file, whose int8 weights are all that is lost."""
    import onnx
    values = {i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in onnx.load(path).graph.initializer}
    folded = fold(Net(net.graph))
    for name, conv in folded.convs.items():
        weight = values[f"{name}.w"].float()
        if f"{name}.ws" in values:
            weight *= values[f"{name}.ws"][:, None, None, None]
        conv.weight.copy_(weight), conv.bias.copy_(values[f"{name}.b"])
    sums = {name: [0.0, 0.0, 0.0] for name in net.bns}
    hooks = []
    for name, acc in sums.items():
        def count(_, __, y, acc=acc, bias=folded.convs[name].bias):
            y = y.double() - bias[None, :, None, None]
            acc[0] += y.numel() / y.shape[1]
            acc[1] += y.sum((0, 2, 3))
            acc[2] += (y * y).sum((0, 2, 3))
        hooks.append(folded.convs[name].register_forward_hook(count))
    for x in batches:
        folded(x)
    for hook in hooks:
        hook.remove()
    for name, conv in net.convs.items():
        conv.weight.copy_(folded.convs[name].weight)
        if conv.bias is not None:
            conv.bias.copy_(folded.convs[name].bias)
            continue
        n, total, squares = sums[name]
        bn, mean = net.bns[name], total / n
        variance = (squares / n - mean * mean).clamp(min=0)
        bn.running_mean.copy_(mean), bn.running_var.copy_(variance)
        bn.weight.copy_(torch.sqrt(variance + bn.eps)), bn.bias.copy_(mean + folded.convs[name].bias)
    return net
