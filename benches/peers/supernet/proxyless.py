"""The supernet of ProxylessNAS (Cai, Zhu and Han 2019) for small images: MobileNetV2's inverted residual blocks."""

import torch.nn.functional as F

from net import Net

# Blocks of a stage, and the stride of the first of them. On images of fewer than 64 pixels the first stage halves nothing.
STAGES = [(4, 1), (4, 2), (4, 2), (4, 1), (4, 2), (1, 1)]


class Proxyless(Net):
    def conv_norm(self, path, names, x, **options):
        conv, norm = names
        return self.norm(f"{path}.{norm}", self.conv(f"{path}.{conv}", x, **options), eps=1e-3)

    def expand(self, path, x, **options):
        return F.relu6(self.conv_norm(path, ("v", "n"), x, **options))

    def separable(self, path, x, k, stride):
        deep = self.conv_norm(path, ("deep", "n"), x, stride=stride, padding=k // 2, groups=x.shape[1])
        return self.conv_norm(path, ("point", "y"), F.relu6(deep))

    def inverted(self, path, x, k, stride):
        return self.separable(path + ".y", self.expand(path + ".wide", x), k, stride)

    def width(self, block):
        """Output channels of a block: those of the last convolution of any candidate."""
        points = (w for p, w in self.weights.items() if p.startswith(block + ".") and p.endswith(".point.weight"))
        return next(points).shape[0]

    def block(self, n, x, stride):
        residual = stride == 1 and self.width(f"block{n}") == x.shape[1]

        def candidate(k, expansion):
            path = f"block{n}.mbconv{expansion}_{k}x{k}"
            if residual:
                return lambda: x + self.inverted(path + ".f", x, k, 1)
            return lambda: self.inverted(path, x, k, stride)

        candidates = [candidate(k, expansion) for k in (3, 5, 7) for expansion in (3, 6)]
        return self.choose(f"block_{n}", candidates + [lambda: x] if residual else candidates)

    def forward(self, x):
        x = self.expand("stem", x, padding=1)
        x = self.separable("first", x, 3, 1)
        n = 0
        for blocks, stride in STAGES:
            for i in range(blocks):
                n += 1
                x = self.block(n, x, stride if i == 0 else 1)
        return self.head(self.expand("features", x))
