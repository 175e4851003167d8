package cadvisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

const (
	minRestartDelay = time.Second
	maxRestartDelay = 5 * time.Minute // each start costs an inotify instance, see release
	newcomerPeriod  = 30 * time.Second
	slowStart       = 15 * time.Second
)

// Exporter serves the series of containers and cgroups. Create it with New. Upstream's factories are global, so only
// one may run at a time.
type Exporter struct {
	logger   *slog.Logger
	source   ContainerSource
	interval time.Duration
	labels   []string
	runtimes []containerRuntime

	gatherer atomic.Pointer[prometheus.Gatherer] // nil if there is no manager
	reason   atomic.Pointer[string]              // why there is none
	starts   *prometheus.CounterVec
	scrapes  prometheus.Histogram
}

// New checks the options and starts nothing.
func New(o Options) (*Exporter, error) {
	o = o.withDefaults()
	e := &Exporter{
		logger: o.Logger, source: o.Containers, interval: o.HousekeepingInterval, labels: o.ContainerLabels,
		runtimes: containerRuntimes(),
		starts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_cadvisor_starts_total",
			Help: "Starts of the container manager, by result.",
		}, []string{"result"}),
		scrapes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "ausguck_cadvisor_collect_seconds",
			Help:    "Time to read all containers for one scrape.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	e.setReason("the container manager has not started yet")
	if o.Registerer == nil {
		return e, nil
	}
	up := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ausguck_cadvisor_up",
		Help: "Whether container metrics are served (1) or not (0).",
	}, func() float64 {
		if e.gatherer.Load() != nil {
			return 1
		}
		return 0
	})
	for _, c := range []prometheus.Collector{e.starts, e.scrapes, up} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("register cAdvisor metrics: %w", err)
		}
	}
	return e, nil
}

// Run keeps a manager running until ctx ends. It calls ready immediately: the manager takes time to start, and is
// restarted if it fails. It is a lifecycle.Component.
func (e *Exporter) Run(ctx context.Context, ready func()) error {
	ready()
	if err := claimGlobals(e.interval); err != nil {
		return err
	}
	delay := minRestartDelay
	for ctx.Err() == nil {
		err := e.session(ctx)
		if ctx.Err() != nil {
			break
		}
		if err == nil { // it requested a restart
			delay = minRestartDelay
			continue
		}
		if err.Error() != *e.reason.Load() {
			e.logger.Warn("Container metrics unavailable; retrying", "err", err)
		}
		e.setReason(err.Error())
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		delay = min(2*delay, maxRestartDelay)
	}
	return nil
}

// session runs one manager until ctx ends, or until a container runtime that it does not know has started.
func (e *Exporter) session(ctx context.Context) error {
	s := &session{logger: e.logger, source: e.source, labels: e.labels, runtimes: e.runtimes}
	started := make(chan error, 1)
	begun := time.Now()
	go func() { started <- s.start(e.interval) }()
	slow := time.NewTimer(slowStart)
	defer slow.Stop()
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			go func() { // Run does not wait if upstream hangs
				if err := <-started; err == nil {
					s.release()
				}
			}()
			return nil
		case <-slow.C:
			e.setReason("the container manager is still starting")
			e.logger.Warn("The container manager is starting slowly", "waited", time.Since(begun).Round(time.Second))
		case err := <-started:
			if err != nil {
				e.starts.WithLabelValues("failed").Inc()
				return err
			}
			waiting = false
		}
	}
	e.starts.WithLabelValues("ok").Inc()
	e.logger.Info("Container metrics enabled", "cgroups", len(s.containers()), "took", time.Since(begun).Round(time.Millisecond))
	e.gatherer.Store(&s.gatherer)
	defer func() {
		e.gatherer.Store(nil)
		e.setReason("the container manager is stopping")
		s.release()
	}()
	look := time.NewTicker(newcomerPeriod)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if name, ok := s.newcomer(); ok {
				e.logger.Info("Restarting container metrics for another runtime", "runtime", name)
				return nil
			}
		}
	}
}

// Handler serves the text exposition; 503 with the reason if there is no manager.
func (e *Exporter) Handler() http.Handler {
	inner := promhttp.HandlerFor(prometheus.GathererFunc(e.gather), promhttp.HandlerOpts{
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 8,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.gatherer.Load() == nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, *e.reason.Load(), http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

func (e *Exporter) gather() ([]*dto.MetricFamily, error) {
	g := e.gatherer.Load()
	if g == nil {
		return nil, errors.New(*e.reason.Load())
	}
	defer func(begun time.Time) { e.scrapes.Observe(time.Since(begun).Seconds()) }(time.Now())
	return (*g).Gather()
}

func (e *Exporter) setReason(s string) { e.reason.Store(&s) }

// timeless removes the timestamps. Prometheus marks a series stale when its target no longer exposes it, but not if
// it came with timestamps: a container that has ended would be shown for another five minutes. The samples are at
// most a second old (freshness), so nothing is lost.
type timeless struct{ prometheus.Gatherer }

// Gather implements prometheus.Gatherer.
func (t timeless) Gather() ([]*dto.MetricFamily, error) {
	families, err := t.Gatherer.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			m.TimestampMs = nil
		}
	}
	return families, err
}
