"""Writes a trained network as one ONNX file with QDQ nodes: u8 in, int8 inside, f32 out.

Weights int8 symmetric per output channel, activations u8 with zero point 0 (they follow a ReLU), one scale for all
tensors that meet in a concatenation, so no requantisation is needed there. Scales come from calibration (a percentile
of what training frames give, chosen per tensor by squared error) or from quantisation-aware training.
"""
import numpy as np
import onnx
import torch
from onnx import TensorProto as T, helper as h, numpy_helper as nh

from net import INPUT_SCALE, INPUT_ZERO


def scale_groups(graph):
    """{tensor: group}: tensors that share one activation scale (inputs and output of cat, input and output of up)."""
    parent = {}

    def find(a):
        parent.setdefault(a, a)
        while parent[a] != a:
            a = parent[a]
        return a

    for n in graph.nodes:
        find(n["name"])
        if n["op"] in ("cat", "up"):
            for s in n["src"]:
                parent[find(s)] = find(n["name"])
    return {n["name"]: find(n["name"]) for n in graph.nodes}


def weight_scales(w):
    """Per-output-channel symmetric scale [O] of a weight [O,I,k,k]."""
    return np.maximum(np.abs(w).reshape(w.shape[0], -1).max(1), 1e-8) / 127.0


def build(net, scales, meta, float_convs=(), quantise=True):
    """net: folded Net; scales: {group: float}; returns an onnx.ModelProto. Convolutions in float_convs keep f32 weights."""
    graph, groups = net.graph, scale_groups(net.graph)
    nodes, inits = [], []

    def const(name, arr):
        inits.append(nh.from_array(np.asarray(arr), name))
        return name

    def q(name, group):
        s = const(f"{name}.s", np.float32(scales[group]))
        z = const(f"{name}.z", np.uint8(0))
        nodes.append(h.make_node("QuantizeLinear", [name, s, z], [f"{name}.q"]))
        nodes.append(h.make_node("DequantizeLinear", [f"{name}.q", s, z], [f"{name}.dq"]))
        return f"{name}.dq"

    nodes.append(h.make_node("DequantizeLinear", ["input", const("input.s", np.float32(INPUT_SCALE)), const("input.z", np.uint8(INPUT_ZERO))], ["input.dq"]))
    value = {"input": "input.dq"}
    heads = {s: k for k, s in graph.outputs.items()}
    for n in graph.nodes:
        name, src = n["name"], [value[s] for s in n["src"]]
        if n["op"] == "conv":
            conv = net.convs[name]
            w, b = conv.weight.detach().numpy().astype(np.float32), conv.bias.detach().numpy().astype(np.float32)
            if quantise and name not in float_convs:
                ws = weight_scales(w).astype(np.float32)
                wq = np.clip(np.rint(w / ws[:, None, None, None]), -127, 127).astype(np.int8)
                nodes.append(h.make_node("DequantizeLinear", [const(f"{name}.w", wq), const(f"{name}.ws", ws), const(f"{name}.wz", np.zeros(len(ws), np.int8))], [f"{name}.wd"], axis=0))
                wname = f"{name}.wd"
            else:
                wname = const(f"{name}.w", w)
            out = name if n["relu"] else heads[name]
            p = n["dil"] * (n["k"] // 2)
            nodes.append(h.make_node("Conv", [src[0], wname, const(f"{name}.b", b)], [name + ".c" if n["relu"] else out], kernel_shape=[n["k"]] * 2, dilations=[n["dil"]] * 2, strides=[n["s"]] * 2, pads=[p] * 4))
            if n["relu"]:
                nodes.append(h.make_node("Relu", [name + ".c"], [name]))
                value[name] = q(name, groups[name]) if quantise else name
        elif n["op"] == "cat":
            nodes.append(h.make_node("Concat", src, [name], axis=1))
            value[name] = q(name, groups[name]) if quantise else name
        else:
            rs = const(f"{name}.scales", np.array([1, 1, 2, 2], np.float32))
            nodes.append(h.make_node("Resize", [src[0], "", rs], [name], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"))
            value[name] = q(name, groups[name]) if quantise else name
    st = meta["stride"]
    outs = [h.make_tensor_value_info(k, T.FLOAT, ["N", graph.width[s], f"H/{st}", f"W/{st}"]) for k, s in graph.outputs.items()]
    g = h.make_graph(nodes, "touchline", [h.make_tensor_value_info("input", T.UINT8, ["N", 6, "H/2", "W/2"])], outs, inits)
    m = h.make_model(g, opset_imports=[h.make_opsetid("", 13)], producer_name="touchline")
    m.ir_version = 8
    for k, v in meta.items():
        e = m.metadata_props.add()
        e.key, e.value = f"touchline.{k}", str(v)
    onnx.checker.check_model(m)
    return m


def calibration_batches(kind, roots, work, count=48, seed=3, size=None):
    """u8 batches of 8: whole training pictures as the program letterboxes them, half of them with the training looks."""
    import data as D
    from net import GRAPHS
    frames, patches = D.training_set(roots, kind, work)
    meta, rng, xs = GRAPHS[kind]().meta, np.random.default_rng(seed), []
    width, height = size or (meta["width"], meta["height"])
    for i in range(count):
        if i % 2:
            x = D.letterbox(np.asarray(frames.maps[rng.choice(len(frames), p=frames.weight)]), width, height)[0]
        elif kind == "players":
            x = D.players_sample(frames, patches, rng, width, height, whole=True)[0]
        else:
            x = D.pitch_sample(frames, rng, width, height)[0]
        xs.append(x)
    return [torch.from_numpy(np.stack(xs[i:i + 8])) for i in range(0, count, 8)]


def main():
    import argparse
    import json
    import os
    import data as D
    from net import GRAPHS, PLAYER_NAMES, Net, fold
    import quant
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("kind", choices=GRAPHS)
    ap.add_argument("checkpoint", help="from train.py, or from finetune.py (folded, with scales)")
    ap.add_argument("out")
    ap.add_argument("--data", required=True)
    ap.add_argument("--extra", nargs="*", default=[])
    ap.add_argument("--work", required=True)
    ap.add_argument("--version", required=True)
    ap.add_argument("--thresholds", default="", help="comma-separated, from evaluate.py on the validation matches")
    ap.add_argument("--width", type=int)
    ap.add_argument("--height", type=int)
    ap.add_argument("--calibrate", metavar="WxH", help="size of the calibration pictures, default the network's")
    ap.add_argument("--float", action="store_true", help="write the f32 net instead (to compare)")
    ap.add_argument("--float-convs", default="", help="comma-separated convolutions that keep f32 weights")
    a = ap.parse_args()
    torch.set_num_threads(1)
    s = torch.load(a.checkpoint, map_location="cpu", weights_only=True)
    net = Net(GRAPHS[a.kind]())
    floats = [c for c in a.float_convs.split(",") if c]
    scales = {}
    if "scales" in s:
        net = fold(net)
        net.load_state_dict(s["net"])
        scales = s["scales"]
    else:
        net.load_state_dict(s["ema"])
        net = fold(net)
        if not a.float:
            batches = calibration_batches(a.kind, [a.data] + a.extra, a.work, size=a.calibrate and tuple(map(int, a.calibrate.split("x"))))
            scales = quant.calibrate(net, batches)
            net = quant.correct_bias(net, scales, batches[:2], floats)
    meta = net.graph.meta
    names = ",".join(PLAYER_NAMES) if a.kind == "players" else ",".join(str(i) for i in range(32))
    props = dict(head=meta["head"], input="yuv420-s2d", width=a.width or meta["width"], height=a.height or meta["height"], stride=meta["stride"],
                 thresholds=a.thresholds, names=names, version=a.version, licence="CC-BY-4.0")
    if a.kind == "players":
        props["ball_share"] = round(D.ball_share(D.Frames([a.data], a.kind, os.path.join(a.work, "cache"), val=False)), 3)
    props.update({k: meta[k] for k in ("high", "tallest") if k in meta})
    m = build(net, scales, props, floats, quantise=not a.float)
    onnx.save(m, a.out)
    print(json.dumps(dict(file=a.out, bytes=len(m.SerializeToString()), **props)))


if __name__ == "__main__":
    main()
