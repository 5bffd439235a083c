#!/usr/bin/env bash
# Scans every Dockerfile with checkov. The script creates checkov's own virtual environment if it is not up to date.
set -euo pipefail
cd "$(dirname "$0")/../.."

stamp=$(sha256sum scripts/scanner/requirements.txt | cut -c1-16)-$(python3 -V | tr -d ' ')
if [ "$(cat .venv/scanner/stamp 2>/dev/null)" != "$stamp" ]; then
    rm -rf .venv/scanner
    .venv/bin/uv venv --quiet .venv/scanner
    .venv/bin/uv pip install --quiet --python .venv/scanner/bin/python --require-hashes --no-deps -r scripts/scanner/requirements.txt
    echo "$stamp" >.venv/scanner/stamp
fi
# Git lists the files, so checkov reads no virtual environment and no other checkout. It sends no network request.
git ls-files -co --exclude-standard '*Dockerfile' | sed 's/^/--file=/' |
    xargs .venv/scanner/bin/checkov --config-file scripts/scanner/checkov.yml
