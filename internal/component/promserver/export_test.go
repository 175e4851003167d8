package promserver

import (
	"context"

	"github.com/prometheus/prometheus/storage"
)

// Appender appends as a scrape does.
func (s *Server) Appender(ctx context.Context) storage.Appender {
	return s.state.Load().fanout.Appender(ctx)
}
