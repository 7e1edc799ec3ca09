# Sourced by quickstart.sh and run_tests.sh: goes to the checkout, makes sure there is a Python that has mmt2ireid, and
# sets PYTHON. Give PYTHON=/path/to/python to use an environment of your own; nothing is installed into it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
EXTRA=${1:-}  # an extra of setup.py to install as well

make_venv() {
  local base=${BASE_PYTHON:-python3} wanted
  "$base" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "Python 3.10 or later is needed; set BASE_PYTHON=/path/to/python3" >&2; exit 1; }
  # Installed once per set of requirements: the mark holds their checksum.
  wanted="$EXTRA $(cat setup.py requirements/*.txt | cksum)"
  PYTHON="$PWD/.venv/bin/python"
  local mark=.venv/installed${EXTRA:+-$EXTRA}
  [ -x "$PYTHON" ] && [ -f "$mark" ] && [ "$(cat "$mark")" = "$wanted" ] && return
  echo "== installing into .venv (some minutes and 6 GB the first time)"
  # A call that was killed half-way may have left a Python without pip, and the Python it links to may be gone.
  { "$PYTHON" -c '' 2>/dev/null || "$base" -m venv --clear .venv; } &&
    { "$PYTHON" -m pip --version >/dev/null 2>&1 || "$PYTHON" -m ensurepip --upgrade; } ||
    { echo "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
  "$PYTHON" -m pip install --quiet --upgrade pip
  # Progress bars for people; --quiet would take them away, and is for logs.
  "$PYTHON" -m pip install $([ -t 1 ] || echo --quiet) -e ".${EXTRA:+[$EXTRA]}"
  "$PYTHON" -c 'import cv2' ||
    { echo "OpenCV lacks system libraries; on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0 libxcb1" >&2; exit 1; }
  echo "$wanted" > "$mark"
}

if [ -z "${PYTHON:-}" ]; then make_venv; fi
export PYTHON PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
