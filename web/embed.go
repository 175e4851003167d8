// Package web holds what browsers are served. It has no logic; only internal/page may import it.
package web

import "embed"

// Files are the templates of the pages that the server makes, everything below /static/, and the built UI in dist,
// which is empty but for a placeholder when only the Go program was built.
//
//go:embed status.html login.html static all:dist
var Files embed.FS
