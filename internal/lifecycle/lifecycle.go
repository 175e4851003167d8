// Package lifecycle starts and stops the long-lived parts of the process in order.
//
// It wraps nothing and imports the standard library only, so that every part may import it.
package lifecycle

import "context"

// Component is one long-lived part of the process.
type Component interface {
	// Run works until ctx is cancelled, then releases everything it holds and returns nil.
	// It calls ready once, when the parts after it may rely on it.
	// Returning earlier, with or without an error, stops the process.
	Run(ctx context.Context, ready func()) error
}

// Func lets an ordinary function be a Component.
type Func func(ctx context.Context, ready func()) error

// Run calls f.
func (f Func) Run(ctx context.Context, ready func()) error { return f(ctx, ready) }
