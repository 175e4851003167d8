#!/bin/sh
# Runs after the files are installed. deb passes "configure" and the previous version, rpm passes 1 or 2.
set -e

if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers /usr/lib/sysusers.d/ausguck.conf
elif ! getent passwd ausguck >/dev/null; then
	useradd --system --user-group --home-dir /var/lib/ausguck --shell /usr/sbin/nologin ausguck
fi
if command -v systemd-tmpfiles >/dev/null; then
	systemd-tmpfiles --create /usr/lib/tmpfiles.d/ausguck.conf
else
	install -d -m 0750 -o ausguck -g ausguck /var/lib/ausguck
fi

# `ausguck init /etc/ausguck` makes the owner of the folder the owner of files with secrets.
chown ausguck:ausguck /etc/ausguck

case "$1" in
configure) [ -n "$2" ] && upgrade=yes ;;
2) upgrade=yes ;;
esac

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	if [ -n "$upgrade" ]; then
		systemctl try-restart ausguck.service
	else
		systemctl enable --now ausguck.service
	fi
fi
if [ -z "$upgrade" ]; then
	echo "Ausguck: open http://127.0.0.1:3000/ and log in as admin; the password is in /var/lib/ausguck/initial-admin-password, and ausguck reset-password makes another."
	echo "To see containers by name: systemctl edit ausguck, [Service] SupplementaryGroups=docker (that group amounts to root)."
fi
