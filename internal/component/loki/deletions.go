package loki

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func isDeletion(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/v1/delete") }

// serveDeletion passes on a request about deletions, unless another member of the cluster runs the compactor. Loki would accept the
// deletion there as well, but each member has a list of its own and only the compactor works it off, so that nothing would ever be
// deleted (https://github.com/grafana/loki/issues/14985).
func (e *engine) serveDeletion(w http.ResponseWriter, r *http.Request) {
	if !e.cfg.cluster || !e.compacts {
		e.handler.ServeHTTP(w, r)
		return
	}
	ring, err := e.ring(r.Context(), "/compactor/ring")
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if c, ok := compactorOf(ring); ok && c.ID != e.cfg.CompactorConfig.CompactorRing.InstanceID {
		text := fmt.Sprintf("deletions are done by the compactor, which runs on %s (%s): send the request to Ausguck on that host", c.ID, c.Address)
		if c.State != stateActive {
			text += "; it sends no heartbeats, and another host takes over when it is forgotten"
		}
		http.Error(w, text, http.StatusMisdirectedRequest)
		return
	}
	e.handler.ServeHTTP(w, r)
}

// compactorOf returns the entry of the compactor ring that upstream chooses: the owner of the lowest token. It stays so while it is
// unhealthy, until it is forgotten.
func compactorOf(ring []ringEntry) (chosen ringEntry, ok bool) {
	for _, entry := range ring {
		if entry.State != stateActive && entry.State != stateUnhealthy || len(entry.Tokens) == 0 {
			continue
		}
		if !ok || slices.Min(entry.Tokens) < slices.Min(chosen.Tokens) {
			chosen, ok = entry, true
		}
	}
	return chosen, ok
}
