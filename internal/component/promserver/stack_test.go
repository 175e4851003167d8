package promserver

import (
	"runtime/debug"
	"testing"
)

// boundStack makes the test process end at a far smaller stack than Go's 1 GB.
func boundStack(tb testing.TB) {
	before := debug.SetMaxStack(16 << 20)
	tb.Cleanup(func() { debug.SetMaxStack(before) })
}
