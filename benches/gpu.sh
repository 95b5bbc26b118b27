#!/usr/bin/env bash
# Everything that a GPU is to show, in one command: parity with PyTorch on CUDA, of networks and of supernets; a training
# run and one-shot searches on the embedded digits; the training step of DARTS_V2 beside PyTorch eager. A table and a line
# of JSON come last.
#
#   benches/gpu.sh build    where there is a Rust toolchain: makes and strips the binaries, in target/gpu (under 60 MB)
#   benches/gpu.sh          on the machine with the GPU: needs that folder, this repository and a python3 with torch 2.11
#                           built for CUDA 13; no toolchain, no network
#   benches/gpu.sh run NAME ..   there: one of the binaries, `run repro spos --full --device cuda`
#
#   PYTHON   the python3 (default: python3)
#   OUT      where results go (default: target/gpu/results)
#   STEPS    measured training steps (default: 50)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bin=target/gpu
names=(lanista darts-step repro parity supernet_parity)

build() {
    scripts/setup-torch.sh
    mkdir -p "$bin"
    local messages=$bin/build.json
    # One call for all of them, so that nothing is built twice with other features.
    cargo build --locked --workspace --features torch --bins --test parity --test supernet_parity --message-format=json >"$messages"
    python3 - "$messages" "$bin" <<'PY'
import json, subprocess, sys

messages, folder = sys.argv[1:]
# A binary is also built as the harness of its own unit tests, under the same name.
wanted = {("bin", "lanista"), ("bin", "darts-step"), ("bin", "repro"), ("test", "parity"), ("test", "supernet_parity")}
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
    du -ch "${names[@]/#/$bin/}" | tail -n 1
}

if [[ ${1:-} == build ]]; then
    build
    exit
fi

for name in "${names[@]}"; do
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
if [[ ${1:-} == run ]]; then
    exec "$bin/$2" "${@:3}"
fi
# Parity is a matter of arithmetic, not of TF32's ten bits.
export NVIDIA_TF32_OVERRIDE=0
out=${OUT:-$bin/results}
mkdir -p "$out"
device=$("$python" -c 'import torch; print(torch.cuda.get_device_name())')

# Runs a check, keeps what it prints, and notes how it went.
declare -A verdict
check() {
    local name=$1
    shift
    echo "== $name on $device"
    if "$@" 2>&1 | tee "$out/${name// /-}.txt"; then
        verdict[$name]=pass
    else
        verdict[$name]=fail
    fi
}

parity() {
    CARGO_MANIFEST_DIR=$PWD/codegen LANISTA_PYTHON=$python LANISTA_TEST_DEVICE=cuda LANISTA_REQUIRE_ALL=1 \
        "$bin/$1" --test-threads 1 "${@:2}"
}

# Every way through the supernet that a strategy has.
one_shot() {
    local space=nasbench201:image=1x8x8,classes=10,channels=8,cells=1 strategy
    for strategy in darts:order=1 darts:order=2 gdas enas:steps=10 spos:trials=20; do
        "$bin/lanista" search "$space" --strategy "$strategy" --evaluator train:data=digits,epochs=3,device=cuda ||
            return 1
    done
}

check parity parity parity --skip onnx
check 'supernet parity' parity supernet_parity
check training "$bin/lanista" train nasbench201:image=1x8x8,classes=10,channels=8,cells=1 --random 0 --data digits \
    --epochs 10 --device cuda --out "$out/digits"
check 'one-shot search' one_shot

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
printf '%-40s %s\n' device "$device" date "$(date -u +%F)"
failed=0
checks=
for name in "${!verdict[@]}"; do
    printf '%-40s %s\n' "$name" "${verdict[$name]}"
    checks+="$name=${verdict[$name]}"$'\n'
    [[ ${verdict[$name]} == pass ]] || failed=1
done
"$python" - "$out" "$device" "$checks" <<'PY'
import datetime, json, statistics, sys
out, device, checks = sys.argv[1:]
rows = [json.loads(line) for line in open(f"{out}/steps.jsonl")]
step = {}
for row in rows:
    step.setdefault(f"{row['framework']} {row['layout']}", []).append(row["median_ms"])
result = {"device": device, "date": datetime.date.today().isoformat()}
result |= dict(line.split("=") for line in checks.splitlines())
result["step_ms"] = {name: statistics.median(values) for name, values in step.items()}
print(json.dumps(result))
PY
exit "$failed"
