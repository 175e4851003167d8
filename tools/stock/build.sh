#!/bin/sh
# Builds the stock programs that Ausguck embeds into OUTDIR: prometheus, promtool, node_exporter, blackbox_exporter, cadvisor, alertmanager
# and amtool with upstream's acceptance tests of both, and Loki's loki, promtail and logcli; and the engines of docs/grow.md: thanos,
# victoria-metrics with vmctl, and versitygw, an S3 server.
# Go's build cache decides what is out of date, so a second run takes about a second.
set -eu

out=${1:?usage: tools/stock/build.sh OUTDIR}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$(dirname "$0")"

# The discovery mechanisms that Ausguck has too, so that a comparison is not one of cloud vendors' libraries.
tags=remove_all_sd,enable_consul_sd,enable_dns_sd,enable_kubernetes_sd,enable_moby_sd

export GOWORK=off CGO_ENABLED=0
version() { go list -m -f '{{.Version}}' "$1" | sed 's/^v//'; }
# The tags of prometheus as a library are v0.313.5 for the program 3.13.5.
prometheus=$(version github.com/prometheus/prometheus | sed -E 's/^0\.([0-9])([0-9]{2})\./\1.\2./')
node_exporter=$(version github.com/prometheus/node_exporter)
stamp() { printf -- '-s -w -X github.com/prometheus/common/version.Version=%s' "$1"; }

go build -tags "$tags" -ldflags "$(stamp "$prometheus")" -o "$out/" \
	github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool
go build -ldflags "$(stamp "$node_exporter")" -o "$out/" github.com/prometheus/node_exporter
go build -ldflags '-s -w' -o "$out/cadvisor" ./cadvisor
# With the versions of the program itself: Loki's module has no other versions of what it needs.
(cd ../.. && GOWORK= go build -ldflags '-s -w' -o "$out/" \
	github.com/grafana/loki/v3/cmd/logcli github.com/grafana/loki/v3/cmd/loki ./bench/promtail)

# Alertmanager, too, with the versions of the program. Its module lacks the UI that it embeds; an empty page stands for it.
cd ../..
alertmanager=$(version github.com/prometheus/alertmanager)
go build -ldflags "$(stamp "$(version github.com/prometheus/blackbox_exporter)")" -o "$out/" github.com/prometheus/blackbox_exporter
package=github.com/prometheus/alertmanager
source=$out/source/alertmanager-$alertmanager
if [ ! -e "$source/ui/app/dist/index.html" ]; then
	rm -rf "$out/source"
	mkdir -p "$out/source"
	cp -r "$(go list -m -f '{{.Dir}}' $package)" "$source"
	chmod -R u+w "$source"
	mkdir -p "$source/ui/app/dist"
	echo '<!doctype html>' >"$source/ui/app/dist/index.html"
fi
cp go.mod "$source/with-ui.mod"
cp go.sum "$source/with-ui.sum"
go mod edit -replace "$package=$source" "$source/with-ui.mod"
go build -modfile="$source/with-ui.mod" -ldflags "$(stamp "$alertmanager")" -o "$out/" $package/cmd/alertmanager
go build -ldflags "$(stamp "$alertmanager")" -o "$out/" $package/cmd/amtool
go test -c -o "$out/alertmanager-api.test" $package/test/with_api_v2/acceptance
go test -c -o "$out/alertmanager-cli.test" $package/test/cli/acceptance

# Each with the versions of its own module, which is the main one only there. Thanos needs its replacements, which its go.mod repeats, and
# its build tag: otherwise it panics when it serves labels.
cd tools/stock
(cd thanos && go build -tags slicelabels -ldflags "$(stamp "$(version github.com/thanos-io/thanos)")" -o "$out/" github.com/thanos-io/thanos/cmd/thanos)
(cd victoriametrics && go build -ldflags '-s -w' -o "$out/" github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics \
	github.com/VictoriaMetrics/VictoriaMetrics/app/vmctl)
(cd versitygw && go build -ldflags '-s -w' -o "$out/" github.com/versity/versitygw/cmd/versitygw)
