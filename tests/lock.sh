#!/usr/bin/env bash
# Writes every requirements.txt from its requirements.in: exact versions with hashes, for Python 3.11 and newer, no registry named.
set -euo pipefail
cd "$(dirname "$0")/.."
for folder in docker/dagster docker/evaluation docker/launch_gateway docker/login docker/users_api user_code tests tests/scanner; do
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "$folder/requirements.txt" "$@" "$folder/requirements.in"
done
