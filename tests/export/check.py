"""python3 check.py FILE...: ONNX's own checker, with strict shape inference; the shapes of the outputs as JSON."""
import json
import sys

import onnx
import onnx.checker
import onnx.shape_inference

report = []
for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    report.append({o.name: [d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim] for o in inferred.graph.output})
print(json.dumps(report))
