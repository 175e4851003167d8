package instrument

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// checkTimeout limits the duration of a check, so that health requests get a response even if something hangs.
const checkTimeout = 2 * time.Second

// checks determine whether a service is ready.
type checks struct {
	mu       sync.Mutex
	byName   map[string]func(context.Context) error
	draining atomic.Bool
}

// AddCheck makes readiness depend on check, which gets a context that ends after two seconds. A check that ignores the end of the
// context counts as failed. A later check with the same name replaces the first one; nil removes it.
func (s *Service) AddCheck(name string, check func(context.Context) error) {
	s.checks.mu.Lock()
	defer s.checks.mu.Unlock()
	if check == nil {
		delete(s.checks.byName, name)
		return
	}
	if s.checks.byName == nil {
		s.checks.byName = make(map[string]func(context.Context) error)
	}
	s.checks.byName[name] = check
}

// Drain makes the service not ready from now on, so that load balancers use other instances before [http.Server.Shutdown].
func (s *Service) Drain() { s.checks.draining.Store(true) }

// health is the response of the health paths.
type health struct {
	Status string            `json:"status"`
	Failed map[string]string `json:"failed,omitempty"`
}

func (s *Service) serveLive(w http.ResponseWriter, _ *http.Request) {
	answerHealth(w, http.StatusOK, health{Status: "ok"})
}

func (s *Service) serveReady(w http.ResponseWriter, r *http.Request) {
	if s.checks.draining.Load() {
		answerHealth(w, http.StatusServiceUnavailable, health{Status: "draining"})
		return
	}
	if failed := s.checks.run(r.Context()); len(failed) > 0 {
		answerHealth(w, http.StatusServiceUnavailable, health{Status: "not ready", Failed: failed})
		return
	}
	answerHealth(w, http.StatusOK, health{Status: "ok"})
}

func answerHealth(w http.ResponseWriter, status int, h health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(h) // fails only if the client has disconnected
}

// run runs all checks concurrently and returns the failures, by name.
func (c *checks) run(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	type result struct {
		name string
		err  error
	}
	c.mu.Lock()
	results := make(chan result, len(c.byName)) // large enough for checks that return too late
	failed := make(map[string]string, len(c.byName))
	for name, check := range c.byName {
		failed[name] = "no result within " + checkTimeout.String()
		go func() { results <- result{name, guarded(ctx, check)} }()
	}
	c.mu.Unlock()
	for range cap(results) {
		select {
		case r := <-results:
			delete(failed, r.name)
			if r.err != nil {
				failed[r.name] = r.err.Error()
			}
		case <-ctx.Done():
			return failed
		}
	}
	return failed
}

// guarded converts a panic into an error, because in our goroutine it would end the service.
func guarded(ctx context.Context, check func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return check(ctx)
}
