#!/usr/bin/env bash
# Makes libtorch 2.11 available to the build, as the link .libtorch that .cargo/config.toml names.
#
# The first that is there serves: $LIBTORCH; .libtorch as it is; the torch of the python3 on PATH; a .venv of this
# folder, made now (about 5 GB). Running it again is free, and repairs a .venv whose installation was interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=2.11
requirements=scripts/requirements.txt

say() { printf 'setup-torch: %s\n' "$*"; }
fail() {
    printf 'setup-torch: error: %s\n' "$*" >&2
    exit 2
}

# The version of a libtorch folder: a wheel says it in version.py, a zip of libtorch in build-version.
version_of() {
    if [[ -f $1/version.py ]]; then
        sed -n "s/^__version__ = ['\"]\([^'\"]*\)['\"].*/\1/p" "$1/version.py"
    elif [[ -f $1/build-version ]]; then
        head -n 1 "$1/build-version"
    fi
}

is_libtorch() {
    [[ -e $1/lib/libtorch.so && $(version_of "$1") == "$wanted".* ]]
}

# Where a python keeps torch, if it is the wanted one. The version is read before torch is imported, since an import
# takes seconds; it is imported all the same, since an installation can be broken.
torch_of() {
    "$1" - "$wanted" <<'PY' 2>/dev/null
import importlib.metadata, os, sys
if not importlib.metadata.version("torch").startswith(sys.argv[1] + "."):
    sys.exit(1)
import torch
print(os.path.dirname(torch.__file__))
PY
}

link() {
    [[ ! -e .libtorch || -L .libtorch ]] || fail ".libtorch is no link and no libtorch $wanted; move it away"
    # Made beside itself and renamed, so that there is never a moment without a link.
    ln -sfn "$1" ".libtorch.$$"
    mv -fT ".libtorch.$$" .libtorch
    say ".libtorch -> $1"
}

if [[ -n ${LIBTORCH:-} ]]; then
    [[ -e $LIBTORCH/lib/libtorch.so ]] ||
        fail "LIBTORCH is $LIBTORCH, which has no lib/libtorch.so; correct it, or unset it to use .libtorch"
    is_libtorch "$LIBTORCH" ||
        fail "LIBTORCH is $LIBTORCH, of version '$(version_of "$LIBTORCH")'; $wanted is needed. Correct it, or unset it"
    say "libtorch $(version_of "$LIBTORCH") at \$LIBTORCH, $LIBTORCH"
    exit 0
fi

# An environment that is being filled has no stamp yet: it is not used, and its installation is taken up again.
stamp=.venv/lanista-requirements.txt
interrupted=false
if [[ -d .venv && ! -L .venv ]] && ! cmp -s "$requirements" "$stamp"; then
    interrupted=true
fi

if [[ $interrupted == false ]] && is_libtorch .libtorch; then
    say "libtorch $(version_of .libtorch) at .libtorch, $(readlink -f .libtorch)"
    exit 0
fi

python=${LANISTA_PYTHON:-python3}
command -v "$python" >/dev/null ||
    fail "no $python on PATH; install Python 3.11 or later, or set LANISTA_PYTHON, or LIBTORCH to a libtorch $wanted"

if [[ $interrupted == false ]] && folder=$(torch_of "$python"); then
    link "$folder"
    exit 0
fi

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' ||
    fail "$("$python" --version) has no torch $wanted; install Python 3.11 to 3.14, or set LANISTA_PYTHON to one"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$("$python" --version) cannot make environments; install the package python3-venv (as root: apt-get install python3-venv)"

if [[ ! -x .venv/bin/python ]] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "making .venv"
    "$python" -m venv --clear .venv
fi
say "installing PyTorch $wanted and what the tests compare with into .venv: about 5 GB"
.venv/bin/python -m pip install --disable-pip-version-check --quiet --requirement "$requirements" ||
    fail "pip failed, see above; run it again to go on, or remove .venv to start anew"
folder=$(torch_of .venv/bin/python) || fail "torch $wanted was installed into .venv but cannot be imported; remove .venv"
cp "$requirements" "$stamp.$$"
mv -f "$stamp.$$" "$stamp"
link "$folder"
