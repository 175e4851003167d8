package prober

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

// The result is Gather's, also for what no probe has today.
func TestGatherAsUpstream(t *testing.T) {
	phases := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "probe_phase", Help: `A "help" with \ and` + "\n, é."}, []string{"phase", "code"})
	for _, labels := range [][]string{{"tls", "2"}, {"connect", "1"}, {"tls", "1"}, {`"`, ""}} {
		phases.WithLabelValues(labels...).Set(float64(len(labels[0])))
	}
	fixed := prometheus.NewGauge(prometheus.GaugeOpts{Name: "probe_fixed", ConstLabels: prometheus.Labels{"b": "c", "a": ""}})
	for name, collectors := range map[string][]prometheus.Collector{
		"gauges":           {phases, fixed, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "probe_empty"}, []string{"x"})},
		"nothing":          nil,
		"not only a gauge": {fixed, prometheus.NewCounter(prometheus.CounterOpts{Name: "probe_total"})},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			registry.MustRegister(collectors...)
			want, err := registry.Gather()
			require.NoError(t, err)
			got, err := gather(registry)
			require.NoError(t, err)
			require.Len(t, got, len(want))
			for i := range want {
				require.True(t, proto.Equal(want[i], got[i]), "%s\n%s", want[i], got[i])
			}
		})
	}
}
