#!/bin/sh
# NAME TARGET: restore_command of a restored server. Barman's archive comes first, then what it has not archived yet.
set -eu
home=/var/lib/backup/deployment
folder=$(printf %.16s "$1")
# The last one is the database that is replaced: its disk may be whole, and the service may have been stopped.
for file in "$home/wals/$folder/$1" "$home/wals/$1" "$home/streaming/$1" /var/lib/backup/ended/"$1" \
    "$home/streaming/$1.partial" /var/lib/postgresql/data/pgdata/pg_wal/"$1"; do
    [ -f "$file" ] || continue
    # It passes a file on that is not compressed. More than 125 ends the recovery: other codes mean that there is no more WAL.
    gzip -dcf <"$file" >"$2" || exit 126
    # A full disk leaves a short file. Postgres takes zeros for the end of WAL.
    [ ${#1} != 24 ] || truncate --size=16M "$2" || exit 126
    exit 0
done
exit 1
