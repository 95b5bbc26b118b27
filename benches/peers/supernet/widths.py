"""Supernets whose widths are chosen: the size space of NATS-Bench (Dong et al. 2021) by paths, `toy` by mixtures.

Every network has the first channels of the shared weights.
"""

import torch
import torch.nn.functional as F

from net import Net


class NatsBenchSize(Net):
    """The network of one width per layer: what it uses is cut out of the shared weights."""

    def conv(self, path, x, width, **options):
        return F.conv2d(x, self.weights[path + ".weight"][:width, : x.shape[1]], **options)

    def norm(self, path, x):
        scale, shift = self.weights[path + ".weight"], self.weights[path + ".bias"]
        return F.batch_norm(x, None, None, scale[: x.shape[1]], shift[: x.shape[1]], training=True)

    def block(self, path, x, width, stride=1):
        y = self.conv(path + ".v", F.relu(x), width, stride=stride, padding=1)
        return self.norm(path + ".y", y)

    def cell(self, path, x, width):
        first = self.block(path + ".x1", x, width)
        second = self.block(path + ".e02", x, width) + self.block(path + ".e12", first, width)
        skip = x
        if x.shape[1] != width:
            skip = self.norm(path + ".skip.0.y", self.conv(path + ".skip.0.v", x, width))
        return skip + self.block(path + ".e13", first, width) + self.block(path + ".e23", second, width)

    def reduction(self, path, x, width):
        deep = self.block(path + ".b", self.block(path + ".a", x, width, stride=2), width)
        return deep + self.conv(path + ".v", F.avg_pool2d(x, 2), width)

    def forward(self, x):
        widths = [8 * (1 + self.taken[f"c{i}"].index(True)) for i in range(5)]
        x = self.norm("stem", self.conv("conv", x, widths[0], padding=1))
        x = self.cell("cell1", x, widths[0])
        x = self.cell("cell2", self.reduction("reduction1", x, widths[1]), widths[2])
        x = self.cell("cell3", self.reduction("reduction2", x, widths[3]), widths[4])
        x = F.relu(self.norm("norm", x)).mean((2, 3))
        return F.linear(x, self.weights["logits.weight"][:, : x.shape[1]], self.weights["logits.bias"])


class Toy(Net):
    """All widths at once: the widest network, each number of it times the share of the widths that have that number."""

    def blended(self, path, axes):
        """A shared weight of which a width keeps so many first numbers along some axes."""
        weight = self.weights[path]
        share = torch.zeros_like(weight)
        for width, factor in zip((8, 16, 24, 32), self.factors["width"], strict=True):
            kept = torch.zeros_like(weight)
            kept[tuple(slice(width) if axis in axes else slice(None) for axis in range(weight.dim()))] = 1
            share = share + factor * kept
        return weight * share

    def conv(self, path, x, k, axes):
        y = F.conv2d(x, self.blended(path + ".v.weight", axes), padding=k // 2)
        scale, shift = self.blended(path + ".y.weight", [0]), self.blended(path + ".y.bias", [0])
        return F.relu(F.batch_norm(y, None, None, scale, shift, training=True))

    def forward(self, x):
        stem = self.conv("stem", x, 3, axes=[0])
        op = self.choose(
            "op",
            [
                lambda: self.conv("op.conv1x1", stem, 1, axes=[0, 1]),
                lambda: self.conv("op.conv3x3", stem, 3, axes=[0, 1]),
                lambda: F.avg_pool2d(stem, 3, 1, 1),
            ],
        )
        x = self.choose_inputs("skip", [op, stem + op]).mean((2, 3))
        return F.linear(x, self.blended("logits.weight", [1]), self.weights["logits.bias"])
