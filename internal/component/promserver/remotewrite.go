package promserver

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// Upstream's metrics of the WAL watchers, of which each queue of remote write has one.
const (
	watcherSegment = "prometheus_wal_watcher_current_segment"
	watcherSkipped = "prometheus_wal_watcher_notifications_skipped_total"
)

// watcher is the state of a WAL watcher.
type watcher struct {
	segment int     // that it reads
	skipped float64 // notifications that arrived while it was reading
}

// drainRemoteWrite waits until remote write has read everything in the WAL, for half of the flush deadline; the other
// half is for sending it. Upstream sends at a stop only what has been read.
func (e *engines) drainRemoteWrite() error {
	timeout := time.NewTimer(e.flushHalf())
	defer timeout.Stop()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	taken := map[string]int{}
	for {
		if drained, err := e.notifyWatchers(taken); err != nil || drained {
			return err
		}
		select {
		case <-ticker.C:
		case <-timeout.C:
			e.logger.Warn("Stopping before remote write has read all samples; a store is down or slow")
			return nil
		}
	}
}

// flushHalf is half of --storage.remote.flush-deadline.
func (e *engines) flushHalf() time.Duration { return time.Duration(e.set.RemoteFlushDeadline) / 2 }

// notifyWatchers notifies the WAL watchers, counts in taken the notifications that each has taken while it read the
// last segment, and reports whether each has taken two: a watcher takes one only between two reads, and each read goes
// on to the end of the segment, so the first read has ended by then.
func (e *engines) notifyWatchers(taken map[string]int) (drained bool, err error) {
	before, err := e.watchers()
	if err != nil || len(before) == 0 {
		return true, err
	}
	_, last, err := wlog.Segments(filepath.Join(e.set.Dir, "wal"))
	if err != nil {
		return false, fmt.Errorf("list WAL segments: %w", err)
	}
	e.remote.Notify()
	after, err := e.watchers()
	if err != nil {
		return false, err
	}
	drained = true
	for queue, w := range before {
		if w.segment == last && w.skipped == after[queue].skipped {
			taken[queue]++
		}
		drained = drained && taken[queue] >= 2
	}
	return drained, nil
}

// watchers returns the WAL watchers by the name of their queue.
func (e *engines) watchers() (map[string]watcher, error) {
	families, err := e.remoteMetrics.Gather()
	if err != nil {
		return nil, fmt.Errorf("gather metrics of remote write: %w", err)
	}
	skipped, found := map[string]float64{}, map[string]watcher{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			switch family.GetName() {
			case watcherSkipped:
				skipped[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			case watcherSegment:
				found[m.GetLabel()[0].GetValue()] = watcher{segment: int(m.GetGauge().GetValue())}
			}
		}
	}
	for queue, w := range found { // upstream keeps the counters of queues that it has removed
		w.skipped = skipped[queue]
		found[queue] = w
	}
	return found, nil
}

// gathered is a Registerer whose metrics can be gathered on their own.
type gathered struct {
	prometheus.Registerer
	own *prometheus.Registry
}

// Register implements prometheus.Registerer.
func (g gathered) Register(c prometheus.Collector) error {
	if err := g.Registerer.Register(c); err != nil {
		return err
	}
	return g.own.Register(c)
}

// MustRegister implements prometheus.Registerer.
func (g gathered) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := g.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister implements prometheus.Registerer.
func (g gathered) Unregister(c prometheus.Collector) bool {
	g.own.Unregister(c)
	return g.Registerer.Unregister(c)
}
