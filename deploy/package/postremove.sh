#!/bin/sh
# Runs after the files are removed. deb passes "remove" and "purge", rpm passes 0 or 1. Only a purge deletes the data.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
case "$1" in
purge)
	rm -rf /var/lib/ausguck
	rmdir /etc/ausguck 2>/dev/null || true # kept if it contains files
	;;
esac
