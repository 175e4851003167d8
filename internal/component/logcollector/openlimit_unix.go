//go:build unix

package logcollector

import (
	"math"
	"syscall"
)

// openLimit returns how many files the process may have open; 0 if unknown. Go has raised it to the hard limit.
func openLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) //nolint:unconvert // its type differs by platform
}
