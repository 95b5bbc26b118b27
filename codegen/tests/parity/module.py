"""What an exported module is by itself: its first weights beside ours, its random masks, PyTorch's own names.

Prints a JSON object.
"""

import importlib.util
import json
import sys
from pathlib import Path

import torch
from scipy import stats
from torch import nn

FOLDER = Path(sys.argv[1])


def exported(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def first_weights():
    """Per weight: greatest magnitude, mean and deviation of ours and PyTorch's, and the p-value of a two-sample
    Kolmogorov-Smirnov test."""
    torch.manual_seed(0)
    net = exported("init")
    theirs = net.Network().state_dict()
    ours = net.load(FOLDER / "init.safetensors").state_dict()
    rows = {}
    for name, a in ours.items():
        if name.endswith("num_batches_tracked"):
            continue
        a, b = a.double().flatten(), theirs[name].double().flatten()
        describe = lambda t: [t.abs().max().item(), t.mean().item(), t.std(correction=0).item()]
        rows[name] = {"ours": describe(a), "theirs": describe(b), "p": stats.ks_2samp(a, b).pvalue}
    return rows


def masks():
    """Shares of ones that are dropped by element and by path, and the values that are left."""
    torch.manual_seed(0)
    model = exported("masks").Network()
    element, path = model(torch.ones(4000, 3, 2, 2))
    flat = path.flatten(1)
    whole = bool((flat == flat[:, :1]).all())
    calm = all(bool((y == 1).all()) for y in model.eval()(torch.ones(5, 3, 2, 2)))
    dropped = lambda y: (y == 0).double().mean().item()
    return {
        "element": [dropped(element), element.max().item()],
        "path": [dropped(flat[:, 0]), path.max().item()],
        "whole": whole,
        "calm": calm,
    }


class Plain(nn.Module):
    pass


names = [name for name in dir(Plain()) if not name.startswith("_")]
print(json.dumps({"weights": first_weights(), "masks": masks(), "names": names}))
