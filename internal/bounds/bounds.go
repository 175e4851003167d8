// Package bounds refuses input that would take the process down before a decoder sees it: a stack overflow and a lack of
// memory end a Go program, and no recover catches them. It has the limits of queries (Query), and a Guard in front of
// HTTP handlers that looks at the bytes of bodies. Every part may import it; it knows no part.
package bounds

import (
	"errors"
	"fmt"
)

// Error says which limit was reached.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

func limit(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...)}
}

// Is reports whether err says that a limit was reached.
func Is(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
