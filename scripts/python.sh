#!/usr/bin/env bash
# Prints the path of a Python that has torch: $LANISTA_PYTHON, that of .venv, or the python3 on PATH.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

for python in "${LANISTA_PYTHON:-}" "$root/.venv/bin/python" "$(command -v python3 || true)"; do
    if [[ -n $python ]] && "$python" -c 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)' 2>/dev/null; then
        printf '%s\n' "$python"
        exit 0
    fi
done
echo "error: no Python with torch: run 'make setup-torch', or set LANISTA_PYTHON" >&2
exit 1
