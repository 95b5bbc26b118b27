"""nasbench201:channels=8,cells=2

f32[N, 3, 32, 32] -> f32[N, 10]
Parameters: 70482. Multiply-accumulates for one example: 9527626 (nasbench), 9778528 (thop), 9894218 (ptflops).
Hash: dfbbfe13ccd88c3e4b98e7b0672d4bb0

Written by lanista 0.1.0; needs torch only. `load("weights.safetensors")` makes the network with its weights.
"""

import json
import struct

import torch
import torch.nn.functional as F
from torch import nn


class ReluConvBn_8_3_1(nn.Module):
    """relu_conv_bn<c=8, k=3, s=1>: f32[N, 8, 32, 32] -> f32[N, 8, 32, 32]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.y = nn.BatchNorm2d(8)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class ReluConvBn_8_1_1(nn.Module):
    """relu_conv_bn<c=8, k=1, s=1>: f32[N, 8, 32, 32] -> f32[N, 8, 32, 32]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(8, 8, 1, bias=False)
        self.y = nn.BatchNorm2d(8)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class Cell_8(nn.Module):
    """cell<c=8>: f32[N, 8, 32, 32] -> f32[N, 8, 32, 32]"""

    def __init__(self):
        super().__init__()
        self.e01 = ReluConvBn_8_3_1()
        self.e02 = ReluConvBn_8_1_1()
        self.e23 = ReluConvBn_8_3_1()

    def forward(self, x0):
        e01 = self.e01(x0)
        e02 = self.e02(x0)
        e12 = F.avg_pool2d(e01, 3, stride=1, padding=1, count_include_pad=False)
        x2 = e02 + e12
        e13 = torch.zeros_like(e01)
        e23 = self.e23(x2)
        x3 = x0 + e13 + e23
        return x3


class ReluConvBn_16_3_2(nn.Module):
    """relu_conv_bn<c=16, k=3, s=2>: f32[N, 8, 32, 32] -> f32[N, 16, 16, 16]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.y = nn.BatchNorm2d(16)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class ReluConvBn_16_3_1(nn.Module):
    """relu_conv_bn<c=16, k=3, s=1>: f32[N, 16, 16, 16] -> f32[N, 16, 16, 16]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.y = nn.BatchNorm2d(16)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class Reduction_16(nn.Module):
    """reduction<c=16>: f32[N, 8, 32, 32] -> f32[N, 16, 16, 16]"""

    def __init__(self):
        super().__init__()
        self.a = ReluConvBn_16_3_2()
        self.b = ReluConvBn_16_3_1()
        self.v = nn.Conv2d(8, 16, 1, bias=False)

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        p = F.avg_pool2d(x, 2)
        v = self.v(p)
        y = v + b
        return y


class ReluConvBn_16_1_1(nn.Module):
    """relu_conv_bn<c=16, k=1, s=1>: f32[N, 16, 16, 16] -> f32[N, 16, 16, 16]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(16, 16, 1, bias=False)
        self.y = nn.BatchNorm2d(16)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class Cell_16(nn.Module):
    """cell<c=16>: f32[N, 16, 16, 16] -> f32[N, 16, 16, 16]"""

    def __init__(self):
        super().__init__()
        self.e01 = ReluConvBn_16_3_1()
        self.e02 = ReluConvBn_16_1_1()
        self.e23 = ReluConvBn_16_3_1()

    def forward(self, x0):
        e01 = self.e01(x0)
        e02 = self.e02(x0)
        e12 = F.avg_pool2d(e01, 3, stride=1, padding=1, count_include_pad=False)
        x2 = e02 + e12
        e13 = torch.zeros_like(e01)
        e23 = self.e23(x2)
        x3 = x0 + e13 + e23
        return x3


class ReluConvBn_32_3_2(nn.Module):
    """relu_conv_bn<c=32, k=3, s=2>: f32[N, 16, 16, 16] -> f32[N, 32, 8, 8]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.y = nn.BatchNorm2d(32)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class ReluConvBn_32_3_1(nn.Module):
    """relu_conv_bn<c=32, k=3, s=1>: f32[N, 32, 8, 8] -> f32[N, 32, 8, 8]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(32, 32, 3, padding=1, bias=False)
        self.y = nn.BatchNorm2d(32)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class Reduction_32(nn.Module):
    """reduction<c=32>: f32[N, 16, 16, 16] -> f32[N, 32, 8, 8]"""

    def __init__(self):
        super().__init__()
        self.a = ReluConvBn_32_3_2()
        self.b = ReluConvBn_32_3_1()
        self.v = nn.Conv2d(16, 32, 1, bias=False)

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        p = F.avg_pool2d(x, 2)
        v = self.v(p)
        y = v + b
        return y


class ReluConvBn_32_1_1(nn.Module):
    """relu_conv_bn<c=32, k=1, s=1>: f32[N, 32, 8, 8] -> f32[N, 32, 8, 8]"""

    def __init__(self):
        super().__init__()
        self.v = nn.Conv2d(32, 32, 1, bias=False)
        self.y = nn.BatchNorm2d(32)

    def forward(self, x):
        r = F.relu(x)
        v = self.v(r)
        y = self.y(v)
        return y


class Cell_32(nn.Module):
    """cell<c=32>: f32[N, 32, 8, 8] -> f32[N, 32, 8, 8]"""

    def __init__(self):
        super().__init__()
        self.e01 = ReluConvBn_32_3_1()
        self.e02 = ReluConvBn_32_1_1()
        self.e23 = ReluConvBn_32_3_1()

    def forward(self, x0):
        e01 = self.e01(x0)
        e02 = self.e02(x0)
        e12 = F.avg_pool2d(e01, 3, stride=1, padding=1, count_include_pad=False)
        x2 = e02 + e12
        e13 = torch.zeros_like(e01)
        e23 = self.e23(x2)
        x3 = x0 + e13 + e23
        return x3


class Network(nn.Module):
    """main: f32[N, 3, 32, 32] -> f32[N, 10]"""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.stem = nn.BatchNorm2d(8)
        self.stage1 = nn.Sequential(*[Cell_8() for _ in range(2)])
        self.reduction1 = Reduction_16()
        self.stage2 = nn.Sequential(*[Cell_16() for _ in range(2)])
        self.reduction2 = Reduction_32()
        self.stage3 = nn.Sequential(*[Cell_32() for _ in range(2)])
        self.norm = nn.BatchNorm2d(32)
        self.logits = nn.Linear(32, 10)

    def forward(self, x):
        conv = self.conv(x)
        stem = self.stem(conv)
        stage1 = self.stage1(stem)
        reduction1 = self.reduction1(stage1)
        stage2 = self.stage2(reduction1)
        reduction2 = self.reduction2(stage2)
        stage3 = self.stage3(reduction2)
        norm = self.norm(stage3)
        last = F.relu(norm)
        pool = last.mean((2, 3), keepdim=True)
        flat = pool.flatten(1)
        logits = self.logits(flat)
        return logits


# Keys of `state_dict()` that stand for a weight of another path.
RENAMED = {}


def load(path, model=None):
    """Reads weights from a safetensors file into `model`, a new `Network` unless given, and returns it."""
    dtypes = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    state = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        values = torch.frombuffer(data[start:end], dtype=dtypes[entry["dtype"]])
        state[RENAMED.get(name, name)] = values.reshape(entry["shape"])
    model = Network() if model is None else model
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):  # PyTorch's own, which no checkpoint holds
            state.setdefault(name, value)
    model.load_state_dict(state)
    return model
