// Package docs holds the documentation and the runbooks.
//
// It imports nothing; only internal/app imports it.
package docs

import "embed"

// Files are the pages, in Markdown, and the folder runbooks with what to do about each built-in alert.
//
//go:embed *.md runbooks/*.md
var Files embed.FS
