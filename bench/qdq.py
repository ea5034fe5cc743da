"""qdq.py IN.onnx OUT.onnx: the same network for 8 bits as ONNX Runtime wants it, its numbers between QuantizeLinear and
DequantizeLinear: inputs and outputs of convolutions one scale a map, weights one a channel. Ranges are guessed: what is
measured with it is time. Used by bench/compare."""
import sys

import numpy
import onnx
from onnx import helper, numpy_helper

STEP, ZERO = 8 / 255, 128  # maps: -4 .. 4; the image: 0 .. 1


def main():
    model = onnx.load(sys.argv[1])
    graph = model.graph
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    image = graph.input[0].name
    nodes, new, done = [], {}, {}

    def constant(name, value):
        new[name] = numpy_helper.from_array(value, name)
        return name

    def pair(name, to):
        """name -> quantized and back, as `to`"""
        step, zero = (1 / 255, 0) if name == image else (STEP, ZERO)
        scale = constant(f"{to}_scale", numpy.float32(step))
        point = constant(f"{to}_zero", numpy.uint8(zero))
        nodes.append(helper.make_node("QuantizeLinear", [name, scale, point], [f"{to}_q"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{to}_q", scale, point], [to]))

    for node in graph.node:
        if node.op_type != "Conv":
            nodes.append(node)
            continue
        source, target = node.input[0], node.output[0]
        if source not in done:
            done[source] = f"{source}_8"
            pair(source, done[source])
        w = weights.pop(node.input[1])
        scale = numpy.maximum(numpy.abs(w).max(axis=(1, 2, 3)), 1e-9).astype(numpy.float32) / 127
        q = numpy.clip(numpy.rint(w / scale[:, None, None, None]), -127, 127).astype(numpy.int8)
        names = [constant(f"{target}_w", q), constant(f"{target}_ws", scale), constant(f"{target}_wz", numpy.zeros(len(q), numpy.int8))]
        nodes.append(helper.make_node("DequantizeLinear", names, [f"{target}_wf"], axis=0))
        node.input[0], node.input[1] = done[source], f"{target}_wf"
        if len(node.input) > 2:
            step = scale * numpy.float32(1 / 255 if source == image else STEP)
            b = numpy.rint(weights.pop(node.input[2]) / step).clip(-2**31, 2**31 - 1).astype(numpy.int32)
            names = [constant(f"{target}_b", b), constant(f"{target}_bs", step), constant(f"{target}_bz", numpy.zeros(len(b), numpy.int32))]
            nodes.append(helper.make_node("DequantizeLinear", names, [f"{target}_bf"], axis=0))
            node.input[2] = f"{target}_bf"
        node.output[0] = f"{target}_f"
        nodes.append(node)
        pair(f"{target}_f", target)
    kept = [t for t in graph.initializer if t.name in weights]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept + list(new.values()))
    for entry in model.opset_import:
        entry.version = max(entry.version, 13)  # scales a channel
    onnx.checker.check_model(model)
    onnx.save(model, sys.argv[2])


if __name__ == "__main__":
    main()
