"""python3 opencv.py MODEL H W THREADS RUNS: times a network in OpenCV's DNN module; prints JSON. Used by bench/compare."""
import json
import re
import sys
import time

import cv2
import numpy as np

model, (h, w, threads, runs) = sys.argv[1], map(int, sys.argv[2:6])
cv2.setNumThreads(threads)
net = cv2.dnn.readNetFromONNX(model)
outputs = net.getUnconnectedOutLayersNames()
images = (np.arange(3 * h * w, dtype=np.float32) * 7 % 256 / 255).reshape(1, 3, h, w)
times = []
for i in range(-2, runs):
    net.setInput(images)
    start = time.perf_counter()
    net.forward(outputs)
    if i >= 0:
        times.append(1e3 * (time.perf_counter() - start))
times.sort()
peak = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read()).group(1)) / 1024
print(json.dumps({"median_ms": times[len(times) // 2], "min_ms": times[0], "peak_mb": peak, "version": cv2.__version__}))
