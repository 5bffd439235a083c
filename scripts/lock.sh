#!/usr/bin/env bash
# Writes every requirements.txt from its requirements.in: exact versions with hashes, for Python 3.11 and newer.
# A lock names no registry. The locks of code locations are made by `make up`, `make deploy` and `make location`.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*requirements.in' | while read -r file; do
    folder=$(dirname "$file")
    inputs=("$file")
    # The tests import the first code location.
    [ "$folder" = tests ] && inputs+=(user_code/pyproject.toml)
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" --output-file "$folder/requirements.txt" "$@" "${inputs[@]}" </dev/null
done
