#!/usr/bin/env bash
# Everything that a GPU is to show, in one command: parity with PyTorch on CUDA, a training run on the embedded digits,
# and the training step of DARTS_V2 beside PyTorch eager. A table and a line of JSON come last.
#
#   benches/gpu.sh build    where there is a Rust toolchain: makes and strips the binaries, in target/gpu (under 60 MB)
#   benches/gpu.sh          on the machine with the GPU: needs that folder, this repository and a python3 with torch 2.11
#                           built for CUDA 13; no toolchain, no network
#
#   PYTHON   the python3 (default: python3)
#   OUT      where results go (default: target/gpu/results)
#   STEPS    measured training steps (default: 50)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=target/gpu

build() {
    scripts/setup-torch.sh
    mkdir -p "$bin"
    local messages=$bin/build.json
    # One call for all of them, so that nothing is built twice with other features.
    cargo build --locked --workspace --features torch --bins --tests --message-format=json >"$messages"
    python3 - "$messages" "$bin" <<'PY'
import json, subprocess, sys

messages, folder = sys.argv[1:]
# A binary is also built as the harness of its own unit tests, under the same name.
wanted = {("bin", "lanista"), ("bin", "darts-step"), ("test", "parity")}
for line in open(messages):
    message = json.loads(line)
    if message["reason"] != "compiler-artifact" or not message.get("executable"):
        continue
    kind, name = message["target"]["kind"][0], message["target"]["name"]
    if (kind, name) in wanted and message["profile"]["test"] == (kind == "test"):
        subprocess.run(["strip", "-o", f"{folder}/{name}", message["executable"]], check=True)
        wanted.remove((kind, name))
if wanted:
    sys.exit(f"gpu.sh: cargo built no {', '.join(name for _, name in sorted(wanted))}")
PY
    rm "$messages"
    du -ch "$bin"/lanista "$bin"/darts-step "$bin"/parity | tail -n 1
}

if [[ ${1:-} == build ]]; then
    build
    exit
fi

for name in lanista darts-step parity; do
    [[ -x $bin/$name ]] || { echo "gpu.sh: $bin/$name is missing; run 'benches/gpu.sh build' where Rust is" >&2; exit 2; }
done
python=$(command -v "${PYTHON:-python3}") || { echo "gpu.sh: no python3" >&2; exit 2; }
site=$("$python" - <<'PY'
import os, sys
import torch
if not torch.__version__.startswith("2.11."):
    sys.exit(f"gpu.sh: torch 2.11 is needed, found {torch.__version__}")
if not torch.cuda.is_available():
    sys.exit("gpu.sh: torch sees no CUDA device")
print(os.path.dirname(os.path.dirname(torch.__file__)))
PY
)
# The binaries' run path is of the machine that built them.
LD_LIBRARY_PATH="$site/torch/lib:$(find "$site/nvidia" -maxdepth 3 -type d -name lib | paste -sd:)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH
# Parity is a matter of arithmetic, not of TF32's ten bits.
export NVIDIA_TF32_OVERRIDE=0
out=${OUT:-$bin/results}
mkdir -p "$out"
device=$("$python" -c 'import torch; print(torch.cuda.get_device_name())')
failed=0

echo "== parity with PyTorch on $device"
if CARGO_MANIFEST_DIR=$PWD/codegen LANISTA_PYTHON=$python LANISTA_TEST_DEVICE=cuda LANISTA_REQUIRE_ALL=1 \
    "$bin/parity" --test-threads 1 --skip onnx 2>&1 | tee "$out/parity.txt"; then
    parity=pass
else
    parity=fail
    failed=1
fi

echo "== training on the digits"
if "$bin/lanista" train nasbench201:image=1x8x8,classes=10,channels=8,cells=1 --random 0 --data digits --epochs 10 \
    --device cuda --out "$out/digits" 2>&1 | tee "$out/train.txt"; then
    train=pass
else
    train=fail
    failed=1
fi

echo "== training step of DARTS_V2"
unset NVIDIA_TF32_OVERRIDE
steps=(--batch 96 --steps "${STEPS:-50}" --warmup 10)
: >"$out/steps.jsonl"
for _ in 1 2 3; do
    for layout in contiguous channels_last; do
        "$python" benches/peers/darts_step.py --device cuda --layout "$layout" "${steps[@]}" >>"$out/steps.jsonl"
    done
    "$bin/darts-step" --device cuda "${steps[@]}" >>"$out/steps.jsonl"
done
"$python" benches/peers/report.py "$out/steps.jsonl" | tee "$out/steps.txt"

echo "== results"
printf '%-40s %s\n' device "$device" date "$(date -u +%F)" parity "$parity" 'training on the digits' "$train"
"$python" - "$out" "$device" "$parity" "$train" <<'PY'
import datetime, json, statistics, sys
out, device, parity, train = sys.argv[1:]
rows = [json.loads(line) for line in open(f"{out}/steps.jsonl")]
step = {}
for row in rows:
    step.setdefault(f"{row['framework']} {row['layout']}", []).append(row["median_ms"])
result = {
    "device": device, "date": datetime.date.today().isoformat(), "parity": parity, "train": train,
    "step_ms": {name: statistics.median(values) for name, values in step.items()},
}
print(json.dumps(result))
PY
exit "$failed"
