"""The supernets of NAS-Bench-201 and DARTS in plain PyTorch: a batch's loss, and the gradient of everything.

python supernet.py nasbench201|darts SHARE FILE

With a SHARE above 1 a choice of DARTS sees one channel of so many, and the others go past it (Xu et al. 2020, PC-DARTS).
FILE is a safetensors file with `images`, `labels`, `weight:PATH` for each learned weight of the supernet, and
`factor:LABEL`, a number per candidate, for each layer choice and perhaps for the inputs of each node. Batch norm is in training mode. Prints JSON: `loss`, and
`weights` and `factors`, the gradients by path and label, flat.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "codegen" / "tests" / "parity"))
from safetensors_file import read  # noqa: E402


class Net:
    """Weights and factors by name, and the blocks that both spaces are made of."""

    def __init__(self, tensors, share):
        self.share = share

        def named(prefix):
            cut = len(prefix)
            return {k[cut:]: v.requires_grad_() for k, v in tensors.items() if k.startswith(prefix)}

        self.weights, self.factors = named("weight:"), named("factor:")

    def conv(self, path, x, **options):
        return F.conv2d(x, self.weights[path + ".weight"], **options)

    def norm(self, path, x):
        scale, shift = self.weights.get(path + ".weight"), self.weights.get(path + ".bias")
        return F.batch_norm(x, None, None, scale, shift, training=True)

    def relu_conv_norm(self, path, x, k, stride=1):
        y = self.conv(path + ".v", F.relu(x), stride=stride, padding=k // 2)
        return self.norm(path + ".y", y)

    def mixture(self, label, candidates):
        return sum(w * y for w, y in zip(self.factors[label], candidates, strict=True))

    def head(self, x):
        return F.linear(x.mean((2, 3)), self.weights["logits.weight"], self.weights["logits.bias"])


def mean_pool(x, stride=1):
    return F.avg_pool2d(x, 3, stride=stride, padding=1, count_include_pad=False)


class NasBench201(Net):
    def edge(self, path, label, x):
        return self.mixture(
            label,
            [
                torch.zeros_like(x),
                x,
                self.relu_conv_norm(path + ".nor_conv_1x1", x, 1),
                self.relu_conv_norm(path + ".nor_conv_3x3", x, 3),
                mean_pool(x),
            ],
        )

    def cell(self, path, x):
        nodes = [x]
        for to in range(1, 4):
            edges = [self.edge(f"{path}.e{i}{to}", f"e{i}{to}", nodes[i]) for i in range(to)]
            nodes.append(sum(edges))
        return nodes[3]

    def reduction(self, path, x):
        deep = self.relu_conv_norm(path + ".b", self.relu_conv_norm(path + ".a", x, 3, stride=2), 3)
        return deep + self.conv(path + ".v", F.avg_pool2d(x, 2))

    def forward(self, x):
        x = self.norm("stem", self.conv("conv", x, padding=1))
        for stage in (1, 2, 3):
            cells = sorted({p.split(".")[1] for p in self.weights if p.startswith(f"stage{stage}.")})
            for cell in cells:
                x = self.cell(f"stage{stage}.{cell}", x)
            if stage < 3:
                x = self.reduction(f"reduction{stage}", x)
        return self.head(F.relu(self.norm("norm", x)))


class Darts(Net):
    def factorized(self, path, x):
        x = F.relu(x)
        even = self.conv(path + ".even", x, stride=2)
        odd = self.conv(path + ".odd", x[:, :, 1:, 1:], stride=2)
        return self.norm(path + ".y", torch.cat([even, odd], 1))

    def half(self, path, x, k, stride, dilation=1):
        channels = x.shape[1]
        margin = (k - 1) if dilation == 2 else k // 2
        options = {"stride": stride, "padding": margin, "dilation": dilation, "groups": channels}
        y = self.conv(path + ".point", self.conv(path + ".deep", F.relu(x), **options))
        return self.norm(path + ".y", y)

    def separable(self, path, x, k, stride):
        return self.half(path + ".y", self.half(path + ".a", x, k, stride), k, 1)

    def edge(self, path, label, x, stride):
        if self.share == 1:
            return self.mixed(path, label, x, stride)
        seen = x.shape[1] // self.share
        mixed = self.mixed(path + ".mixed", label, x[:, :seen], stride)
        past = x[:, seen:] if stride == 1 else F.max_pool2d(x[:, seen:], stride, stride, ceil_mode=True)
        return F.channel_shuffle(torch.cat([mixed, past], 1), self.share)

    def mixed(self, path, label, x, stride):
        skip = x if stride == 1 else self.factorized(path + ".skip_connect.y", x)
        return self.mixture(
            label,
            [
                torch.zeros_like(x[:, :, ::stride, ::stride]),
                self.norm(path + ".max_pool_3x3.y", F.max_pool2d(x, 3, stride, 1)),
                self.norm(path + ".avg_pool_3x3.y", mean_pool(x, stride)),
                skip,
                self.separable(path + ".sep_conv_3x3", x, 3, stride),
                self.separable(path + ".sep_conv_5x5", x, 5, stride),
                self.half(path + ".dil_conv_3x3", x, 3, stride, dilation=2),
                self.half(path + ".dil_conv_5x5", x, 5, stride, dilation=2),
            ],
        )

    def cell(self, path, kind, before, last):
        nodes = [before, last]
        for to in range(2, 6):
            edges = []
            for i in range(to):
                stride = 2 if kind == "reduce" and i < 2 else 1
                edges.append(self.edge(f"{path}.e{i}_{to}", f"{kind}_op_{to}_{i}", nodes[i], stride))
            weights = self.factors.get(f"{kind}_in_{to}", torch.ones(to, dtype=before.dtype))
            nodes.append(sum(w * y for w, y in zip(weights, edges, strict=True)))
        return torch.cat(nodes[2:], 1)

    def forward(self, x):
        stem = self.norm("stem", self.conv("conv", x, padding=1))
        before = last = stem
        cells = len({p.split(".")[0] for p in self.weights if p.startswith("cell")})
        reduced = False
        for i in range(cells):
            kind = "reduce" if i in (cells // 3, 2 * cells // 3) else "normal"
            if reduced:
                first = self.factorized(f"in{i}_0", before)
            else:
                first = self.relu_conv_norm(f"in{i}_0", before, 1)
            second = self.relu_conv_norm(f"in{i}_1", last, 1)
            before, last = last, self.cell(f"cell{i}", kind, first, second)
            reduced = kind == "reduce"
        return self.head(last)


def main():
    space, share, path = sys.argv[1:]
    tensors = read(path)
    images, labels = tensors.pop("images"), tensors.pop("labels")
    net = {"nasbench201": NasBench201, "darts": Darts}[space](tensors, int(share))
    loss = F.cross_entropy(net.forward(images), labels)
    loss.backward()

    def gradients(named):
        unused = [k for k, v in named.items() if v.grad is None]
        if unused:
            sys.exit(f"supernet.py: nothing leads from {', '.join(unused)} to the loss")
        return {k: v.grad.flatten().tolist() for k, v in named.items()}

    print(json.dumps({"loss": loss.item(), "weights": gradients(net.weights), "factors": gradients(net.factors)}))


main()
