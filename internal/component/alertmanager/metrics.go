package alertmanager

import (
	"crypto/md5" //nolint:gosec // upstream's hash of the configuration; it protects nothing
	"encoding/binary"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// configCounts are the numbers that stock Alertmanager exports about the applied configuration.
type configCounts struct {
	receivers, integrations, inhibitionRules prometheus.Gauge
}

func newConfigCounts(reg prometheus.Registerer, clustered bool) configCounts {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		reg.MustRegister(g)
		return g
	}
	enabled := gauge("alertmanager_cluster_enabled", "Indicates whether the clustering is enabled or not.")
	if clustered {
		enabled.Set(1)
	}
	return configCounts{
		receivers:       gauge("alertmanager_receivers", "Number of configured receivers."),
		integrations:    gauge("alertmanager_integrations", "Number of configured integrations."),
		inhibitionRules: gauge("alertmanager_inhibition_rules", "Number of configured inhibition rules."),
	}
}

func (c configCounts) set(cfg *Config) {
	integrations := 0
	for _, i := range cfg.integrations {
		integrations += len(i)
	}
	c.receivers.Set(float64(len(cfg.integrations)))
	c.integrations.Set(float64(integrations))
	c.inhibitionRules.Set(float64(len(cfg.InhibitRules)))
}

// registerMetrics exports the state of the configuration under upstream's names, and whether anyone is notified at
// all.
func (s *Server) registerMetrics(reg prometheus.Registerer) {
	s.loaded = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "alertmanager_config_last_reload_successful", Help: "Whether the last configuration reload attempt was successful.",
	})
	s.loadedAt = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "alertmanager_config_last_reload_success_timestamp_seconds", Help: "Timestamp of the last successful configuration reload.",
	})
	reg.MustRegister(s.loaded, s.loadedAt,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "alertmanager_config_hash", Help: "Hash of the currently loaded alertmanager configuration. Note that this is not a cryptographically strong hash.",
		}, func() float64 { return hash(s.Applied().source) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ausguck_alertmanager_sends_nowhere", Help: "Whether no route leads to a receiver with an integration.",
		}, func() float64 {
			if s.Applied().SendsNowhere() {
				return 1
			}
			return 0
		}))
	s.ReportReload(nil)
}

// ReportReload shows the outcome of a reload; one that never got as far as ApplyConfig counts, too.
func (s *Server) ReportReload(err error) {
	if err != nil {
		s.loaded.Set(0)
		return
	}
	s.loaded.Set(1)
	s.loadedAt.Set(float64(time.Now().UnixNano()) / 1e9)
}

// hash is upstream's: the first 48 bits, which fit into a float64.
func hash(content []byte) float64 {
	sum := md5.Sum(content) //nolint:gosec // as above
	bits := make([]byte, 8)
	copy(bits, sum[:6])
	return float64(binary.LittleEndian.Uint64(bits))
}
