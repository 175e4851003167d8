// Package alertmanager wraps prometheus/alertmanager.
package alertmanager

import (
	_ "github.com/prometheus/alertmanager/api"
	_ "github.com/prometheus/alertmanager/config/receiver"
	_ "github.com/prometheus/alertmanager/dispatch"
)
