#!/usr/bin/env bash
# Installs a Docker engine on a machine without one. It unpacks Debian's packages into one folder, and starts the engine there.
#
#   engine.sh start   return at once if an engine answers; else fetch the missing packages and start it
#   engine.sh stop    stop the engine that this script started (by its process id), and no other
#   engine.sh fetch PACKAGE...   only fetch and unpack packages of ENGINE_SUITE into ENGINE_HOME/root
#
# It never replaces an engine: `start` does nothing if one answers. It fails if DOCKER_HOST is set and no engine answers there.
# On Debian, apt-get installs only runc, iptables, debootstrap and ca-certificates, from the machine's own release.
set -euo pipefail

ENGINE_HOME=${ENGINE_HOME:-/var/lib/docker-offline}
# Debian 12 has engine 20.10, which does not know `start_interval` of health checks. Engine 28 of forky needs no newer libc.
ENGINE_SUITE=${ENGINE_SUITE:-forky}
PACKAGES=(docker.io docker-cli docker-buildx docker-compose containerd tini-static)
PLUGINS=/usr/local/lib/docker/cli-plugins
START_SECONDS=60

say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# shellcheck source=/dev/null
distribution() { [ -r /etc/os-release ] && (. /etc/os-release && echo "${ID:-}"); }

require_debian_root() {
    case "$(distribution)" in
        debian | ubuntu) ;;
        *) fail "No Docker engine answers. Install Docker Engine 25.0 or newer with Compose 2.26 or newer: https://docs.docker.com/engine/install/" ;;
    esac
    [ "$(id -u)" = 0 ] || fail "No Docker engine answers, and only root can install one: run 'make up' as root, or install Docker Engine 25.0 or newer."
}

# shellcheck disable=SC2016 # apt fills in $(SITE)
# Prints the mirror that this machine already uses, so that a company mirror needs no setting here.
mirror() { apt-get indextargets --format '$(SITE)' 'Origin: Debian' | grep -v security | head -n 1; }

fetch() {
    local lists=$ENGINE_HOME/apt packages=$ENGINE_HOME/packages
    mkdir -p "$lists/lists/partial" "$lists/archives/partial" "$packages"
    [ -n "$(mirror)" ] || apt-get update -qq
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$(mirror)" "$ENGINE_SUITE" >"$lists/sources.list"
    local apt=(-qq -o "Dir::Etc::sourcelist=$lists/sources.list" -o Dir::Etc::sourceparts=/nonexistent
        -o "Dir::State::lists=$lists/lists" -o "Dir::Cache=$lists" -o APT::Sandbox::User=root)
    apt-get "${apt[@]}" update
    (cd "$packages" && apt-get "${apt[@]}" download "$@")
    local deb
    for deb in "$packages"/*.deb; do dpkg -x "$deb" "$ENGINE_HOME/root"; done
}

install_tools() {
    local missing=() tool
    for tool in runc iptables debootstrap; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    [ ${#missing[@]} = 0 ] && return
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" ca-certificates >/dev/null
}

# Installs Ubuntu's own packages: they are recent enough, and systemd starts the engine.
install_on_ubuntu() {
    say "no Docker engine answers: installing docker.io, docker-compose-v2 and docker-buildx from Ubuntu's packages"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io docker-compose-v2 docker-buildx >/dev/null
    local deadline=$((SECONDS + START_SECONDS))
    until answers; do
        [ $SECONDS -lt $deadline ] || fail "docker.io is installed, but no engine answers: systemctl start docker"
        sleep 0.2
    done
}

# Makes `docker compose` work in the user's own shell afterwards.
link_client() {
    mkdir -p "$PLUGINS"
    local plugin
    for plugin in compose buildx; do
        [ -e "$PLUGINS/docker-$plugin" ] || ln -sf "$ENGINE_HOME/root/usr/libexec/docker/cli-plugins/docker-$plugin" "$PLUGINS/docker-$plugin"
    done
    command -v docker >/dev/null || ln -s "$ENGINE_HOME/root/usr/bin/docker" /usr/local/bin/docker
}

# Whether the process of the last start still runs. After a reboot, another process may have its id.
runs() {
    local pid_file=$ENGINE_HOME/dockerd.pid
    [ -r "$pid_file" ] && [ "$(readlink "/proc/$(cat "$pid_file")/exe")" -ef "$ENGINE_HOME/root/usr/sbin/dockerd" ]
}

launch() {
    local tools=$ENGINE_HOME/root/usr log=$ENGINE_HOME/dockerd.log
    # After a reboot, another process may have this process id, and dockerd would refuse to start.
    rm -f "$ENGINE_HOME/engine.pid"
    PATH="$tools/sbin:$tools/bin:$PATH" setsid nohup "$tools/sbin/dockerd" \
        --data-root "$ENGINE_HOME/data" --exec-root "$ENGINE_HOME/exec" --pidfile "$ENGINE_HOME/engine.pid" --init-path "$tools/bin/tini-static" \
        >"$log" 2>&1 </dev/null &
    echo $! >"$ENGINE_HOME/dockerd.pid"
}

wait_until_it_answers() {
    local log=$ENGINE_HOME/dockerd.log deadline=$((SECONDS + START_SECONDS))
    until answers; do
        kill -0 "$(cat "$ENGINE_HOME/dockerd.pid")" 2>/dev/null || fail "dockerd ended: $(tail -n 3 "$log")"
        [ $SECONDS -lt $deadline ] || fail "dockerd does not answer after ${START_SECONDS} s: $(tail -n 3 "$log")"
        sleep 0.2
    done
}

start() {
    if answers; then return; fi
    [ -z "${DOCKER_HOST:-}" ] || fail "DOCKER_HOST is $DOCKER_HOST, and no engine answers there: start it, or unset DOCKER_HOST."
    require_debian_root
    if [ "$(distribution)" = ubuntu ]; then
        install_on_ubuntu
        return
    fi
    install_tools
    if [ ! -x "$ENGINE_HOME/root/usr/sbin/dockerd" ]; then
        say "no Docker engine answers: installing one from Debian's packages ($ENGINE_SUITE) into $ENGINE_HOME, which takes about half a minute"
        fetch "${PACKAGES[@]}"
    fi
    link_client
    # One may still be starting. A second one would take the socket away from it.
    runs || launch
    wait_until_it_answers
    say "Docker engine $(docker version --format '{{.Server.Version}}') runs, log in $ENGINE_HOME/dockerd.log; after a reboot 'make up' starts it again"
}

stop() {
    local pid_file=$ENGINE_HOME/dockerd.pid pid
    [ -r "$pid_file" ] || fail "no engine was started from $ENGINE_HOME"
    pid=$(cat "$pid_file")
    kill "$pid" 2>/dev/null || :
    timeout "$START_SECONDS" tail --pid="$pid" -f /dev/null || kill -KILL "$pid"
    rm -f "$pid_file"
}

case "${1:-}" in
    start | stop | fetch) "$@" ;;
    *) fail "usage: engine.sh start|stop|fetch PACKAGE..." ;;
esac
