"""The supernet of DARTS (Liu, Simonyan and Yang 2019), with partial channels that of PC-DARTS (Xu et al. 2020)."""

import torch
import torch.nn.functional as F

from net import Net, mean_pool


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

    def skip(self, path, x, stride):
        return x if stride == 1 else self.factorized(path + ".y", x)

    def edge(self, path, label, x, stride):
        if self.share == 1:
            return self.mixed(path, label, x, stride)
        seen = x.shape[1] // self.share
        mixed = self.mixed(path + ".mixed", label, x[:, :seen], stride)
        past = x[:, seen:] if stride == 1 else F.max_pool2d(x[:, seen:], stride, stride, ceil_mode=True)
        return F.channel_shuffle(torch.cat([mixed, past], 1), self.share)

    def mixed(self, path, label, x, stride):
        return self.choose(
            label,
            [
                lambda: torch.zeros_like(x[:, :, ::stride, ::stride]),
                lambda: self.norm(path + ".max_pool_3x3.y", F.max_pool2d(x, 3, stride, 1)),
                lambda: self.norm(path + ".avg_pool_3x3.y", mean_pool(x, stride)),
                lambda: self.skip(path + ".skip_connect", x, stride),
                lambda: self.separable(path + ".sep_conv_3x3", x, 3, stride),
                lambda: self.separable(path + ".sep_conv_5x5", x, 5, stride),
                lambda: self.half(path + ".dil_conv_3x3", x, 3, stride, dilation=2),
                lambda: self.half(path + ".dil_conv_5x5", x, 5, stride, dilation=2),
            ],
        )

    def cell(self, path, kind, before, last):
        nodes = [before, last]
        for to in range(2, 6):
            edges = []
            for i in range(to):
                stride = 2 if kind == "reduce" and i < 2 else 1
                edges.append(self.edge(f"{path}.e{i}_{to}", f"{kind}_op_{to}_{i}", nodes[i], stride))
            nodes.append(self.choose_inputs(f"{kind}_in_{to}", edges))
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
