// Package logbridge leads the logs of upstreams that know only a global logger of their own into slog.
//
// Each function sets one global of one logging library and says who reads it; internal/app calls it
// once. klog is read by cAdvisor and by the Kubernetes client of Prometheus's discovery.
package logbridge

import (
	"log/slog"

	"k8s.io/klog/v2"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// ClaimKlog makes logger the destination of klog. What is not an error is logged at Debug: cAdvisor and
// client-go report every step at Info, and klog hands its warnings on as Info too.
func ClaimKlog(logger *slog.Logger) {
	klog.SetSlogLogger(upstreamlog.New(logger, upstreamlog.Rules{Level: upstreamlog.InfoIsDebug}))
}
