"""Supernets in plain PyTorch: a batch's loss, and the gradient of everything.

python supernet SPACE SHARE FILE..

With a SHARE above 1 a choice of DARTS sees one channel of so many, and the others go past it (Xu et al. 2020, PC-DARTS).
Each FILE is a safetensors file with `inputs`, images or words, `labels`, `weight:PATH` for each learned weight of the
supernet, and per decision that is not left as it is either `factor:LABEL`, a number per candidate, for a mixture, or
`taken:LABEL`, a 1 or 0 per candidate, for a path. Batch norm is in training mode. Prints a line of JSON per file:
`loss`, and `weights` and `factors`, the gradients by path and label, flat; what does not lead to the loss is left out.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from darts import Darts
from enas import Macro, Micro
from nasbench201 import NasBench201
from proxyless import Proxyless
from recurrent import Recurrent
from widths import NatsBenchSize, Toy

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "codegen" / "tests" / "parity"))
from safetensors_file import read  # noqa: E402

SPACES = {
    "darts": Darts,
    "enas-macro": Macro,
    "enas-micro": Micro,
    "nasbench201": NasBench201,
    "natsbench-size": NatsBenchSize,
    "proxyless": Proxyless,
    "recurrent": Recurrent,
    "toy": Toy,
}


def gradients(named):
    return {k: v.grad.flatten().tolist() for k, v in named.items() if v.grad is not None}


def main():
    space, share, *files = sys.argv[1:]
    # Thousands of tiny kernels: threads that meet after each of them cost a hundred times what they compute.
    torch.set_num_threads(1)
    for file in files:
        tensors = read(file)
        inputs, labels = tensors.pop("inputs"), tensors.pop("labels")
        net = SPACES[space](tensors, int(share))
        loss = F.cross_entropy(net.forward(inputs).flatten(0, -2), labels.flatten())
        loss.backward()
        found = {"loss": loss.item(), "weights": gradients(net.weights), "factors": gradients(net.factors)}
        print(json.dumps(found))


main()
