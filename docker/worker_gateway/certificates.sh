#!/bin/sh
# The certificates of worker hosts and of the gateway that lets them in. Both are signed by a CA of this deployment alone.
#   certificates.sh server        makes what is missing
#   certificates.sh add NAME      prints a tar file for a host: its certificate with key, and the CA's certificate
#   certificates.sh remove NAME   the gateway refuses the host after its next start
#   certificates.sh names         prints the names of all hosts that are let in
set -eu
umask 077

# Only this script sees the key of the CA. The gateway reads SERVER.
CA=/secrets/worker_ca SERVER=/secrets/worker_gateway
REMOVED=$SERVER/removed_hosts
# A certificate that ends unnoticed would stop the workers. A host is locked out by its name, not by the end of its certificate.
DAYS=3650

# FILE SUBJECT USAGE NAMES: a key and a certificate of the CA for it, in one file.
issue() {
    work=$(mktemp -d)
    printf 'extendedKeyUsage=%s\nsubjectAltName=%s\n' "$3" "$4" >"$work/extensions"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
        -keyout "$work/key" -out "$work/request" 2>/dev/null
    openssl x509 -req -in "$work/request" -CA "$CA/ca.pem" -CAkey "$CA/ca.key" -days "$DAYS" \
        -extfile "$work/extensions" -out "$work/certificate" 2>/dev/null
    cat "$work/certificate" "$work/key" >"$work/both"
    mv "$work/both" "$1"
    rm -r "$work"
}

server() {
    if [ ! -e "$CA/ca.pem" ]; then
        openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$DAYS" \
            -subj "/CN=worker hosts" -keyout "$CA/ca.key" -out "$CA/ca.new" 2>/dev/null
        mv "$CA/ca.new" "$CA/ca.pem"
    fi
    [ -e "$SERVER/server.pem" ] || issue "$SERVER/server.pem" worker_gateway serverAuth DNS:broker,DNS:run_connection_pool
    cp "$CA/ca.pem" "$SERVER/ca.pem"
    touch "$REMOVED"
    chown -R 10001:10001 "$SERVER"
}

add() {
    mkdir -p "$CA/hosts"
    if [ ! -e "$CA/hosts/$1.tar" ]; then
        # A host that was removed and comes back gets another name in its certificate: an old copy must not work again.
        name="$1.$(openssl rand -hex 4)"
        host=$(mktemp -d)
        issue "$host/host.pem" "$name" clientAuth "DNS:$name"
        cp "$CA/ca.pem" "$host/ca.pem"
        chown -R 10001:10001 "$host"
        tar -C "$host" -c . >"$CA/hosts/$1.new"
        echo "$name" >"$CA/hosts/$1"
        mv "$CA/hosts/$1.new" "$CA/hosts/$1.tar"
    fi
    cat "$CA/hosts/$1.tar"
}

remove() {
    if [ -e "$CA/hosts/$1" ]; then
        cat "$CA/hosts/$1" >>"$REMOVED"
        rm "$CA/hosts/$1" "$CA/hosts/$1.tar"
    else
        # Perhaps the gateway has not started anew since.
        grep -q "^$1[.]" "$REMOVED" || { echo "there is no worker host $1" >&2; exit 1; }
    fi
}

names() { find "$CA/hosts" -name '*.tar' -exec basename {} .tar \; 2>/dev/null | sort; }

case ${2:-name} in *[!a-z0-9-]*) echo "the name '$2' is not allowed" >&2; exit 1 ;; esac
"$@"
