// Package stack reads the compose file of a monitoring stack and writes one in which Ausguck replaces it.
//
//	file.go         a compose file, with anchors and merge keys
//	service.go      a service, in all syntaxes that Compose supports for its settings
//	interpolate.go  variables
//	program.go      the known programs, and how their images are recognized
//	flags.go        translation of the flags of each program
//	mounts.go       translation of configuration files and host folders
//	data.go         the locations of the data, and its migration
//	ports.go        ports and names
//	environment.go  variables, secrets, labels and URLs
//	plan.go         the new file as a whole, with notes for the user
//	write.go        its text
//
// Variables are kept in the output; their values are only used for decisions. Only internal/command imports this package.
package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Options describe what to read and what Ausguck supports.
type Options struct {
	// File is the compose file to read, Dir the folder of the new one.
	File, Dir string
	// Getenv returns variables of Compose's environment.
	Getenv func(string) (string, bool)
	// InContainer is set if folders have other paths than on the host.
	InContainer bool
	// Knows reports whether Ausguck has a flag; the name has no dashes.
	Knows func(flag string) bool
	// Grafana returns Ausguck's warnings about Grafana's variables, each given as NAME=VALUE.
	Grafana func(environ []string) []string
}

// Result is the new compose file with notes about it.
type Result struct {
	// Content is the content of the file.
	Content []byte
	// Replaced are the services that it replaces, Left those that remain in the old file.
	Replaced, Left []string
	// Notes are for the user, one sentence each.
	Notes []string
	// Steps are the commands to switch from the old file to the new one, each with a heading.
	Steps []Step
}

// Step is a command with its purpose.
type Step struct{ For, Command string }

// Read reads the compose file and plans the new one, which is called name. It does not write any file.
func Read(o Options, name string) (*Result, error) {
	f, err := readFile(o)
	if err != nil {
		return nil, err
	}
	p := newPlan(o, f, name)
	if len(p.replaced) == 0 {
		return nil, fmt.Errorf("%s: no service has an image of Prometheus, Alertmanager, Loki, Promtail, Grafana, node_exporter or cAdvisor", o.File)
	}
	return p.result(), nil
}

// maxSize limits the size of compose files; the largest in practice have a few hundred lines.
const maxSize = 1 << 20

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder; name the compose file in it", path)
	case info.Size() > maxSize:
		return nil, fmt.Errorf("%s has %d bytes, which is too large for a compose file", path, info.Size())
	}
	return os.ReadFile(path)
}

// dotEnv reads the .env beside a compose file, or an env_file; a missing file is treated as empty.
func dotEnv(path string) ([]variable, error) {
	content, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []variable
	for line := range strings.Lines(string(content)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		all = append(all, variable{strings.TrimSpace(name), value, true})
	}
	return all, err
}

var notInProjects = regexp.MustCompile(`[^a-z0-9_-]`)

// projectOf returns the project name, which Compose uses as prefix of volumes and networks.
func projectOf(f *file, dir string) string {
	name := f.interpolate(f.name)
	if set := f.interpolate("${COMPOSE_PROJECT_NAME:-}"); set != "" {
		name = set
	}
	if name == "" {
		name = filepath.Base(dir)
	}
	return strings.TrimLeft(notInProjects.ReplaceAllString(strings.ToLower(name), ""), "_-")
}
