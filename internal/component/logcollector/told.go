package logcollector

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail/api"
	"github.com/grafana/loki/v3/clients/pkg/promtail/positions"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/grafana/loki/v3/clients/pkg/promtail/targets"
	"github.com/grafana/loki/v3/clients/pkg/promtail/targets/file"
	"github.com/prometheus/client_golang/prometheus"
)

// told are Promtail's own targets, which receive lines from senders: syslog, the push API, GELF, Kafka and others.
// Their senders cannot be asked to repeat them, so a line is stored at most once.
type told struct {
	configs   []scrapeconfig.Config
	logger    log.Logger
	reg       prometheus.Registerer
	positions positions.Config
	cfg       *Config
	sender    *sender
}

// run serves the targets until ctx ends.
func (t *told) run(ctx context.Context) error {
	if len(t.configs) == 0 {
		return nil
	}
	entries := make(chan api.Entry)
	var wg sync.WaitGroup
	wg.Go(func() { t.collect(ctx, entries) })
	handler := api.NewEntryHandler(entries, func() {})
	managers, err := targets.NewTargetManagers(noShutdown{}, t.reg, t.logger, t.positions, handler, t.configs,
		&file.Config{SyncPeriod: t.cfg.TargetConfig.SyncPeriod}, t.cfg.Global.FileWatch, &t.cfg.LimitsConfig)
	if err != nil {
		close(entries)
		wg.Wait()
		return fmt.Errorf("start Promtail's targets: %w", err)
	}
	<-ctx.Done()
	managers.Stop()
	close(entries)
	wg.Wait()
	return nil
}

func (t *told) collect(ctx context.Context, in <-chan api.Entry) {
	var held []entry
	size := 0
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	flush := func() {
		if len(held) > 0 {
			_ = t.sender.send(ctx, &batch{entries: held, bytes: size}) // fails only when ctx ends
		}
		held, size = nil, 0
	}
	for {
		select {
		case e, ok := <-in:
			if !ok {
				flush()
				return
			}
			if len(held) == 0 {
				timer.Reset(gather)
			}
			held = append(held, entry{labels: e.Labels, at: e.Timestamp, line: e.Line, meta: e.StructuredMetadata})
			if size += len(e.Line); size >= enoughBytes {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}

// noShutdown is for the target that reads standard input, which is not supported here.
type noShutdown struct{}

func (noShutdown) Shutdown() {}
