#!/bin/sh
# Health check of every long-lived service: runs the service's probe, and restarts a service that hangs.
#
#   restart_if_hung PROBE...
#
# A service hangs if a probe has succeeded since its start, and MOST probes in a row then fail or do not end. The next health
# check ends all processes of the container, and Docker's restart policy starts it again: nobody needs the Docker socket.
# A probe that ends with ELSEWHERE has found the fault in another service, such as a database that is away. A restart would
# not help then. Docker calls the service unhealthy in both cases.
set -u
# A worker removes other files of its runs from /tmp: dagster_worker.leftovers.
STATE=/tmp/.failed_probes
MOST=3
ELSEWHERE=75

# A full /tmp must not make the service look as if it had just started.
note() { printf '%s\n' "$@" >"$STATE.new" && mv "$STATE.new" "$STATE"; }

restart() {
    printf 'restart: %s probes in a row have failed: %s\n' "$MOST" "$1" >/proc/1/fd/2
    # Every process of this container but this one and the first, which ends with its child.
    kill -KILL -1
    exit 1
}

# Without the file, no probe has succeeded yet: the service still starts.
failed='' said=''
[ ! -r "$STATE" ] || { read -r failed && read -r said; } <"$STATE"
[ "${failed:-0}" -lt "$MOST" ] || restart "$said"
# Docker kills a probe that takes too long: it is counted before it begins.
[ -z "$failed" ] || note "$((failed + 1))" "the last one did not end in time"

said=$("$@" 2>&1)
status=$?
[ -z "$said" ] || printf '%s\n' "$said"
case $status in
    0) note 0 "" ;;
    "$ELSEWHERE") [ -z "$failed" ] || note 0 "" ;;
    *) [ -z "$failed" ] || note "$((failed + 1))" "$(printf %s "$said" | tail -n 1)" ;;
esac
[ "$status" = 0 ]
