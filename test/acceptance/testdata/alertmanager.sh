#!/bin/sh
# Starts Ausguck as Alertmanager's acceptance tests start Alertmanager: its flags, its line about the address, and one
# process, to which they send signals. Each gets a loopback address of its own, so that all can have port 9093.
set -eu
host=127.$(($$ / 65536 % 250 + 2)).$(($$ / 256 % 256)).$(($$ % 256))
storage=
for arg; do # each flag as --name=value
	shift
	case ${flag:=} in
	'') case $arg in
		--*=*) ;;
		--*) flag=$arg && continue ;;
		esac ;;
	*) arg=$flag=$arg flag= ;;
	esac
	case $arg in
	--config.file=*) arg=--alertmanager.$(printf %s "$arg" | cut -c3-) ;;
	--enable-feature=*) arg=--alertmanager.$(printf %s "$arg" | cut -c3-) ;;
	--web.listen-address=*) continue ;;
	--storage.path=*) storage=${arg#*=} ;;
	esac
	set -- "$@" "$arg"
done
mkdir -p "$storage/config"
: >"$storage/config/prometheus.yml" # no rules, whose alerts would reach the tests' receivers
echo "msg=\"Listening on\" address=$host:9093" >&2
exec "$AUSGUCK_BINARY" "--web.listen-address=$host:3000" "--config.dir=$storage/config" \
	--no-node-exporter --no-cadvisor --no-docker --no-loki --no-log-collector "$@"
