//go:build !linux

package programpages

import "errors"

// release is for Linux only.
func release() error { return errors.ErrUnsupported }
