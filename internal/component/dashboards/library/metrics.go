package library

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	count   *prometheus.GaugeVec
	folders prometheus.Gauge
	failed  prometheus.Gauge
	saves   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		count:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ausguck_dashboards_count", Help: "Dashboards, by origin: provisioned or saved."}, []string{"origin"}),
		folders: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ausguck_dashboards_folders", Help: "Folders of dashboards."}),
		failed:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "ausguck_dashboards_files_failed", Help: "Dashboard files that cannot be read or are ignored."}),
		saves:   prometheus.NewCounter(prometheus.CounterOpts{Name: "ausguck_dashboards_saves_total", Help: "Dashboards saved through the API."}),
	}
	for _, c := range []prometheus.Collector{m.count, m.folders, m.failed, m.saves} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of dashboards: %w", err)
		}
	}
	return m, nil
}

// observe sets the gauges and logs new file problems.
func (l *Library) observe() {
	v := l.view()
	provisioned := 0
	for _, d := range v.sorted {
		if d.provisioned != nil {
			provisioned++
		}
	}
	l.metrics.count.WithLabelValues("provisioned").Set(float64(provisioned))
	l.metrics.count.WithLabelValues("saved").Set(float64(len(v.sorted) - provisioned))
	l.metrics.folders.Set(float64(len(v.folders)))
	problems := l.held.problems
	l.metrics.failed.Set(float64(len(problems)))
	now := map[string]bool{}
	for _, p := range problems {
		now[p.Error()] = true
		if !l.reported[p.Error()] {
			l.o.Logger.Error("Problem in a dashboard file", "err", p)
		}
	}
	for text := range l.reported {
		if !now[text] {
			l.o.Logger.Info("Problem in a dashboard file resolved", "was", errors.New(text))
		}
	}
	l.reported = now
}
