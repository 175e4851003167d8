package loki

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/ausguck/ausguck/internal/inproc"
)

// States of a member of a ring, besides those of its start and end. The last one is not upstream's.
const (
	stateActive      = "ACTIVE"
	stateUnhealthy   = "UNHEALTHY"   // active, but without heartbeats
	stateUnreachable = "UNREACHABLE" // active, but no connection can be made
)

// RingMember is an ingester in the ring of a cluster.
type RingMember struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Self    bool   `json:"self"`
	// State is that of the lifecycle, such as ACTIVE or LEAVING, UNHEALTHY if the member has sent no heartbeat for a minute, or UNREACHABLE
	// if it has, but no connection to it can be made.
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
	unreached := s.unreachedMembers()
	for i, m := range entries {
		members[i] = RingMember{Name: m.ID, Address: m.Address, State: m.State, Self: m.ID == e.cfg.Ingester.LifecyclerConfig.ID}
		if _, away := unreached[m.ID]; away && m.State == stateActive {
			members[i].State = stateUnreachable
		}
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
