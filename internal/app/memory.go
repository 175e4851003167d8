package app

import (
	"log/slog"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// setMemoryLimit sets GOMEMLIMIT from the cgroup's memory limit, or from the system's memory if the cgroup has none. The
// environment variable takes precedence.
func setMemoryLimit(o MemoryOptions, log *slog.Logger) {
	if !o.AutoLimit {
		return
	}
	limit, err := memlimit.SetGoMemLimitWithOpts(
		memlimit.WithRatio(o.Ratio),
		memlimit.WithProvider(memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)),
		memlimit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		log.Warn("Continuing without GOMEMLIMIT", "err", err)
		return
	}
	log.Debug("GOMEMLIMIT set", "bytes", limit)
}
