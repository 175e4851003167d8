//go:build !linux

package cadvisor

import (
	"context"
	"net/http"
)

// Exporter is implemented only on Linux.
type Exporter struct{}

// New returns ErrNotLinux.
func New(Options) (*Exporter, error) { return nil, ErrNotLinux }

// Run returns ErrNotLinux.
func (e *Exporter) Run(context.Context, func()) error { return ErrNotLinux }

// Handler responds with 503.
func (e *Exporter) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, ErrNotLinux.Error(), http.StatusServiceUnavailable)
	})
}
