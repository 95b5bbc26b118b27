#!/usr/bin/env bash
# The training step of DARTS_V2 in Lanista and in PyTorch eager, one after the other in alternating rounds, and the
# table of ratios from that one run.
#
#   PYTHON         a python3 with torch 2.11 (default: the project's .venv)
#   LANISTA_STEP   the command of Lanista's side; it takes darts_step.py's arguments (less --layout) and prints its JSON.
#                  Without it only the baseline runs.
#   ROUNDS, STEPS, WARMUP, THREADS   default 3, 20, 3 and "1 2"
#   OUT            where the JSON lines go (default: target/peers.jsonl)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
out=${OUT:-$root/target/peers.jsonl}
mkdir -p "$(dirname "$out")"
: > "$out"

for round in $(seq "${ROUNDS:-3}"); do
    for threads in ${THREADS:-1 2}; do
        args=(--threads "$threads" --steps "${STEPS:-20}" --warmup "${WARMUP:-3}")
        echo "round $round, $threads thread(s)" >&2
        # Lanista runs between the two layouts, so that a slow drift of the machine favours neither side.
        "$python" "$here/darts_step.py" --layout contiguous "${args[@]}" >> "$out"
        if [ -n "${LANISTA_STEP:-}" ]; then
            # Unquoted: the command may hold arguments.
            $LANISTA_STEP "${args[@]}" >> "$out"
        fi
        "$python" "$here/darts_step.py" --layout channels_last "${args[@]}" >> "$out"
    done
done
"$python" "$here/report.py" "$out"
