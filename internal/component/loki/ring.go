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
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://loki/ring", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	response, err := inproc.Call(e.handler, r)
	if err != nil {
		return nil, fmt.Errorf("ask Loki for its ring: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask Loki for its ring: %s", response.Status)
	}
	var ring struct {
		Shards []struct{ ID, Address, State string }
	}
	if err := json.NewDecoder(response.Body).Decode(&ring); err != nil {
		return nil, fmt.Errorf("read Loki's ring: %w", err)
	}
	members := make([]RingMember, len(ring.Shards))
	for i, m := range ring.Shards {
		members[i] = RingMember{Name: m.ID, Address: m.Address, State: m.State, Self: m.ID == e.cfg.Ingester.LifecyclerConfig.ID}
	}
	return members, nil
}
