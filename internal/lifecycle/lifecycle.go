// Package lifecycle starts, stops and restarts the long-lived parts of the process.
//
// It wraps nothing and imports the standard library only, so that every part may import it.
package lifecycle

import "context"

// Component is one long-lived part of the process.
type Component interface {
	// Run works until ctx is cancelled, then releases everything it holds and returns nil.
	// It calls ready once, when those who need it may rely on it.
	// When it returns earlier, with or without an error, it has failed: see Group.Add and Group.Keep.
	Run(ctx context.Context, ready func()) error
}

// Func lets an ordinary function be a Component.
type Func func(ctx context.Context, ready func()) error

// Run calls f.
func (f Func) Run(ctx context.Context, ready func()) error { return f(ctx, ready) }
