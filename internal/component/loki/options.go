// Package loki is Loki as a part: log storage, LogQL, rules over logs, retention and the whole HTTP API, run by
// Loki's own module manager inside this process.
//
// It wraps github.com/grafana/loki and imports no sibling part; internal/app wires it.
//
//	config.go    loki.yml: reading it, filling in defaults, finding problems
//	paths.go     where data is stored, whatever the file says
//	oldkeys.go   keys that Loki no longer knows, and their replacements
//	engine.go    Loki's modules: start, stop, listeners
//	server.go    the part: life cycle, HTTP, reload
//	builtin.go   the built-in rules, for configurations without rules
//	push.go      storing lines without HTTP, and finding out which are stored; direct.go: from the distributor on
//	mendwal.go   repairing the write-ahead log for a replay; lookback.go: which lines of which age are read from where
//	sizecap.go   the size cap that Loki lacks; sizecount.go: how much is stored; cappedlimits.go: which part of the past it has deleted
//	querygate.go  letting queries end before Loki stops
//	objectstore.go  running without an object store, and saying so
//	ring.go      the members of a cluster; ringwatch.go: what is wrong with them; ringaddress.go: where they reach this one
//	deletions.go  which member of a cluster takes deletions
//	alerts.go    routing the ruler's alerts to Alertmanagers inside the process
package loki

import (
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Options configures a Server.
type Options struct {
	Logger *slog.Logger
	// Registerer receives the ausguck_loki_* metrics. Loki's own are in a separate registry, see Server.Gather.
	Registerer prometheus.Registerer
	// Dir holds everything that Loki stores.
	Dir string
	// Dial opens connections to the hosts in InProcess.
	Dial inproc.DialContextFunc
	// InProcess are the "host:port" addresses that Dial connects to parts of this process.
	InProcess []string
	// Disk is checked before lines are stored; nil means that there is always space.
	Disk Disk
	// SetAside takes unreadable files of Dir; nil moves them without reporting it.
	SetAside *setaside.Shelf
	// ExternalURL is the URL of the UI for users; alerts of rules link to it.
	ExternalURL string
	// BuiltInRules are LogQL rules, one folder per tenant, for configurations that have no rule folder.
	BuiltInRules fs.FS

	RetentionTime model.Duration
	// RetentionSize limits the size of Dir on disk; 0 derives a limit from the free disk space.
	RetentionSize units.Base2Bytes
}

// Disk reports whether there is space for new data.
type Disk interface {
	// Full returns an error while nothing must be written.
	Full() error
}

const defaultRetentionTime = "15d"

// RegisterFlags adds flags for what loki.yml does not support or does not set.
func (o *Options) RegisterFlags(a *kingpin.Application) {
	a.Flag("storage.loki.retention.time", "How long to keep logs, unless limits_config.retention_period in loki.yml is set. 0 keeps them forever.").
		Default(defaultRetentionTime).SetValue(&o.RetentionTime)
	a.Flag("storage.loki.retention.size", "Maximum disk space for logs; the oldest chunks are deleted first. Units: B, KB, MB, GB, TB. Default: the space used at start plus a tenth of the free disk space.").
		PlaceHolder("<bytes>").BytesVar(&o.RetentionSize)
}

// sizeFile stores the time up to which logs were deleted to stay below the cap.
func (o *Options) sizeFile() string { return filepath.Join(o.Dir, "size-cap.json") }
