#!/usr/bin/env bash
# Runs several files of tests at once. Those that fail run once more, one after the other.
#
#   tests.sh PYTHON WORKERS FOLDER...
#
# Three copies of the deployment share the processors, and each waits for the others. A fault fails both times; a wait that
# was too short beside other copies fails once, and stands in the output of the first run.
set -uo pipefail
python=$1 workers=$2
shift 2

"$python" -m pytest --numprocesses "$workers" --dist loadfile --no-loadscope-reorder "$@"
status=$?
# 1: some tests have failed. Any other number means that not all of them were run.
[ $status = 1 ] || exit $status
echo "tests: what has failed runs once more, alone"
exec "$python" -m pytest --last-failed --last-failed-no-failures none "$@"
