#!/usr/bin/env bash
# Runs the tests: all but the long trials, and without the browser tests where there is no Chromium (an error with CI=true).
# Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted="not long"
status=0
bash bootstrap/browser.sh || status=$?
if [ "$status" = 1 ]; then wanted="not long and not browser"; elif [ "$status" != 0 ]; then exit "$status"; fi
printf '\033[1m==>\033[0m %s\n' "Running the tests (10 to 20 minutes on 2 cores)"
exec .venv/bin/python -m pytest -n auto --maxprocesses 4 -m "$wanted" "$@"
