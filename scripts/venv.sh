#!/usr/bin/env bash
# Creates .venv with the packages of tests/requirements.txt and the code location. It does nothing if .venv is up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "venv: $*" >&2; exit 1; }

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed; python3 is $(python3 --version)."
if ! python3 -c 'import ensurepip' 2>/dev/null; then
    { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || fail "Python's venv module is missing: install the package python3-venv."
    echo "venv: installing the package python3-venv" >&2
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
fi

stamp=$(cat tests/requirements.txt user_code/pyproject.toml | sha256sum | cut -c1-16)-$(python3 -V | tr -d ' ')
[ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ] && exit
echo "venv: making .venv, which takes up to a minute" >&2
rm -rf .venv
python3 -m venv .venv
# pip installs uv, of the version in the lock. uv installs the rest: 4 s instead of 100 from a warm cache.
.venv/bin/pip install -qq --disable-pip-version-check --require-hashes --no-deps -r <(sed -n '/^uv==/,/[^\\]$/p' tests/requirements.txt)
# uv does not read pip.conf, where a company's mirror may be.
index=$(.venv/bin/pip config get global.index-url 2>/dev/null) && export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
install() { .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps "$@"; }
install --require-hashes -r tests/requirements.txt
install --no-build-isolation --editable user_code
echo "$stamp" >.venv/stamp
