// Package programpages limits the memory used by the pages of the program file to those in use (ADR 0016).
package programpages

import (
	"context"
	"log/slog"
	"time"
)

// Run releases the pages of the program file now and every minute until ctx ends: resident are then the recently used pages, and
// not all that were ever used. It returns immediately if the system does not support this.
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
