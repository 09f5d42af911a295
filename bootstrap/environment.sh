#!/usr/bin/env bash
# Makes .venv with LabQA and everything that its tests need. Safe to repeat: a stamp over pyproject.toml and constraints.txt
# lets a second run start offline, and an interrupted run is taken up where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
STAMP=$VENV/.labqa-ready

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Runs a command as root: directly, or by sudo where it asks for no password; else returns 1.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif sudo -n true 2>/dev/null; then sudo -n "$@"; else return 1; fi
}

# The folder is part of it: an environment that was moved with its checkout calls the interpreter it had before.
fingerprint() { printf '%s\n%s\n' "$PWD" "$(cat pyproject.toml constraints.txt | cksum)"; }

ready() { [ -x "$VENV/bin/labqa" ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(fingerprint)" ]; }

# The first Python of 3.11 or later on PATH.
find_python() {
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$name"; return; fi
  done
  fail "LabQA needs Python 3.11 or later, and none was found on PATH: install it (Debian, Ubuntu: apt-get install -y python3 python3-venv) or uv, then run make again."
}

# Debian and Ubuntu ship python3 without ensurepip; venv then cannot give an environment its pip.
need_ensurepip() {
  local python=$1 package line
  "$python" -c 'import ensurepip' 2>/dev/null && return
  package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  line="apt-get update && apt-get install -y $package"
  if command -v apt-get >/dev/null && as_root true; then
    say "Python lacks ensurepip: installing $package (about half a minute)"
    as_root sh -c "$line" >/dev/null && "$python" -c 'import ensurepip' 2>/dev/null && return
  fi
  fail "Python cannot make an environment because its module ensurepip is missing; as root run: $line"
}

with_uv() {
  if ! "$VENV/bin/python" -c '' 2>/dev/null; then
    say "Making the environment $VENV with uv (seconds)"
    uv venv --quiet --clear --python '>=3.11' "$VENV"
  fi
  say "Installing LabQA and its packages with uv (about a minute the first time, 1 GB on disk)"
  uv pip install --quiet --python "$VENV/bin/python" --constraint constraints.txt --editable '.[test]'
}

with_pip() {
  if ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    local python; python=$(find_python)
    need_ensurepip "$python"
    say "Making the environment $VENV (about 10 seconds)"
    "$python" -m venv --clear "$VENV"
  fi
  say "Installing LabQA and its packages with pip (2 to 5 minutes the first time, 1 GB on disk)"
  "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
}

if ready; then exit 0; fi
if [ -f "$STAMP" ] && [ "$(head -1 "$STAMP")" != "$PWD" ]; then rm -rf "$VENV"; fi
rm -f "$STAMP"
if command -v uv >/dev/null; then with_uv; else with_pip; fi
fingerprint > "$STAMP"
say "The environment is ready; another run starts at once and needs no network"
