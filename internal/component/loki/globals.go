package loki

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/pkg/util/build"
	utillog "github.com/grafana/loki/v3/pkg/util/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/logbridge"
	"github.com/ausguck/ausguck/internal/upstreamlog"
	"github.com/ausguck/ausguck/internal/versions"
)

// claimGlobals sets global variables of Loki's packages: the logger, the version that its API reports, the
// default registry, and a variable of the environment that its S3 client reads.
func claimGlobals(logger *slog.Logger) log.Logger {
	l := logbridge.GoKit(upstreamlog.New(logger, upstreamlog.Rules{Level: upstreamlog.InfoIsDebug, Record: lowerExpected}))
	utillog.Logger = l
	build.Version = versions.Loki()
	// Read by the AWS SDK for each object: of a store that sends no checksums, it would write a warning to the standard error for
	// every chunk that is read. Chunks have checksums of their own.
	const validation = "AWS_RESPONSE_CHECKSUM_VALIDATION"
	if os.Getenv(validation) == "" {
		_ = os.Setenv(validation, "when_required") // fails only for invalid names
	}
	switchRegistry()
	return l
}

// registrySwitch replaces the default registry, because Loki's modules register there whenever they are created,
// which would make a second start in one process panic.
type registrySwitch struct {
	prometheus.Registerer // the previous default registry

	mtx sync.RWMutex
	to  prometheus.Registerer
}

var (
	theSwitch      *registrySwitch
	switchRegistry = sync.OnceFunc(func() {
		theSwitch = &registrySwitch{Registerer: prometheus.DefaultRegisterer}
		prometheus.DefaultRegisterer = theSwitch
	})
	startOneByOne sync.Mutex
)

// useRegistry redirects registrations in the default registry to reg until release is called.
func useRegistry(reg prometheus.Registerer) (release func()) {
	startOneByOne.Lock()
	theSwitch.set(reg)
	return func() {
		theSwitch.set(nil)
		startOneByOne.Unlock()
	}
}

func (s *registrySwitch) set(to prometheus.Registerer) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.to = to
}

func (s *registrySwitch) current() prometheus.Registerer {
	s.mtx.RLock()
	defer s.mtx.RUnlock()
	if s.to != nil {
		return s.to
	}
	return s.Registerer
}

// Register implements prometheus.Registerer.
func (s *registrySwitch) Register(c prometheus.Collector) error { return s.current().Register(c) }

// MustRegister implements prometheus.Registerer.
func (s *registrySwitch) MustRegister(cs ...prometheus.Collector) { s.current().MustRegister(cs...) }

// Unregister implements prometheus.Registerer.
func (s *registrySwitch) Unregister(c prometheus.Collector) bool {
	s.mtx.RLock()
	to := s.to
	s.mtx.RUnlock()
	return to != nil && to.Unregister(c) || s.Registerer.Unregister(c)
}

// expected are parts of error messages that are logged at every start and stop of a single process, and for every query whose time
// range has more than one period of the schema.
var expected = []string{
	"empty ring", "error contacting scheduler", "error contacting frontend", "error processing requests", "queue is stopped",
	"Worker address is empty", "error closing", "context canceled", "queue not drained on shutdown, dropping alerts 0",
	"does not fit in a single sharding configuration",
}

func lowerExpected(r slog.Record) slog.Record {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "err" || a.Key == "error" || a.Key == "count" {
			text += " " + a.Value.String()
		}
		return true
	})
	if slices.ContainsFunc(expected, func(e string) bool { return strings.Contains(text, e) }) {
		r.Level = min(r.Level, slog.LevelDebug)
	}
	return r
}
