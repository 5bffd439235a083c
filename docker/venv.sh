#!/bin/sh
# Makes /opt/venv of /requirements.txt, for the first stage of an image. The lock holds hashes, so that a mirror can serve the
# packages, but not change them. Byte-compiled, and without pip: the image installs nothing any more.
set -eu
python -m venv /opt/venv
/opt/venv/bin/pip install --quiet --no-compile --cache-dir /var/cache/pip --require-hashes --no-deps -r /requirements.txt
/opt/venv/bin/pip uninstall --quiet --yes pip
python -m compileall -q -j 0 /opt/venv
