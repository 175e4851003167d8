// Package runbooks holds what to do about each built-in alert, one file per subject and one section per alert.
//
// It imports nothing; only internal/app imports it.
package runbooks

import "embed"

// Files are the runbooks, in Markdown.
//
//go:embed *.md
var Files embed.FS
