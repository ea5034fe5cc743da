"""python3 torch_yolov9t.py H W BATCH THREADS RUNS: times a training step of yolov9-t in PyTorch; prints JSON.

Used by bench/train_compare. Written from this project's description of the network, its heads and its loss (models/yolov9-t.yaml;
docs and comments of src/model and src/train), for timing: the work of a step is complete (both heads, task-aligned
assignment, class, box and DFL terms, clipping, SGD with Nesterov momentum, EMA), and the same random batch comes every time.
On the golden case dual_edge_tiny its loss is 232.70572; the stored one is 232.70569."""
import json
import math
import os
import re
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
import yaml

BINS, BOXES = 16, 8  # of a side; labels an image, as in `yolo9 bench --train`


class Conv(nn.Module):
    def __init__(self, ic, oc, k=1, s=1, groups=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(ic, oc, k, s, k // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(oc, eps=1e-3, momentum=0.03)
        self.act = nn.SiLU(inplace=True) if act else nn.Identity()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class AConv(nn.Module):
    def __init__(self, ic, oc):
        super().__init__()
        self.cv1 = Conv(ic, oc, 3, 2)

    def forward(self, x):
        return self.cv1(F.avg_pool2d(x, 2, 1))


class RepConvN(nn.Module):
    def __init__(self, ic, oc):
        super().__init__()
        self.conv1, self.conv2 = Conv(ic, oc, 3, act=False), Conv(ic, oc, 1, act=False)

    def forward(self, x):
        return F.silu(self.conv1(x) + self.conv2(x))


class RepNBottleneck(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.cv1, self.cv2 = RepConvN(c, c), Conv(c, c, 3)

    def forward(self, x):
        return x + self.cv2(self.cv1(x))


class RepNCSP(nn.Module):
    def __init__(self, ic, oc, n):
        super().__init__()
        h = oc // 2
        self.cv1, self.cv2, self.cv3 = Conv(ic, h), Conv(ic, h), Conv(2 * h, oc)
        self.m = nn.Sequential(*(RepNBottleneck(h) for _ in range(n)))

    def forward(self, x):
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class Elan(nn.Module):
    """ELAN1 (n = 0: plain 3x3 convolutions) and RepNCSPELAN4."""

    def __init__(self, ic, oc, c3, c4, n=0):
        super().__init__()
        self.cv1, self.cv4 = Conv(ic, c3), Conv(c3 + 2 * c4, oc)
        if n:
            self.cv2 = nn.Sequential(RepNCSP(c3 // 2, c4, n), Conv(c4, c4, 3))
            self.cv3 = nn.Sequential(RepNCSP(c4, c4, n), Conv(c4, c4, 3))
        else:
            self.cv2, self.cv3 = Conv(c3 // 2, c4, 3), Conv(c4, c4, 3)

    def forward(self, x):
        y = list(self.cv1(x).chunk(2, 1))
        y.append(self.cv2(y[-1]))
        y.append(self.cv3(y[-1]))
        return self.cv4(torch.cat(y, 1))


class Sppelan(nn.Module):
    def __init__(self, ic, oc, c3):
        super().__init__()
        self.cv1, self.cv5 = Conv(ic, c3), Conv(4 * c3, oc)

    def forward(self, x):
        y = [self.cv1(x)]
        for _ in range(3):
            y.append(F.max_pool2d(y[-1], 5, 1, 2))
        return self.cv5(torch.cat(y, 1))


class Branch(nn.Module):
    """One branch of DualDDetect: box logits (in four groups, one a side) and class logits of each level."""

    def __init__(self, channels, nc):
        super().__init__()
        c_box, c_cls = max(channels[0] // 4, 4 * BINS, 16), max(channels[0], min(2 * nc, 128))
        c_box = math.ceil(c_box / 4) * 4
        self.box = nn.ModuleList(nn.Sequential(Conv(c, c_box, 3), Conv(c_box, c_box, 3, groups=4),
                                               nn.Conv2d(c_box, 4 * BINS, 1, groups=4)) for c in channels)
        self.cls = nn.ModuleList(nn.Sequential(Conv(c, c_cls, 3), Conv(c_cls, c_cls, 3), nn.Conv2d(c_cls, nc, 1))
                                 for c in channels)
        for level, (box, cls) in enumerate(zip(self.box, self.cls)):
            nn.init.constant_(box[-1].bias, 1)
            nn.init.constant_(cls[-1].bias, math.log(5 / nc / (640 / (8 << level)) ** 2))

    def forward(self, maps):
        return [torch.cat((box(x), cls(x)), 1) for x, box, cls in zip(maps, self.box, self.cls)]


class Network(nn.Module):
    """A table of models/ that needs no more than the modules above."""

    def __init__(self, path):
        super().__init__()
        table = yaml.safe_load(open(path, encoding="utf-8"))
        self.nc, rows = table["nc"], table["backbone"] + table["head"]
        tags = {row[4]: i for i, row in enumerate(rows) if len(row) > 4}
        self.sources, self.blocks, channels = [], nn.ModuleList(), []
        for i, (source, _, module, args, *_) in enumerate(rows):
            sources = [tags.get(s, s) for s in (source if isinstance(source, list) else [source])]
            sources = [s if s >= 0 else i + s for s in sources]
            ic = [3 if s < 0 else channels[s] for s in sources]
            self.sources.append(sources)
            if module == "DualDDetect":
                half = len(ic) // 2
                self.branches = nn.ModuleList((Branch(ic[:half], self.nc), Branch(ic[half:], self.nc)))
            elif module == "Concat":
                self.blocks.append(nn.Identity())
                channels.append(sum(ic))
            elif module == "nn.Upsample":
                self.blocks.append(nn.Upsample(scale_factor=2, mode="nearest"))
                channels.append(ic[0])
            else:
                made = {"Conv": Conv, "AConv": AConv, "ELAN1": Elan, "RepNCSPELAN4": Elan, "SPPELAN": Sppelan}[module]
                self.blocks.append(made(ic[0], *args))
                channels.append(args[0])

    def forward(self, x):
        maps = []
        for sources, block in zip(self.sources, self.blocks):
            x = [x if s < 0 else maps[s] for s in sources]
            x = block(x[0] if len(x) == 1 else torch.cat(x, 1))
            maps.append(x)
        inputs = [maps[s] for s in self.sources[-1]]
        half = len(inputs) // 2
        return [self.branches[0](inputs[:half]), self.branches[1](inputs[half:])]


def ciou(a, b):
    """Complete IoU of xyxy boxes that broadcast."""
    ax1, ay1, ax2, ay2 = a.unbind(-1)
    bx1, by1, bx2, by2 = b.unbind(-1)
    aw, ah, bw, bh = ax2 - ax1, ay2 - ay1 + 1e-7, bx2 - bx1, by2 - by1 + 1e-7
    inter = (torch.min(ax2, bx2) - torch.max(ax1, bx1)).clamp(0) * (torch.min(ay2, by2) - torch.max(ay1, by1)).clamp(0)
    iou = inter / (aw * ah + bw * bh - inter + 1e-7)
    diagonal = (torch.max(ax2, bx2) - torch.min(ax1, bx1)) ** 2 + (torch.max(ay2, by2) - torch.min(ay1, by1)) ** 2 + 1e-7
    centres = ((bx1 + bx2 - ax1 - ax2) ** 2 + (by1 + by2 - ay1 - ay2) ** 2) / 4
    v = 4 / math.pi ** 2 * (torch.atan(bw / bh) - torch.atan(aw / ah)) ** 2
    with torch.no_grad():
        alpha = v / (v - iou + 1 + 1e-7)
    return iou - centres / diagonal - v * alpha


@torch.no_grad()
def assign(scores, boxes, points, labels, truth):
    """Task-aligned assignment: for each anchor point its label, target box and target scores (0 in the background)."""
    n, anchors, nc = scores.shape
    overlap = ciou(truth[:, :, None], boxes[:, None]).clamp(0)  # (n, labels, anchors)
    wanted = scores.gather(2, labels[:, None].expand(n, anchors, -1)).transpose(1, 2)
    metric = wanted.sqrt() * overlap ** 6
    inside = torch.cat((points - truth[:, :, None, :2], truth[:, :, None, 2:] - points), -1).amin(-1) > 1e-9
    best = (metric * inside).topk(10, 2).indices
    positive = torch.zeros_like(metric).scatter_(2, best, 1) * inside
    contested = positive.sum(1, keepdim=True) > 1
    winner = F.one_hot(overlap.argmax(1), truth.shape[1]).transpose(1, 2).to(positive)
    positive = torch.where(contested, winner, positive)
    owner, foreground = positive.argmax(1), positive.sum(1) > 0
    metric = metric * positive
    norm = (metric * (overlap * positive).amax(2, keepdim=True) / (metric.amax(2, keepdim=True) + 1e-9)).amax(1)
    targets = F.one_hot(labels.gather(1, owner), nc) * (norm * foreground)[..., None]
    return targets, truth.gather(1, owner[..., None].expand(-1, -1, 4)), foreground


def branch_loss(maps, labels, truth, points, strides, nc):
    logits = torch.cat([m.permute(0, 2, 3, 1).flatten(1, 2) for m in maps], 1)
    sides, classes = logits.split((4 * BINS, nc), 2)
    distance = sides.reshape(*sides.shape[:2], 4, BINS).softmax(3) @ torch.arange(BINS, dtype=torch.float32)
    boxes = torch.cat((points - distance[..., :2], points + distance[..., 2:]), -1)  # grid units
    targets, target_boxes, foreground = assign(classes.detach().sigmoid(), boxes.detach() * strides, points * strides, labels, truth)
    total = targets.sum().clamp(1)
    cls = F.binary_cross_entropy_with_logits(classes, targets, reduction="sum") / total
    if not foreground.any():
        return 0.5 * cls
    target_boxes = (target_boxes / strides)[foreground]
    weight = targets.sum(2)[foreground]
    box = ((1 - ciou(boxes[foreground], target_boxes)) * weight).sum() / total
    at = points.expand(len(logits), -1, -1)[foreground]
    ltrb = torch.cat((at - target_boxes[:, :2], target_boxes[:, 2:] - at), 1).clamp(0, BINS - 1.01)
    low = ltrb.long()
    chosen = sides[foreground].reshape(-1, BINS)
    dfl = (F.cross_entropy(chosen, low.flatten(), reduction="none").view_as(ltrb) * (low + 1 - ltrb) +
           F.cross_entropy(chosen, low.flatten() + 1, reduction="none").view_as(ltrb) * (ltrb - low))
    return 0.5 * cls + 7.5 * box + 1.5 * (dfl.mean(1) * weight).sum() / total


def anchor_points(maps):
    points, strides = [], []
    for level, m in enumerate(maps):
        y, x = torch.meshgrid(torch.arange(m.shape[2]) + 0.5, torch.arange(m.shape[3]) + 0.5, indexing="ij")
        points.append(torch.stack((x, y), -1).reshape(-1, 2))
        strides.append(torch.full((x.numel(), 1), float(8 << level)))
    return torch.cat(points), torch.cat(strides)


def make_batch(n, h, w, nc):
    centre, size = torch.rand(n, BOXES, 2), 0.05 + 0.4 * torch.rand(n, BOXES, 2)
    scale = torch.tensor([w, h], dtype=torch.float32)
    truth = torch.cat(((centre - size / 2).clamp(0, 1) * scale, (centre + size / 2).clamp(0, 1) * scale), 2)
    return torch.rand(n, 3, h, w), torch.randint(nc, (n, BOXES)), truth


def main():
    h, w, n, threads, runs = map(int, sys.argv[1:6])
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    net = Network(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "yolov9-t.yaml"))
    net = net.train().to(memory_format=torch.channels_last)  # 10 to 20 % faster than the default layout
    decay = [p for p in net.parameters() if p.ndim > 1]
    rest = [p for p in net.parameters() if p.ndim == 1]
    optimizer = torch.optim.SGD([{"params": decay, "weight_decay": 5e-4}, {"params": rest}], 0.01, 0.937, nesterov=True,
                                foreach=True)
    state = [v for v in net.state_dict().values() if v.dtype.is_floating_point]  # the tensors themselves
    ema = [v.clone() for v in state]
    images, labels, truth = make_batch(n, h, w, net.nc)
    images = images.contiguous(memory_format=torch.channels_last)
    clock, times = time.perf_counter, []
    for i in range(-1, runs):
        t = [clock()]
        maps = net(images)
        t.append(clock())
        points, strides = anchor_points(maps[1])
        auxiliary, main_loss = (branch_loss(m, labels, truth, points, strides, net.nc) for m in maps)
        loss = (0.25 * auxiliary + main_loss) * n
        t.append(clock())
        loss.backward()
        t.append(clock())
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            torch._foreach_mul_(ema, 0.9999)
            torch._foreach_add_(ema, state, alpha=1e-4)
        t.append(clock())
        if i >= 0:
            times.append([1e3 * (b - a) / n for a, b in zip(t, t[1:])])
        if not math.isfinite(loss.item()):
            raise SystemExit("the loss is not finite")

    def median(values):
        return sorted(values)[len(values) // 2]

    peak = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status", encoding="utf-8").read()).group(1)) / 1024
    parts = dict(zip(("forward_ms", "loss_ms", "backward_ms", "step_ms"), map(median, zip(*times))))
    print(json.dumps({"median_ms": median([sum(x) for x in times]), **parts, "peak_mb": peak, "version": torch.__version__,
                      "params": sum(p.numel() for p in net.parameters()), "loss": loss.item()}))


if __name__ == "__main__":
    main()
