"""python3 opencv.py JOBS: the same as onnxruntime.js with OpenCV's DNN module, whose first output is read."""
import json
import sys

import cv2
import numpy as np

report = []
for job in json.load(open(sys.argv[1])):
    net = cv2.dnn.readNetFromONNX(job["model"])
    runs = []
    for run in job["runs"]:
        net.setInput(np.fromfile(run["input"], np.float32).reshape(run["dims"]))
        (name, path), = run["outputs"].items()
        result = net.forward()
        result.astype(np.float32).tofile(path)
        runs.append({name: list(result.shape)})
    report.append(runs)
print(json.dumps(report))
