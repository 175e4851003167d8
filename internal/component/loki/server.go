// Package loki wraps grafana/loki.
package loki

import (
	_ "github.com/grafana/dskit/services"
	_ "github.com/grafana/loki/v3/pkg/loki"
)
