// Package web holds what browsers are served. It has no logic; only internal/app may import it.
package web

import "embed"

// Files are the pages' templates and everything below /static/.
//
//go:embed status.html static
var Files embed.FS
