package heartbeats

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// ownMetrics are those of the part itself.
type ownMetrics struct {
	requests *prometheus.CounterVec
	lost     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *ownMetrics {
	f := promauto.With(reg)
	return &ownMetrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_heartbeats_requests_total",
			Help: "Requests to the URLs of heartbeats, by status code: 404 for unknown tokens, 429 for rate limits.",
		}, []string{"code"}),
		lost: f.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_heartbeats_log_lines_lost_total",
			Help: "Log lines of heartbeats that are not in Loki: it rejected them, or was down for too long. The pings are recorded.",
		}),
	}
}

// collector exports the state of each heartbeat. It describes nothing in advance, because labels are configured.
type collector struct{ server *Server }

// Describe implements prometheus.Collector.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	cfg, store := c.server.running()
	if store == nil {
		return
	}
	now := time.Now()
	extra := labelNames(cfg)
	for _, h := range cfg.Heartbeats {
		if r, known := store.record(h.Name); known {
			h.collect(&r, store.up, now, extra, to)
		}
	}
}

// labelNames returns the names of all configured labels: the series of a metric have the same ones, empty where not set.
func labelNames(cfg *Config) []string {
	all := map[string]bool{}
	for _, h := range cfg.Heartbeats {
		for name := range h.Labels {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (h *Heartbeat) collect(r *record, up uptime, now time.Time, extra []string, to chan<- prometheus.Metric) {
	labels := append([]string{"heartbeat", "group"}, extra...)
	values := []string{h.Name, h.Group}
	for _, name := range extra {
		values = append(values, h.Labels[name])
	}
	gauge := func(name, help string, value float64) {
		to <- prometheus.MustNewConstMetric(prometheus.NewDesc("ausguck_heartbeat_"+name, help, labels, nil), prometheus.GaugeValue, value, values...)
	}
	truth := func(name, help string, value bool) {
		v := 0.0
		if value {
			v = 1
		}
		gauge(name, help, v)
	}
	stamp := func(name, help string, at time.Time) {
		if !at.IsZero() {
			gauge(name+"_timestamp_seconds", help, float64(at.UnixMilli())/1e3)
		}
	}
	due := h.due(r, up)
	truth("up", "Whether the heartbeat reported the end of its last run in time: 0 from the due timestamp on.", !now.After(due))
	stamp("due", "When the heartbeat is missing unless it reports the end of a run before, with its grace.", due)
	truth("failed", "Whether the last run that ended has failed.", r.Failing)
	truth("running", "Whether a run has started and not ended.", !r.Started.IsZero())
	stamp("running_since", "When the run in progress started; absent if there is none.", r.Started)
	if h.MaxDuration > 0 {
		gauge("max_duration_seconds", "How long a run may take, as configured.", h.MaxDuration.Seconds())
	}
	stamp("last_ping", "When the heartbeat sent anything for the last time.", r.Ping)
	stamp("last_success", "When a run ended successfully for the last time.", r.Success)
	if r.Duration != nil {
		gauge("last_duration_seconds", "How long the last run that ended took; absent if its start was not reported.", r.Duration.Seconds())
	}
	if r.ExitCode != nil {
		gauge("last_exit_code", "Exit code of the last run that ended; absent if it failed without one.", float64(*r.ExitCode))
	}
	pings := prometheus.NewDesc("ausguck_heartbeat_pings_total", "Pings, by result. The number survives restarts.", append(slices.Clone(labels), "result"), nil)
	for _, result := range results {
		to <- prometheus.MustNewConstMetric(pings, prometheus.CounterValue, float64(r.Pings[result]), append(slices.Clone(values), string(result))...)
	}
}
