package logcollector

import "github.com/prometheus/client_golang/prometheus"

// metrics are this part's own; Promtail's are registered in addition.
type metrics struct {
	lines         prometheus.Counter
	rejected      prometheus.Counter
	retries       prometheus.Counter
	found         prometheus.Counter
	remoteDropped prometheus.Counter
	ledgerDamaged prometheus.Counter
	unreadable    prometheus.Gauge
	waiting       prometheus.Gauge
	bytes         *prometheus.CounterVec
	sources       *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "ausguck_logcollector_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	m := &metrics{
		lines:         counter("lines_total", "Lines that were stored."),
		rejected:      counter("rejected_pushes_total", "Pushes of which the store refused lines for good, such as lines that are too old."),
		retries:       counter("retries_total", "Tries again because lines could not be stored."),
		found:         counter("found_lines_total", "Lines that were not sent again because the store had them."),
		remoteDropped: counter("remote_dropped_lines_total", "Lines that another Loki missed because it did not keep up."),
		ledgerDamaged: counter("ledger_damaged_total", "Starts at which the ledger of what was collected was damaged or gone."),
		unreadable:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "ausguck_logcollector_unreadable_files", Help: "Configured files that cannot be read."}),
		waiting:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "ausguck_logcollector_waiting_files", Help: "Files waiting to be read because of the limit of open files."}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_logcollector_bytes_total", Help: "Bytes read and stored, by kind of source.",
		}, []string{"kind"}),
		sources: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ausguck_logcollector_sources", Help: "Files and containers being read.",
		}, []string{"kind"}),
	}
	reg.MustRegister(m.unreadable, m.waiting, m.bytes, m.sources)
	return m
}
