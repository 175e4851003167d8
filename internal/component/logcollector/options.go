// Package logcollector collects logs as Promtail does, from an unchanged promtail.yml, and stores each line once.
//
// It wraps Promtail's packages of github.com/grafana/loki: their configuration, service discovery, relabeling, pipeline
// stages, clients, and the targets that receive lines (syslog, push API, GELF, Kafka, …). Files, containers and the
// journal have readers of their own, because Promtail's know neither when a line is stored nor which lines were read
// before a crash (ADR 0013). It imports no sibling part; internal/app wires it.
//
//	config.go       promtail.yml
//	ledger.go       what was read and stored, so that a crash neither loses nor doubles; ledgerfile.go: its file, and its damage
//	sender.go       batches to the store and to other Lokis; lookup.go: which lines the store has
//	job.go          pipeline stages over a batch
//	files.go        where to look for files; scan.go: which of them to read, and in what order; passed.go: files that had
//	                a name unnoticed; copies.go: which files are copies of others
//	filereader.go   one file; state.go: its states; rotation.go: the copies that rotation makes of it
//	identity.go     identifying a file regardless of its name; born_*.go: when it was created
//	clock.go        times of files and lines when the clock is set
//	unreadable.go   files that cannot be read
//	crowd.go        files that are too many to be open at once; openlimit_*.go: how many may be
//	containers.go   which containers to read; container.go: one of them from start to end, containerreader.go: its lines,
//	                containerlabels.go: its labels, containerlogs.go: whether its lines are collected
//	blocks.go       where the blocks of lines end that stages join
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

// Store stores lines and finds them again. They belong to the tenant that user.InjectOrgID of dskit sets in ctx.
type Store interface {
	// Push stores lines, and blocks while the store is busy. An error with a method Rejected() bool that returns true
	// means that the same lines would be rejected again. The request must not be reused.
	Push(ctx context.Context, req *logproto.PushRequest) error
	// Lines calls found for each stored line of the streams with these labels between two times, both included.
	Lines(ctx context.Context, stream string, from, to time.Time, found func(at time.Time, line string)) error
}

// Options configures a Collector.
type Options struct {
	Logger *slog.Logger
	// Registerer receives the ausguck_logcollector_* metrics and Promtail's.
	Registerer prometheus.Registerer
	// SetAside takes unreadable files of Dir; nil moves them without reporting it.
	SetAside *setaside.Shelf
	// Store receives the lines; nil if only other Lokis do.
	Store Store
	// OwnAddresses are the "host:port" addresses by which promtail.yml may name the store of this process.
	OwnAddresses []string
	// Dir holds the ledger, and positions.yaml as Promtail writes it.
	Dir string
	// MaxFiles is how many log files are open at once; 0 means half of the process's limit of open files.
	MaxFiles int
	// DockerHost replaces the engine's address in the built-in file; empty if no engine may be queried.
	DockerHost string
}

const (
	pollInterval = 250 * time.Millisecond
	gather       = 150 * time.Millisecond // how long lines of quiet sources wait for others
	batchBytes   = 1 << 20
	enoughBytes  = 256 << 10 // from here on a batch does not wait for others
	maxLine      = 256 << 10 // longer lines are split, as Docker does at 16 KB: Loki rejects them
)
