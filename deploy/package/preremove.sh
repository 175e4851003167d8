#!/bin/sh
# Runs before the files are removed. deb passes "remove" or "upgrade", rpm passes 0 or 1.
set -e

case "$1" in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl disable --now ausguck.service
	fi
	;;
esac
