// Package logcollector wraps Promtail's targets.
package logcollector

import (
	_ "github.com/grafana/loki/v3/clients/pkg/promtail/targets"
)
