// Package logbridge redirects the logs of upstreams that only use the global logger of a library to slog.
//
// Each function sets one global of one logging library; internal/app calls it once. klog is used by cAdvisor and by the
// Kubernetes client of Prometheus's discovery.
package logbridge

import (
	"log/slog"

	"k8s.io/klog/v2"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// ClaimKlog makes logger the destination of klog. Everything except errors is logged at Debug: cAdvisor and client-go report
// every step at Info, and klog passes its warnings on as Info too.
func ClaimKlog(logger *slog.Logger) {
	klog.SetSlogLogger(upstreamlog.New(logger, upstreamlog.Rules{Level: upstreamlog.InfoIsDebug}))
}
