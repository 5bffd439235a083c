#!/bin/sh
# Creates a virtual environment, /opt/venv unless an argument names another, from /requirements.txt, for the first stage of an
# image. The lock holds hashes: a mirror can serve the packages, but cannot change them. Byte-compiled, and without pip: the
# image installs nothing later.
set -eu
venv=${1:-/opt/venv}
python -m venv "$venv"
"$venv/bin/pip" install --quiet --no-compile --cache-dir /var/cache/pip --require-hashes --no-deps -r /requirements.txt
"$venv/bin/pip" uninstall --quiet --yes pip
python -m compileall -q -j 0 "$venv"
