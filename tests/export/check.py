"""python3 check.py FILE...: ONNX's own checker, then strict shape inference; the shapes of the outputs as JSON."""
import json
import sys

import onnx
import onnx.checker
import onnx.shape_inference

report = []
for path in sys.argv[1:]:
    onnx.checker.check_model(path)
    model = onnx.load(path)
    for tensor in model.graph.initializer:  # inference asks for their shapes only, and would copy them five times
        if len(tensor.raw_data) > 1024:
            tensor.ClearField("raw_data")
    model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    report.append({o.name: [d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim] for o in model.graph.output})
print(json.dumps(report))
