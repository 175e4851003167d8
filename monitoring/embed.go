// Package monitoring contains the built-in configuration: the files that apply where the configuration folder has none,
// and that `ausguck init` writes. Each is valid for the stock program without changes.
//
// It imports nothing; internal/app and internal/command import it.
package monitoring

import "embed"

// Files holds the configuration set under the names that it has in the configuration folder.
//
//go:embed prometheus.yml alertmanager.yml blackbox.yml probes.yml status-pages.yml heartbeats.yml loki.yml loki-rules promtail.yml web.yml rules/*.rules.yml templates grafana
var Files embed.FS
