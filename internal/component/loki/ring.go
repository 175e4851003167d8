package loki

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ausguck/ausguck/internal/inproc"
)

// RingMember is an ingester in the ring of a cluster.
type RingMember struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Self    bool   `json:"self"`
	// State is that of the lifecycle, such as ACTIVE or LEAVING, or UNHEALTHY if the member has sent no heartbeat for a minute.
	State string `json:"state"`
}

// Ring returns the ingesters of the cluster, as upstream's page /ring shows them; nil without a cluster and while Loki starts.
func (s *Server) Ring(ctx context.Context) ([]RingMember, error) {
	e := s.engine.Load()
	if e == nil || !e.cfg.cluster {
		return nil, nil
	}
	entries, err := e.ring(ctx, "/ring")
	if err != nil {
		return nil, err
	}
	members := make([]RingMember, len(entries))
	for i, m := range entries {
		members[i] = RingMember{Name: m.ID, Address: m.Address, State: m.State, Self: m.ID == e.cfg.Ingester.LifecyclerConfig.ID}
	}
	return members, nil
}

// ringEntry is an instance in one of Loki's rings.
type ringEntry struct {
	ID, Address, State string
	Tokens             []uint32
}

// ring returns the entries of the ring that upstream shows at the path, in the order of their IDs.
func (e *engine) ring(ctx context.Context, path string) ([]ringEntry, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://loki"+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	response, err := inproc.Call(e.handler, r)
	if err != nil {
		return nil, fmt.Errorf("ask Loki for %s: %w", path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask Loki for %s: %s", path, response.Status)
	}
	var ring struct{ Shards []ringEntry }
	if err := json.NewDecoder(response.Body).Decode(&ring); err != nil {
		return nil, fmt.Errorf("read Loki's answer for %s: %w", path, err)
	}
	return ring.Shards, nil
}
