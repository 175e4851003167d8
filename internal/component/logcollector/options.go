// Package logcollector collects logs as Promtail does, from an unchanged promtail.yml, and stores each line once.
//
// It wraps Promtail's packages of github.com/grafana/loki: their configuration, service discovery, relabelling,
// pipeline stages, clients, and the targets that are told lines (syslog, push API, GELF, Kafka, …). Files, containers and the
// journal are read by readers of its own, because Promtail's know neither when a line is stored nor which lines were
// read before a crash (ADR 0013). It imports no sibling part; internal/app wires it.
//
//	config.go       promtail.yml
//	ledger.go       what was read and stored, so that a crash neither loses nor doubles; ledgerfile.go: its file, and damages of it
//	sender.go       batches to the store and to other Lokis; lookup.go: which lines the store has
//	job.go          pipeline stages over a batch
//	files.go        where files are looked for; scan.go: which of them to read, and in what order; passed.go: those that had
//	                a name while nobody looked; copies.go: which are copies of others
//	filereader.go   one file; state.go: its states; rotation.go: the copies that rotation makes of it
//	identity.go     which file it is, whatever its name; born_*.go: since when
//	clock.go        times of files and lines when somebody sets the clock
//	unreadable.go   files that cannot be read
//	crowd.go        files that are too many to be open at once; openlimit_*.go: how many may be
//	containers.go   which containers to read; container.go: one of them from start to end, containerreader.go: its lines,
//	                containerlabels.go: its labels, containerlogs.go: whether its lines are collected
//	blocks.go       where blocks of lines end that stages join
//	journal.go      the systemd journal
//	told.go         Promtail's own targets
package logcollector

import (
	"context"
	"log/slog"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/setaside"
)

// Store takes lines and finds them again. They are those of the tenant that ctx names by dskit's user.InjectOrgID.
type Store interface {
	// Push stores lines, and blocks while the store is busy. An error with a method Rejected() bool that
	// returns true means that the same lines would be refused again. The request must not be used again.
	Push(ctx context.Context, req *logproto.PushRequest) error
	// Lines tells found which lines are stored of the streams with these labels between two times, both included.
	Lines(ctx context.Context, stream string, from, to time.Time, found func(at time.Time, line string)) error
}

// Options is what a Collector is made from.
type Options struct {
	Logger *slog.Logger
	// Registerer receives the ausguck_logcollector_* metrics and Promtail's.
	Registerer prometheus.Registerer
	// SetAside takes files of Dir that cannot be read; nil moves them and tells nobody.
	SetAside *setaside.Shelf
	// Store is where lines go; nil when only other Lokis get them.
	Store Store
	// OwnAddresses are the "host:port" under which promtail.yml may name the store of this process.
	OwnAddresses []string
	// Dir holds the ledger, and positions.yaml as Promtail writes it.
	Dir string
	// MaxFiles is how many log files are held open at once; 0 takes half of the process's limit of open files.
	MaxFiles int
	// DockerHost takes the place of the built-in file's address of the engine; empty when no engine may be asked.
	DockerHost string
}

const (
	pollInterval = 250 * time.Millisecond
	gather       = 150 * time.Millisecond // how long lines of quiet sources wait for company
	batchBytes   = 1 << 20
	enoughBytes  = 256 << 10 // from here on a batch waits for no other
	maxLine      = 256 << 10 // longer lines are cut, as Docker cuts at 16 KB: Loki refuses them
)
