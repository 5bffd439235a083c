#!/usr/bin/env bash
# Prints the path of a Chromium for browser tests. It installs Chromium if there is none, as root on Debian.
set -euo pipefail

find_one() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

# Ubuntu has no package named chromium: its Chromium is a snap.
can_be_installed() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-cache show chromium >/dev/null 2>&1
}

find_one && exit
if ! can_be_installed; then
    echo "chromium: install Chromium for the browser tests, so that 'chromium' is on PATH" >&2
    exit 1
fi
echo "chromium: installing the package chromium" >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
find_one
