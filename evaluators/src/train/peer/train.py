"""Trains the network in a folder with PyTorch: same first weights, images, order of batches and learning rates.

python train.py FOLDER [STEPS [float64]]
"""

import json
import struct
import sys

import torch
import torch.nn.functional as F


def read(path):
    """The tensors of a safetensors file."""
    dtypes = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(data[start:end], dtype=dtypes[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def make_optimizer(model, run):
    parameters = model.parameters()
    decay = run["weight_decay"]
    if run["optimizer"] == "sgd":
        return torch.optim.SGD(
            parameters, lr=run["rates"][0], momentum=run["momentum"], nesterov=run["nesterov"], weight_decay=decay
        )
    kind = torch.optim.Adam if run["optimizer"] == "adam" else torch.optim.AdamW
    return kind(parameters, lr=run["rates"][0], betas=(run["momentum"], run["beta2"]), weight_decay=decay)


def outputs(model, images):
    out = model(images)
    return out if isinstance(out, tuple) else (out,)


def loss_of(model, images, labels, run):
    heads = outputs(model, images)
    losses = [F.cross_entropy(head, labels, label_smoothing=run["label_smoothing"]) for head in heads]
    return losses[0] + sum(run["auxiliary"] * loss for loss in losses[1:])


def accuracy(model, images, labels, batch):
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in zip(images.split(batch), labels.split(batch)):
            hits += (outputs(model, x)[0].argmax(1) == y).sum().item()
    return 100.0 * hits / len(labels)


def main():
    folder, limit = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None
    kind = torch.float64 if "float64" in sys.argv[3:] else torch.float32
    sys.path.insert(0, folder)
    import network

    with open(f"{folder}/run.json") as file:
        run = json.load(file)
    torch.set_num_threads(run["threads"])
    data = read(f"{folder}/data.safetensors")
    model = network.load(f"{folder}/weights.safetensors")
    # The faster of PyTorch's two layouts for images on a processor.
    model = model.to(kind, memory_format=torch.channels_last)
    optimizer = make_optimizer(model, run)
    model.train()
    losses = []
    for step, rate in enumerate(run["rates"][:limit]):
        per_epoch = len(run["rates"]) // sum(name.startswith("order.") for name in data)
        epoch, batch = divmod(step, per_epoch)
        chosen = data[f"order.{epoch}"][batch * run["batch"] :][: run["batch"]]
        images = data["train.images"][chosen].to(kind, memory_format=torch.channels_last)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, images, data["train.labels"][chosen], run)
        loss.backward()
        if run["clip"] > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), run["clip"])
        optimizer.step()
        losses.append(loss.item())
    result = {"losses": losses}
    if limit is None:
        result["accuracy"] = accuracy(model, data["test.images"].to(kind), data["test.labels"], run["batch"])
    print(json.dumps(result))


main()
