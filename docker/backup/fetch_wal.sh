#!/bin/sh
# NAME TARGET: restore_command of a restored server. Barman's archive comes first, then what it has not archived yet.
set -eu
home=/var/lib/backup/deployment
folder=$(printf %.16s "$1")
for file in "$home/wals/$folder/$1" "$home/wals/$1" "$home/streaming/$1" /var/lib/backup/ended/"$1" "$home/streaming/$1.partial"; do
    [ -f "$file" ] || continue
    # It passes a file on that is not compressed.
    gzip -dcf <"$file" >"$2"
    exit
done
exit 1
