#!/bin/sh
# After the files have gone: deb calls it with "remove" and "purge", rpm with 0 or 1. Only a purge takes the data.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
case "$1" in
purge)
	rm -rf /var/lib/ausguck
	rmdir /etc/ausguck 2>/dev/null || true # kept when it holds somebody's files
	;;
esac
