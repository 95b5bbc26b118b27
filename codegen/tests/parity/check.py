"""Runs exported networks in PyTorch, and says how far each tensor lies from ours.

Reads `suite.json` in the folder that is its argument; prints a JSON list with an entry per run. A distance is
max|ours - theirs| / max|theirs|. A gradient that is zero but for rounding, as a bias before a batch norm has, is measured
against the network's greatest.
"""

import importlib.util
import json
import math
import os
import sys
from pathlib import Path

import torch
from safetensors_file import numbered, read


DEVICE = os.environ.get("LANISTA_TEST_DEVICE", "cpu")


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def greatest(t):
    return t.double().abs().max().item() if t.numel() else 0.0


def distance(ours, theirs, scale):
    if ours.shape != theirs.shape:
        return f"shape {list(ours.shape)}, not {list(theirs.shape)}"
    gap = greatest(ours.double() - theirs.double())
    if gap == 0:
        return 0.0
    return gap / scale if scale > 0 and math.isfinite(gap) else f"{gap} / {scale}"


def scales(theirs, precise):
    """What each tensor's distance is measured against."""
    grads = [greatest(t) for name, t in precise.items() if "grad." in name]
    zero = 1e-10 * max(grads, default=0.0)
    nought = lambda name: "grad." in name and greatest(precise[name]) < zero
    return {name: max(grads) if nought(name) else greatest(t) for name, t in theirs.items()}


def step(net, weights, tensors, dtype, train, layout=torch.contiguous_format):
    """What PyTorch computes: outputs, gradients, running statistics. Runs that differ on our side only share it."""
    given = {n: t for n, t in tensors.items() if n.split(".")[0] in ("input", "noise")}
    bits = tuple((n, t.numpy().tobytes()) for n, t in sorted(given.items()))
    key = (weights, dtype, train, layout, hash(bits))
    if key not in computed:
        computed[key] = compute(net, weights, given, dtype, train, layout)
    return computed[key]


computed = {}


def compute(net, weights, tensors, dtype, train, layout):
    model = net.load(weights).to(DEVICE, dtype).to(memory_format=layout).train(train)
    paths = {key: path for path, key in net.RENAMED.items()}
    inputs = []
    for x in numbered(tensors, "input."):
        x = x.to(DEVICE)
        if x.is_floating_point():
            images = {"memory_format": layout} if x.dim() == 4 else {}
            x = x.to(dtype, copy=True, **images).requires_grad_()
        inputs.append(x)
    outputs = model(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    noise = iter(numbered(tensors, "noise."))
    loss = sum((y * next(noise).to(DEVICE, dtype)).sum() for y in outputs if y.is_floating_point())
    if isinstance(loss, torch.Tensor) and loss.requires_grad:
        loss.backward()
    found = {f"output.{i}": y.detach() for i, y in enumerate(outputs)}
    grad = lambda t: torch.zeros_like(t) if t.grad is None else t.grad
    found |= {f"input_grad.{i}": grad(x) for i, x in enumerate(inputs) if x.is_floating_point()}
    found |= {f"grad.{paths.get(key, key)}": grad(p) for key, p in model.named_parameters()}
    buffers = {key: b for key, b in model.named_buffers() if not key.endswith("num_batches_tracked")}
    found |= {f"after.{paths.get(key, key)}": b for key, b in buffers.items()}
    return {name: t.cpu() for name, t in found.items()}


def compare(folder, run):
    net = module(folder / f"{run['network']}.py")
    weights = folder / f"{run['network']}.safetensors"
    tensors = read(folder / f"{run['name']}.safetensors")
    dtype = getattr(torch, run["dtype"])
    theirs = step(net, weights, tensors, dtype, run["train"])
    ours = {name: t for name, t in tensors.items() if name.split(".")[0] not in ("input", "noise")}
    differ = [name for name in set(ours) ^ set(theirs) if name not in run["idle"]]
    if differ:
        return {"name": run["name"], "error": f"tensors differ: {sorted(differ)}"}
    precise, last = theirs, theirs
    if dtype == torch.float32:
        precise = step(net, weights, tensors, torch.float64, run["train"])
        if run["channels_last"]:
            last = step(net, weights, tensors, dtype, run["train"], torch.channels_last)
    scale = scales(theirs, precise)
    rows = []
    for name, t in ours.items():
        # How far PyTorch's own single precision lies from its double precision, in its own layout and in ours.
        own = max(distance(v[name], precise[name], scale[name]) for v in (theirs, last))
        rows.append([name, distance(t, theirs[name], scale[name]), own])
    return {"name": run["name"], "tensors": rows}


def main():
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    # oneDNN of PyTorch 2.11 corrupts the heap on some AMD processors, in a backward pass in single precision.
    torch.backends.mkldnn.enabled = False
    report = []
    for run in json.loads((folder / "suite.json").read_text()):
        try:
            report.append(compare(folder, run))
        except Exception as e:  # told with the run's name, together with all others
            report.append({"name": run["name"], "error": f"{type(e).__name__}: {e}"})
    print(json.dumps(report))


main()
