package logcollector

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail/api"
	"github.com/grafana/loki/v3/clients/pkg/promtail/client"
)

// remote is another Loki named under clients in promtail.yml. It receives what our store has accepted, through
// Promtail's client with its retries; if it is unavailable for long, it misses lines rather than blocking ours.
type remote struct {
	logger  *slog.Logger
	name    string
	client  client.Client
	queue   chan []entry
	waits   bool // without our own store, collecting waits for it
	dropped *atomic.Int64
	metrics *metrics
}

const remoteQueue = 256 // batches

func newRemote(cfg client.Config, c *Config, promtail *client.Metrics, m *metrics, logger *slog.Logger, goKit log.Logger, waits bool) (*remote, error) {
	l := &c.LimitsConfig
	cl, err := client.New(promtail, cfg, l.MaxStreams, l.MaxLineSize.Val(), l.MaxLineSizeTruncate, goKit)
	if err != nil {
		return nil, fmt.Errorf("client for %s: %w", cfg.URL.Redacted(), err)
	}
	return &remote{
		logger: logger, name: cfg.URL.Redacted(), client: cl, queue: make(chan []entry, remoteQueue), waits: waits,
		dropped: &atomic.Int64{}, metrics: m,
	}, nil
}

// offer passes entries on without waiting, unless there is no other store.
func (r *remote) offer(entries []entry) {
	if r.waits {
		r.queue <- entries
		return
	}
	select {
	case r.queue <- entries:
		r.dropped.Store(0)
	default:
		r.metrics.remoteDropped.Add(float64(len(entries)))
		if r.dropped.Add(1) == 1 {
			r.logger.Warn("A remote Loki cannot keep up and misses lines", "url", r.name)
		}
	}
}

// run sends until ctx ends.
func (r *remote) run(ctx context.Context) {
	defer r.client.StopNow()
	for {
		select {
		case entries := <-r.queue:
			for _, e := range entries {
				select {
				case r.client.Chan() <- api.Entry(apiEntry(e)):
				case <-ctx.Done():
					return
				}
			}
		case <-ctx.Done():
			return
		}
	}
}
