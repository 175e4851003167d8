// Package datadir manages the folder of all data: the location of each part's data, the lock against other processes, and the
// free space of the disk.
package datadir

import "path/filepath"

// Names in the folder.
const (
	Database        = "ausguck.db"
	SourcesKey      = "datasources.key" // encrypts the secrets of data sources
	InitialPassword = "initial-admin-password"
	Prometheus      = "prometheus"
	Alertmanager    = "alertmanager"
	Loki            = "loki"
	LogCollector    = "promtail"
	Dashboards      = "dashboards"
	LastGood        = "last-good" // last configurations that loaded
	Procfs          = "procfs"    // links to the host's files below /proc
)

// In returns the path of a name in the folder.
func In(dir, name string) string { return filepath.Join(dir, name) }
