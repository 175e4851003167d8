package nodeexporter

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/node_exporter/collector"
)

// guarded wraps one of upstream's collectors. Upstream logs an error at every scrape of a failing collector,
// and lets a panic end the process; here each change between failing and working is logged once, and a panic
// is an error. In all cases node_scrape_collector_success is 0, as in stock node_exporter.
type guarded struct {
	collector.Collector
	*guard
}

type guard struct {
	name   string
	logger *slog.Logger
	panics prometheus.Counter

	mtx     sync.Mutex
	failing bool
}

// Update calls the collector. Any error becomes ErrNoData, which upstream logs only at debug level.
func (g guarded) Update(ch chan<- prometheus.Metric) error {
	err := g.safely(ch)
	if err == nil || collector.IsNoDataError(err) {
		g.changed(false, err)
		return err
	}
	g.changed(true, err)
	return collector.ErrNoData
}

func (g guarded) safely(ch chan<- prometheus.Metric) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			g.panics.Inc()
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return g.Collector.Update(ch)
}

func (g *guard) changed(failing bool, err error) {
	g.mtx.Lock()
	defer g.mtx.Unlock()
	if failing == g.failing {
		if failing {
			g.logger.Debug("Collector still fails", "collector", g.name, "err", err)
		}
		return
	}
	g.failing = failing
	if failing {
		g.logger.Warn("Collector failed; its metrics are missing until it recovers", "collector", g.name, "err", err,
			"turn_off", "--no-collector."+g.name)
		return
	}
	g.logger.Info("Collector recovered", "collector", g.name)
}
