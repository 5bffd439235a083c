#!/usr/bin/env bash
# Builds replacements for the official Python and Postgres images from Debian's packages, unless they exist already.
# Prints the settings that make Compose use them. The argument `edge` adds an image of Caddy, `broker` one of Valkey,
# `prometheus` one with Prometheus, Alertmanager and exporters.
# `postgres15` adds the Postgres of the Debian before, for the drill of an upgrade.
set -euo pipefail

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "base_images: the image registry cannot be reached, and base images are built as root on Debian or Ubuntu only: set PYTHON_IMAGE and POSTGRES_IMAGE in .env to images that can be had" >&2
    exit 1
fi

HERE=$(cd "$(dirname "$0")" && pwd)
SUITE=trixie
POSTGRES_MAJOR=17
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
CA_BUNDLE=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

# Prints the machine's Debian mirror, which apt knows after `apt-get update`. It prints nothing on Ubuntu.
# shellcheck disable=SC2016 # apt fills in $(SITE)
mirror() { apt-get indextargets --format '$(SITE)' 'Origin: Debian' | grep -v security | head -n 1 || :; }

exists() { docker image inspect "$1" >/dev/null 2>&1; }

import_debian() {
    exists "offline-debian:$SUITE" && return
    # Without a keyring, debootstrap would not verify the packages.
    debootstrap --variant=minbase --include=ca-certificates --keyring="$KEYRING" "$SUITE" "$WORK/root" ${MIRROR:+"$MIRROR"} >"$WORK/log" 2>&1 || { tail -n 5 "$WORK/log" >&2; exit 1; }
    rm -rf "$WORK"/root/var/cache/apt/archives/*.deb "$WORK"/root/var/lib/apt/lists/*
    tar -C "$WORK/root" -c . | docker import --change 'CMD ["bash"]' - "offline-debian:$SUITE" >/dev/null
}

build() {
    exists "$2" && return
    mkdir -p "$WORK/context"
    cp "$HERE/Dockerfile" "$HERE/postgres-entrypoint.sh" "$WORK/context/"
    cp -L "$CA_BUNDLE" "$WORK/context/ca-certificates.crt"
    docker build --quiet --network host --target "$1" --tag "$2" --build-arg "DEBIAN_IMAGE=offline-debian:$SUITE" \
        --build-arg "PG_MAJOR=$POSTGRES_MAJOR" "$WORK/context" >/dev/null
}

install_tools() {
    command -v debootstrap >/dev/null && [ -e "$KEYRING" ] && return
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap debian-archive-keyring >/dev/null
}

install_tools
MIRROR=${DEBIAN_MIRROR:-$(mirror)}
[ -n "$MIRROR" ] || { apt-get update -qq && MIRROR=$(mirror); }
import_debian
build python offline-python:3.13-trixie
build postgres offline-postgres:17-trixie
for service in "$@"; do
    case $service in
        edge)
            build caddy offline-caddy:2-trixie
            printf 'CADDY_IMAGE=offline-caddy:2-trixie\n' ;;
        broker)
            build valkey offline-valkey:8-trixie
            printf 'BROKER_IMAGE=offline-valkey:8-trixie\n' ;;
        prometheus)
            build monitoring offline-monitoring:trixie
            printf '%s=offline-monitoring:trixie\n' PROMETHEUS_IMAGE ALERTMANAGER_IMAGE POSTGRES_EXPORTER_IMAGE PGBOUNCER_EXPORTER_IMAGE ;;
        postgres15)
            SUITE=bookworm
            POSTGRES_MAJOR=15
            import_debian
            build postgres offline-postgres:15-bookworm ;;
    esac
done
printf 'PYTHON_IMAGE=offline-python:3.13-trixie\nPOSTGRES_IMAGE=offline-postgres:17-trixie\n'
