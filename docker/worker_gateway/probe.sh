#!/bin/bash
# Healthy while HAProxy answers on its own port for probes. Bash's /dev/tcp costs no second program.
exec 3<>/dev/tcp/127.0.0.1/8404
printf 'GET / HTTP/1.0\r\n\r\n' >&3
read -r -t 15 _ status _ <&3 && [ "$status" = 200 ]
