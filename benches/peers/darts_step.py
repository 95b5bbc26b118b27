"""One training step of the DARTS_V2 network in plain PyTorch: the peer of Lanista's step benchmark.

The network is that of the DARTS paper (Liu et al., arXiv:1806.09055) as it is retrained on CIFAR, with the cells
published as DARTS_V2, without auxiliary head and drop path. A step is forward, cross-entropy, backward, clipping of
the gradients' norm to 5, and SGD with momentum 0.9 and weight decay 3e-4, in float32 on random images [N, 3, 32, 32].

A process measures one configuration (layout, number of threads) and prints one JSON object on one line. Both sides of
the comparison take the same arguments and print the same fields:

    framework              "pytorch" or "lanista"
    version                of the framework, a string
    layout                 "contiguous", "channels_last", or "auto" where the framework chooses
    threads                intra-op threads
    batch, channels, cells the configuration, integers
    params                 trainable parameters, an integer
    warmup, steps          unmeasured and measured steps, integers
    median_ms, min_ms, p90_ms   wall-clock time of the measured steps, milliseconds
    start_to_first_step_s  from the start of the process to the end of its first step, seconds
    base_bytes             resident memory once the framework is loaded and the network and its optimiser are built
    peak_bytes             the greatest resident memory over all steps, less base_bytes
    losses                 the loss of every step, warm-up included, a list of numbers
"""

import argparse
import json
import os
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

NODES = 4
NORMAL = [
    ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
    ("sep_conv_3x3", 0), ("sep_conv_3x3", 1),
    ("sep_conv_3x3", 1), ("skip_connect", 0),
    ("skip_connect", 0), ("dil_conv_3x3", 2),
]
REDUCE = [
    ("max_pool_3x3", 0), ("max_pool_3x3", 1),
    ("skip_connect", 2), ("max_pool_3x3", 1),
    ("max_pool_3x3", 0), ("skip_connect", 2),
    ("skip_connect", 2), ("max_pool_3x3", 1),
]
PUBLISHED = {"channels": 36, "cells": 20, "params": 3_349_342}


def relu_conv_bn(c_in, c_out):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))


def separable(c, k, stride, pad, dilation=1):
    """ReLU, depthwise, pointwise, batch norm: half of a separable, all of a dilated convolution."""
    return [
        nn.ReLU(),
        nn.Conv2d(c, c, k, stride, pad, dilation, groups=c, bias=False),
        nn.Conv2d(c, c, 1, bias=False),
        nn.BatchNorm2d(c),
    ]


class FactorizedReduce(nn.Module):
    """Halves the resolution with two 1x1 convolutions, the second one pixel off."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.even = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(c_in, c_out - c_out // 2, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        x = F.relu(x)
        return self.bn(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], 1))


def operation(name, c, stride):
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(c, c)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if name == "sep_conv_3x3":
        return nn.Sequential(*separable(c, 3, stride, 1), *separable(c, 3, 1, 1))
    if name == "dil_conv_3x3":
        return nn.Sequential(*separable(c, 3, stride, 2, dilation=2))
    raise ValueError(f"DARTS_V2 has no operation {name}")


class Cell(nn.Module):
    def __init__(self, c_prev_prev, c_prev, c, reduce, reduce_prev):
        super().__init__()
        self.pre0 = FactorizedReduce(c_prev_prev, c) if reduce_prev else relu_conv_bn(c_prev_prev, c)
        self.pre1 = relu_conv_bn(c_prev, c)
        genotype = REDUCE if reduce else NORMAL
        self.inputs = [source for _, source in genotype]
        self.ops = nn.ModuleList(
            operation(name, c, 2 if reduce and source < 2 else 1) for name, source in genotype
        )

    def forward(self, prev_prev, prev):
        states = [self.pre0(prev_prev), self.pre1(prev)]
        for node in range(NODES):
            first, second = 2 * node, 2 * node + 1
            states.append(self.ops[first](states[self.inputs[first]]) + self.ops[second](states[self.inputs[second]]))
        return torch.cat(states[2:], 1)


class Network(nn.Module):
    def __init__(self, channels, cells, classes=10, stem_multiplier=3):
        super().__init__()
        width = stem_multiplier * channels
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        c_prev_prev, c_prev, c = width, width, channels
        self.cells = nn.ModuleList()
        reduce_prev = False
        for i in range(cells):
            reduce = i in (cells // 3, 2 * cells // 3)
            if reduce:
                c *= 2
            self.cells.append(Cell(c_prev_prev, c_prev, c, reduce, reduce_prev))
            reduce_prev = reduce
            c_prev_prev, c_prev = c_prev, NODES * c
        self.classifier = nn.Linear(c_prev, classes)

    def forward(self, x):
        prev_prev = prev = self.stem(x)
        for cell in self.cells:
            prev_prev, prev = prev, cell(prev_prev, prev)
        return self.classifier(F.adaptive_avg_pool2d(prev, 1).flatten(1))


def count(network):
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def check_against_published():
    """The published parameter count, on a network without storage."""
    with torch.device("meta"):
        found = count(Network(PUBLISHED["channels"], PUBLISHED["cells"]))
    assert found == PUBLISHED["params"], f"DARTS_V2 has {PUBLISHED['params']} parameters, this network {found}"


def status_bytes(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def reset_peak():
    """VmHWM starts again from what is resident now (proc(5): 5 written to clear_refs)."""
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


def seconds_since_start():
    with open("/proc/self/stat") as stat:
        # The second field is the program's name in parentheses, and may hold spaces; the start is the 22nd.
        started = int(stat.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    memory_format = torch.channels_last if args.layout == "channels_last" else torch.contiguous_format

    network = Network(args.channels, args.cells).to(args.device, memory_format=memory_format).train()
    sgd = torch.optim.SGD(network.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4)

    base = status_bytes("VmRSS")
    reset_peak()
    images = torch.randn(args.batch, 3, 32, 32).contiguous(memory_format=memory_format).to(args.device)
    labels = torch.randint(10, (args.batch,)).to(args.device)

    def step():
        begin = time.perf_counter()
        sgd.zero_grad()
        loss = F.cross_entropy(network(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        sgd.step()
        value = loss.item()
        return (time.perf_counter() - begin) * 1e3, value

    times, losses = [], []
    first = None
    for i in range(args.warmup + args.steps):
        elapsed, loss = step()
        first = first or seconds_since_start()
        losses.append(loss)
        if i >= args.warmup:
            times.append(elapsed)
    peak = status_bytes("VmHWM") - base

    # After the measurement: building even a network without storage costs time and pages.
    check_against_published()
    times.sort()
    print(json.dumps({
        "framework": "pytorch", "version": torch.__version__, "layout": args.layout, "threads": args.threads,
        "batch": args.batch, "channels": args.channels, "cells": args.cells, "params": count(network),
        "warmup": args.warmup, "steps": args.steps,
        "median_ms": round(statistics.median(times), 3), "min_ms": round(times[0], 3),
        "p90_ms": round(times[min(len(times) - 1, int(0.9 * len(times)))], 3),
        "start_to_first_step_s": round(first, 3), "base_bytes": base, "peak_bytes": peak, "losses": losses,
    }))


if __name__ == "__main__":
    main()
