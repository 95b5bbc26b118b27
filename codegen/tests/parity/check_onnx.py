"""Checks exported ONNX models and runs them in onnxruntime.

Reads `suite.json` in the folder that is its argument; prints a JSON list with an entry per run: the distance
max|ours - theirs| / max|theirs| of each output.
"""

import json
import sys
from pathlib import Path

import onnx
import onnxruntime
import safetensors_file

FOLDER = Path(sys.argv[1])
sessions = {}


def session(name):
    if name not in sessions:
        path = str(FOLDER / f"{name}.onnx")
        onnx.checker.check_model(path, full_check=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        sessions[name] = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return sessions[name]


def compare(run):
    model = session(run["network"])
    tensors = safetensors_file.read(FOLDER / f"{run['name']}.safetensors")
    inputs = [x.numpy() for x in safetensors_file.numbered(tensors, "input.")]
    theirs = model.run(None, {spec.name: x for spec, x in zip(model.get_inputs(), inputs, strict=True)})
    ours = [y.numpy() for y in safetensors_file.numbered(tensors, "output.")]
    rows = []
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return {"name": run["name"], "error": f"output {i}: {a.dtype}{a.shape}, not {b.dtype}{b.shape}"}
        gap = abs(a.astype(float) - b.astype(float)).max(initial=0)
        rows.append([f"output.{i}", gap / abs(b.astype(float)).max() if gap else 0.0, 0.0])
    return {"name": run["name"], "tensors": rows}


def main():
    report = []
    for run in json.loads((FOLDER / "suite.json").read_text()):
        try:
            report.append(compare(run))
        except Exception as e:  # told with the run's name, together with all others
            report.append({"name": run["name"], "error": f"{type(e).__name__}: {e}"})
    print(json.dumps(report))


main()
