package loki_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/loki"
)

// The client pools close the connection to an ingester that does not respond to a health check within a second
// ("removing ingester failing healthcheck"), and with it the calls in progress. A busy machine does not respond in
// time.
func TestTheOnlyIngesterIsNotRemoved(t *testing.T) {
	for name, c := range map[string]struct {
		file             string
		checks, patterns bool
	}{
		"no file":     {"", false, false},
		"not said":    {"ingester_client:\n  pool_config:\n    client_cleanup_period: 5s\n", false, false},
		"said":        {"ingester_client:\n  pool_config:\n    health_check_ingesters: true\n", true, false},
		"of patterns": {"pattern_ingester:\n  client_config:\n    pool_config:\n      health_check_ingesters: true\n", false, true},
		"a cluster":   {"memberlist:\n  join_members: [other:7946]\n", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, problems := loki.LoadConfig(options(t), loki.Source{Name: "loki.yml", Content: []byte(c.file)})
			require.Empty(t, problems)
			require.Equal(t, c.checks, cfg.IngesterClient.PoolConfig.HealthCheckIngesters)
			require.Equal(t, c.patterns, cfg.Pattern.ClientConfig.PoolConfig.HealthCheckIngesters)
		})
	}
}
