// Package compose holds the compose files, which `ausguck compose` writes out.
package compose

import "embed"

// Files are the compose files, as they are in this folder.
//
//go:embed *.yml
var Files embed.FS

// ConfigDir is the folder of the configuration in Files.
const ConfigDir = "./monitoring"
