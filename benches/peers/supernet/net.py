"""What every supernet has: weights, factors and paths by name, and the blocks that several spaces are made of."""

import torch
import torch.nn.functional as F


class Net:
    def __init__(self, tensors, share):
        self.share = share

        def named(prefix):
            cut = len(prefix)
            return {k[cut:]: v for k, v in tensors.items() if k.startswith(prefix)}

        def learned(prefix):
            return {k: v.requires_grad_() for k, v in named(prefix).items()}

        self.weights, self.factors = learned("weight:"), learned("factor:")
        self.taken = {label: (chosen == 1).tolist() for label, chosen in named("taken:").items()}

    def conv(self, path, x, **options):
        return F.conv2d(x, self.weights[path + ".weight"], **options)

    def norm(self, path, x, eps=1e-5):
        scale, shift = self.weights.get(path + ".weight"), self.weights.get(path + ".bias")
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=eps)

    def relu_conv_norm(self, path, x, k, stride=1):
        y = self.conv(path + ".v", F.relu(x), stride=stride, padding=k // 2)
        return self.norm(path + ".y", y)

    def choose(self, label, candidates):
        """The sum of some candidates, which are functions: with factors, or of those alone that a path takes.

        Of none that is 0, and of a decision without either all of them.
        """
        if label in self.factors:
            return sum(w * y() for w, y in zip(self.factors[label], candidates, strict=True))
        taken = self.taken.get(label, [True] * len(candidates))
        return sum(y() for t, y in zip(taken, candidates, strict=True) if t)

    def choose_inputs(self, label, values):
        """The same of values that are there anyway."""
        return self.choose(label, [lambda x=x: x for x in values])

    def head(self, x):
        """The classifier, whose bias some spaces have and others lack."""
        return F.linear(x.mean((2, 3)), self.weights["logits.weight"], self.weights.get("logits.bias"))


def mean_pool(x, stride=1):
    return F.avg_pool2d(x, 3, stride=stride, padding=1, count_include_pad=False)
