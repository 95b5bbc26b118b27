"""The supernet of NAS-Bench-201 (Dong and Yang 2020)."""

import torch
import torch.nn.functional as F

from net import Net, mean_pool


class NasBench201(Net):
    def edge(self, path, label, x):
        return self.choose(
            label,
            [
                lambda: torch.zeros_like(x),
                lambda: x,
                lambda: self.relu_conv_norm(path + ".nor_conv_1x1", x, 1),
                lambda: self.relu_conv_norm(path + ".nor_conv_3x3", x, 3),
                lambda: mean_pool(x),
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
