"""python3 torch_onnx.py MODEL H W THREADS RUNS: times an exported network in PyTorch; prints JSON. Used by bench/compare.

The nodes of the ONNX file become torch calls (Sigmoid and Mul of one value become silu_), traced and frozen; the better
of the traced and the plain form counts."""
import json
import re
import sys
import time

import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F


class Network(torch.nn.Module):
    """Runs the operators that `yolo9 export --raw` writes for the built-in networks."""

    def __init__(self, graph):
        super().__init__()
        self.outputs = [o.name for o in graph.output]
        self.constants = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in graph.initializer}
        for i, (name, t) in enumerate(self.constants.items()):
            self.register_buffer(f"t{i}", t)
        self.nodes, sigmoids = [], {}
        for n in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in n.attribute}
            if n.op_type == "Sigmoid":
                sigmoids[n.output[0]] = n.input[0]
            elif n.op_type == "Mul" and sigmoids.get(n.input[1]) == n.input[0]:
                self.nodes.append(("Silu", [n.input[0]], n.output[0], {}))
            else:
                self.nodes.append((n.op_type, list(n.input), n.output[0], attributes))

    def run_node(self, op, x, a):
        if op == "Conv":
            return F.conv2d(x[0], x[1], x[2] if len(x) > 2 else None, a["strides"], a["pads"][:2], a["dilations"], a["group"])
        if op == "Silu":
            return F.silu(x[0])
        if op == "Relu":
            return F.relu(x[0])
        if op == "Add":
            return x[0] + x[1]
        if op == "Concat":
            return torch.cat(x, a["axis"])
        if op == "Slice":
            first, end, axis = (int(t) for t in x[1:4])
            return x[0].narrow(axis, first, end - first)
        if op == "MaxPool":
            return F.max_pool2d(x[0], a["kernel_shape"], a["strides"], a["pads"][:2])
        if op == "AveragePool":
            return F.avg_pool2d(x[0], a["kernel_shape"], a["strides"])
        if op == "Resize":
            return F.interpolate(x[0], scale_factor=float(x[2][2]), mode="nearest")
        raise SystemExit(f"torch_onnx.py does not know {op}")

    def forward(self, images):
        values = dict(self.constants, images=images)
        for op, names, output, attributes in self.nodes:
            values[output] = self.run_node(op, [values[n] for n in names], attributes)
        return tuple(values[o] for o in self.outputs)


def measure(net, images, runs):
    times = []
    for i in range(-2, runs):
        start = time.perf_counter()
        net(images)
        if i >= 0:
            times.append(1e3 * (time.perf_counter() - start))
    times.sort()
    return {"median_ms": times[len(times) // 2], "min_ms": times[0]}


model, (h, w, threads, runs) = sys.argv[1], map(int, sys.argv[2:6])
torch.set_num_threads(threads)
with torch.no_grad():
    net = Network(onnx.load(model).graph).eval()
    images = (torch.arange(3 * h * w, dtype=torch.float32) * 7 % 256 / 255).reshape(1, 3, h, w)
    results = [measure(net, images, runs), measure(torch.jit.freeze(torch.jit.trace(net, images).eval()), images, runs)]
best = min(results, key=lambda r: r["median_ms"])
peak = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read()).group(1)) / 1024
print(json.dumps({**best, "peak_mb": peak, "version": torch.__version__}))
