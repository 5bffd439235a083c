#!/bin/sh
# Unpacks what the deployment has sent to this host, each folder to the volume of its name. Runs read these files meanwhile: each
# new file replaces the old one at once.
set -eu
for volume in /secrets/*/; do
    name=$(basename "$volume")
    new=$volume.new
    rm -rf "$new"
    mkdir "$new"
    tar --extract --file=/secrets.tar --directory="$new" --strip-components=1 --same-owner "$name"
    for file in "$volume"*; do
        [ -e "$new/$(basename "$file")" ] || rm -rf "$file"
    done
    for file in "$new"/*; do
        mv "$file" "$volume"
    done
    chown --reference="$new" "$volume"
    rm -r "$new"
done
