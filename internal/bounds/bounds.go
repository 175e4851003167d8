// Package bounds rejects input that would crash the process before a decoder sees it: a stack overflow or running out of memory
// terminates a Go program, and recover cannot prevent it. It has the limits of queries (Query), and a Guard in front of HTTP
// handlers that checks the bytes of bodies. Every part may import it; it knows no part.
package bounds

import (
	"errors"
	"fmt"
)

// Error contains the limit that was exceeded.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

func limit(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...)}
}

// Is reports whether err means that a limit was exceeded.
func Is(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
