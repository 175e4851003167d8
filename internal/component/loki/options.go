// Package loki is Loki as a part: log storage, LogQL, rules over logs, retention and the whole HTTP API, run by
// Loki's own module manager inside this process.
//
// It wraps github.com/grafana/loki and imports no sibling part; internal/app wires it.
//
//	config.go    loki.yml: what is read, what is filled in, what is wrong with it
//	paths.go     where it keeps what, whatever the file says
//	oldkeys.go   what Loki no longer knows, and what to write instead
//	engine.go    Loki's modules: start, stop, what they listen on
//	server.go    the part: life cycle, HTTP, reload
//	builtin.go   the built-in rules, for configurations without rules
//	push.go      lines in without HTTP, and looking whether lines are there; direct.go: from the distributor on
//	mendwal.go   the write-ahead log as a replay needs it; lookback.go: who is asked for lines of which age
//	sizecap.go   the cap by size that Loki lacks; cappedlimits.go: what of the past it has taken
//	alerts.go    the way of the ruler's alerts to Alertmanagers inside the process
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

// Options is what a Server is made from.
type Options struct {
	Logger *slog.Logger
	// Registerer receives the ausguck_loki_* metrics. Loki's own are in a registry of their own, see Server.Gather.
	Registerer prometheus.Registerer
	// Dir holds everything that Loki stores.
	Dir string
	// Dial opens connections to the hosts in InProcess.
	Dial inproc.DialContextFunc
	// InProcess are the "host:port" addresses that Dial leads to parts of this process.
	InProcess []string
	// Disk is asked before lines are stored; nil means that there is always room.
	Disk Disk
	// SetAside takes files of Dir that cannot be read; nil moves them and tells nobody.
	SetAside *setaside.Shelf
	// ExternalURL is where people find the page; alerts of rules link to it.
	ExternalURL string
	// BuiltInRules are LogQL rules, a folder per tenant, for configurations that have no folder of rules.
	BuiltInRules fs.FS

	RetentionTime model.Duration
	// RetentionSize caps what Dir takes on disk; 0 derives a cap from the free room of the disk.
	RetentionSize units.Base2Bytes
}

// Disk says whether there is room for new data.
type Disk interface {
	// Full returns an error while writers must not write.
	Full() error
}

const defaultRetentionTime = "15d"

// RegisterFlags adds the flags of what loki.yml does not know or does not say.
func (o *Options) RegisterFlags(a *kingpin.Application) {
	a.Flag("storage.loki.retention.time", "How long to keep logs, unless limits_config.retention_period in loki.yml is set. 0 keeps them forever.").
		Default(defaultRetentionTime).SetValue(&o.RetentionTime)
	a.Flag("storage.loki.retention.size", "Maximum disk space for logs; the oldest chunks are deleted first. Units: B, KB, MB, GB, TB. Default: the space used at start plus a tenth of the free disk space.").
		PlaceHolder("<bytes>").BytesVar(&o.RetentionSize)
}

// sizeFile remembers up to when logs were deleted to stay below the cap.
func (o *Options) sizeFile() string { return filepath.Join(o.Dir, "size-cap.json") }
