// Package programpages keeps the memory that the program's own file takes to what is used of it (ADR 0016).
package programpages

import (
	"context"
	"log/slog"
	"time"
)

// Run lets go of the pages of the program's file now and each minute until ctx ends: what is resident is then what was used
// of late, and not what ever was. It returns at once where the system offers no way.
func Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := release(); err != nil {
			log.Debug("Cannot return unused pages of the program to the system", "err", err)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
