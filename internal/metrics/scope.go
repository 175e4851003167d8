// Package metrics helps parts to register their metrics.
//
// It wraps github.com/prometheus/client_golang and knows no metric.
package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Scope registers on another Registerer and can unregister everything, so that the owner can be created again.
type Scope struct {
	reg prometheus.Registerer

	mtx        sync.Mutex
	registered []prometheus.Collector
}

var _ prometheus.Registerer = (*Scope)(nil)

// NewScope returns a scope on reg.
func NewScope(reg prometheus.Registerer) *Scope { return &Scope{reg: reg} }

// Register implements prometheus.Registerer.
func (s *Scope) Register(c prometheus.Collector) error {
	if err := s.reg.Register(c); err != nil {
		return err
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.registered = append(s.registered, c)
	return nil
}

// MustRegister implements prometheus.Registerer.
func (s *Scope) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := s.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister implements prometheus.Registerer.
func (s *Scope) Unregister(c prometheus.Collector) bool { return s.reg.Unregister(c) }

// Close unregisters everything that is registered through the scope.
func (s *Scope) Close() {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	for _, c := range s.registered {
		s.reg.Unregister(c)
	}
	s.registered = nil
}
