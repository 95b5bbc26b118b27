"""The supernets of ENAS (Pham et al. 2018): of whole networks (macro), and of cells (micro)."""

import torch
import torch.nn.functional as F

from net import Net, mean_pool


class Enas(Net):
    def factorized_reduction(self, path, x):
        """Two convolutions of stride 2, one a pixel further, side by side."""
        even = self.conv(path + ".even", x, stride=2)
        odd = self.conv(path + ".odd", F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:], stride=2)
        return self.norm(path + ".y", torch.cat([even, odd], 1))

    def stem(self, x):
        return self.norm("stem", self.conv("conv", x, padding=1))


class Macro(Enas):
    def conv_norm_relu(self, path, name, x, **options):
        return F.relu(self.norm(path + ".n", self.conv(f"{path}.{name}", x, **options)))

    def project(self, path, x):
        return self.conv_norm_relu(path + ".p", "v", x)

    def plain(self, path, x, k):
        return self.conv_norm_relu(path, "v", self.project(path, x), padding=k // 2)

    def separable(self, path, x, k):
        x = self.project(path, x)
        deep = self.conv(path + ".deep", x, padding=k // 2, groups=x.shape[1])
        return self.conv_norm_relu(path, "point", deep)

    def operation(self, i, x):
        path = f"op{i}"
        return self.choose(
            f"op_{i}",
            [
                lambda: self.plain(path + ".conv_3x3", x, 3),
                lambda: self.separable(path + ".sep_conv_3x3", x, 3),
                lambda: self.plain(path + ".conv_5x5", x, 5),
                lambda: self.separable(path + ".sep_conv_5x5", x, 5),
                lambda: mean_pool(self.project(path + ".avg_pool_3x3", x)),
                lambda: F.max_pool2d(self.project(path + ".max_pool_3x3", x), 3, 1, 1),
            ],
        )

    def forward(self, x):
        layers = len({p.split(".")[0] for p in self.weights if p.startswith("op")})
        values = [self.stem(x)]
        for i in range(layers):
            y = self.operation(i, values[-1])
            if i > 0:
                y = self.norm(f"layer{i}", y + self.choose_inputs(f"skip_{i}", values[:-1]))
            values.append(y)
            if i + 1 in (layers // 3, 2 * (layers // 3)):
                values = [self.factorized_reduction(f"half{i}_{j}", v) for j, v in enumerate(values)]
        return self.head(values[-1])


class Micro(Enas):
    def half(self, path, x, k, stride):
        deep = self.conv(path + ".deep", F.relu(x), stride=stride, padding=k // 2, groups=x.shape[1])
        return self.norm(path + ".y", self.conv(path + ".point", deep))

    def separable(self, path, x, k, stride):
        return self.half(path + ".y", self.half(path + ".a", x, k, stride), k, 1)

    def identity(self, path, x, stride):
        return x if stride == 1 else self.factorized_reduction(path, x)

    def operation(self, path, label, x, stride):
        return self.choose(
            label,
            [
                lambda: self.separable(path + ".sep_conv_3x3", x, 3, stride),
                lambda: self.separable(path + ".sep_conv_5x5", x, 5, stride),
                lambda: mean_pool(x, stride),
                lambda: F.max_pool2d(x, 3, stride, 1),
                lambda: self.identity(path + ".identity", x, stride),
            ],
        )

    def part(self, path, kind, node, slot, values):
        """One of the two operations that a node sums: on each value with weights of its own."""
        label = f"{kind}_op_{node}_{slot}"

        def on(i):
            stride = 2 if kind == "reduce" and i < 2 else 1
            return lambda: self.operation(f"{path}.op{i}_{node}_{slot}", label, values[i], stride)

        return self.choose(f"{kind}_in_{node}_{slot}", [on(i) for i in range(node)])

    def cell(self, path, kind, before, last):
        nodes = [before, last]
        for node in range(2, 7):
            nodes.append(self.part(path, kind, node, 0, nodes) + self.part(path, kind, node, 1, nodes))
        return self.relu_conv_norm(path + ".out", torch.cat(nodes[2:], 1), 1)

    def forward(self, x):
        before = last = self.stem(x)
        cells = len({p.split(".")[0] for p in self.weights if p.startswith("cell")})
        third = (cells - 2) // 3
        reduced = False
        for i in range(cells):
            kind = "reduce" if i in (third, 2 * third + 1) else "normal"
            if reduced:
                first = self.factorized_reduction(f"in{i}_0.y", F.relu(before))
            else:
                first = self.relu_conv_norm(f"in{i}_0", before, 1)
            second = self.relu_conv_norm(f"in{i}_1", last, 1)
            before, last = last, self.cell(f"cell{i}", kind, first, second)
            reduced = kind == "reduce"
        return self.head(F.relu(last))
