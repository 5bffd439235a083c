#!/usr/bin/env bash
# Writes every requirements.txt from its requirements.in: exact versions with hashes, for Python 3.11 and newer.
# A lock names no registry.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*requirements.in' | while read -r file; do
    folder=$(dirname "$file")
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "$folder/requirements.txt" "$@" "$file" </dev/null
done
