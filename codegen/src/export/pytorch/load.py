def load(path, model=None):
    """Reads weights from a safetensors file into `model`, a new `Network` unless given, and returns it."""
    dtypes = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    state = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        values = torch.frombuffer(data[start:end], dtype=dtypes[entry["dtype"]])
        state[RENAMED.get(name, name)] = values.reshape(entry["shape"])
    model = Network() if model is None else model
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):  # PyTorch's own, which no checkpoint holds
            state.setdefault(name, value)
    model.load_state_dict(state)
    return model
