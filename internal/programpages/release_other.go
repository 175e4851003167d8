//go:build !linux

package programpages

import "errors"

// release is only supported on Linux.
func release() error { return errors.ErrUnsupported }
