package loki

import (
	"context"
	"sync"
	"time"

	"github.com/grafana/dskit/modules"
	"github.com/grafana/dskit/services"
	"github.com/grafana/loki/v3/pkg/distributor"
	"github.com/grafana/loki/v3/pkg/loki"
)

// Patterns are detected in at most this many streams per period: as many as may be stored, and for as long as
// patterns are kept. Loki itself looks in every stream named in a push, stored or not, and keeps tens of kilobytes
// for each.
const (
	patternStreams = 5000
	patternPeriod  = 3 * time.Hour
)

// boundPatterns puts a patternTee between the distributor and the pattern ingester of a single machine.
func (e *engine) boundPatterns() error {
	const name = "pattern-bound"
	mm := e.loki.ModuleManager
	mm.RegisterModule(name, func() (services.Service, error) {
		if e.loki.Tee != nil && !e.cfg.cluster {
			e.loki.Tee = &patternTee{Tee: e.loki.Tee, known: map[streamID]bool{}}
		}
		return nil, nil
	}, modules.UserInvisibleModule)
	if err := mm.AddDependency(name, loki.PatternIngesterTee); err != nil {
		return err
	}
	return mm.AddDependency(loki.Distributor, name)
}

type streamID struct {
	tenant string
	hash   uint64
}

// patternTee passes on the lines of the first streams that it sees, and starts over after a while.
type patternTee struct {
	distributor.Tee

	mtx   sync.Mutex
	known map[streamID]bool
	since time.Time
}

// Duplicate implements distributor.Tee.
func (p *patternTee) Duplicate(ctx context.Context, tenant string, streams []distributor.KeyedStream, tracker *distributor.PushTracker) {
	if streams = p.admit(tenant, streams); len(streams) > 0 {
		p.Tee.Duplicate(ctx, tenant, streams, tracker)
	}
}

func (p *patternTee) admit(tenant string, streams []distributor.KeyedStream) []distributor.KeyedStream {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	if now := time.Now(); now.Sub(p.since) > patternPeriod {
		p.since = now
		clear(p.known)
	}
	admitted := make([]distributor.KeyedStream, 0, len(streams))
	for _, s := range streams {
		id := streamID{tenant, s.HashKeyNoShard}
		if !p.known[id] && len(p.known) >= patternStreams {
			continue
		}
		p.known[id] = true
		admitted = append(admitted, s)
	}
	return admitted
}
