// Package lifecycle starts, stops and restarts the long-lived parts of the process.
//
// It imports only the standard library, so that every part may import it.
package lifecycle

import "context"

// Component is one long-lived part of the process.
type Component interface {
	// Run works until ctx is canceled, then releases all resources and returns nil. It calls ready once, when the components that
	// need it may use it. If it returns earlier, with or without an error, it has failed: see Group.Add and Group.Keep.
	Run(ctx context.Context, ready func()) error
}

// Func adapts an ordinary function to Component.
type Func func(ctx context.Context, ready func()) error

// Run calls f.
func (f Func) Run(ctx context.Context, ready func()) error { return f(ctx, ready) }
