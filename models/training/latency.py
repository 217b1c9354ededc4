"""Cost of the shipped files against an int8 YOLOv8n at 640x384 in the same run: python latency.py ../players.onnx ../pitch.onnx.

YOLOv8n comes from its published structure with random weights (pip install ultralytics), quantised whole by ONNX Runtime;
the weights do not change the time. One frame a network, best of many rounds taken in turn, because machines drift.
"""
import argparse
import json
import os
import tempfile
import time

import numpy as np
import onnx
import openvino as ov


def yolov8n(path, width=640, height=384):
    import torch
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from ultralytics import YOLO
    torch.manual_seed(0)
    m = YOLO("yolov8n.yaml").model.eval()
    for b in m.modules():
        if isinstance(b, torch.nn.BatchNorm2d):  # else the signal dies out in denormal numbers, which are slow
            b.running_mean.normal_(0, 0.1), b.running_var.uniform_(0.5, 1.5)
    m = m.fuse()
    m.model[-1].export, m.model[-1].format = True, "onnx"
    raw = path + ".f32"
    torch.onnx.export(m, torch.rand(1, 3, height, width), raw, opset_version=17, input_names=["input"], dynamo=False)

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = 4

        def get_next(self):
            self.left -= 1
            return {"input": np.random.default_rng(self.left).random((1, 3, height, width), np.float32)} if self.left >= 0 else None

    quantize_static(raw, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    op_types_to_quantize=["Conv", "Concat", "MaxPool", "Add", "Mul", "Resize"])


def request(path, threads):
    core = ov.Core()
    model = core.read_model(path)
    meta = {p.key: p.value for p in onnx.load(path).metadata_props}
    if "touchline.width" in meta:
        w, h = int(meta["touchline.width"]), int(meta["touchline.height"])
        model.reshape([1, 6, h // 2, w // 2])
        x = np.random.default_rng(0).integers(16, 235, (1, 6, h // 2, w // 2), np.uint8)
    else:
        x = np.random.default_rng(0).random(list(model.inputs[0].shape), np.float32)
    r = core.compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}).create_infer_request()
    return lambda: r.infer([x])


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("models", nargs="+")
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--rounds", type=int, default=200)
    a = ap.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        y = os.path.join(tmp, "yolov8n.onnx")
        yolov8n(y)
        runs = {n: request(n, a.threads) for n in [y] + a.models}
    best = {n: [] for n in runs}
    for _ in range(a.rounds):
        for n, f in runs.items():
            t = time.perf_counter()
            f()
            best[n].append(time.perf_counter() - t)
    ms = {os.path.basename(n): round(1e3 * min(t), 2) for n, t in best.items()}
    print(json.dumps(dict(ms=ms, share=round(sum(ms[os.path.basename(n)] for n in a.models) / ms["yolov8n.onnx"], 3), threads=a.threads)))


if __name__ == "__main__":
    main()
