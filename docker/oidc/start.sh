#!/bin/sh
# Starts Apache with the values that each start creates anew.
set -eu
# The provider's certificate may come from a company CA, or from any CA that the image trusts.
cat /etc/ssl/certs/ca-certificates.crt /etc/oidc/extra_ca.pem > /tmp/ca.pem
DELIMITER=$(cat /proc/sys/kernel/random/uuid)
export DELIMITER
exec apache2 -D FOREGROUND -f /etc/oidc/httpd.conf
