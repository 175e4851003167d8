package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// setMemoryLimit sets GOMEMLIMIT from the cgroup, or from the system where no cgroup limits it. The
// environment variable goes first.
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
		log.Warn("Going on without GOMEMLIMIT", "err", err)
		return
	}
	log.Debug("GOMEMLIMIT set", "bytes", limit)
}

// releasePages lets go of the program's pages when the start is over, and again each minute: what is resident is then what
// was used of late, and not what ever was (ADR 0016).
func releasePages(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := releaseProgramPages(); err != nil {
			log.Debug("Pages of the program that are not used stay in memory", "err", err)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
