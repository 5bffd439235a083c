#!/bin/sh
# Starts Apache with what has to be made anew each time.
set -eu
# The provider's certificate may come from a CA of the company, as well as from any that the image trusts.
cat /etc/ssl/certs/ca-certificates.crt /etc/oidc/extra_ca.pem > /tmp/ca.pem
DELIMITER=$(cat /proc/sys/kernel/random/uuid)
export DELIMITER
exec apache2 -D FOREGROUND -f /etc/oidc/httpd.conf
