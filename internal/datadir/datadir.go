// Package datadir is the folder of all data: where each part keeps its own, what keeps other processes out, and how much room
// its disk has.
package datadir

import "path/filepath"

// The names in the folder.
const (
	Database        = "ausguck.db"
	SourcesKey      = "datasources.key" // of the secrets of data sources
	InitialPassword = "initial-admin-password"
	Prometheus      = "prometheus"
	Alertmanager    = "alertmanager"
	Loki            = "loki"
	LogCollector    = "promtail"
	Dashboards      = "dashboards"
	LastGood        = "last-good" // configurations that have loaded
	Procfs          = "procfs"    // links to the host's files below /proc
)

// In returns the path of a name in the folder.
func In(dir, name string) string { return filepath.Join(dir, name) }
