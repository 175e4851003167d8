// Package stack reads the compose file of a monitoring stack and writes the one in which Ausguck replaces it.
//
//	file.go         a compose file, with anchors and merge keys
//	service.go      a service, in all the forms that Compose has for its settings
//	interpolate.go  variables
//	program.go      which programs there are, and how their images are recognized
//	flags.go        what becomes of the flags of each
//	mounts.go       what becomes of configuration files and folders of the host
//	data.go         where the data are, and how they are migrated
//	ports.go        ports and names
//	environment.go  variables, secrets, labels and URLs
//	plan.go         the new file as a whole, with what people are told
//	write.go        its text
//
// Variables stay as they are in what is written; their values are looked at to decide. internal/command is its only
// importer.
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

// Options say what to read and what Ausguck understands.
type Options struct {
	// File is the compose file to read, Dir the folder that the new one is for.
	File, Dir string
	// Getenv is the environment of Compose.
	Getenv func(string) (string, bool)
	// InContainer is set where folders have other names than on the host.
	InContainer bool
	// Knows reports whether Ausguck has a flag, given without dashes.
	Knows func(flag string) bool
	// Grafana returns what Ausguck says about Grafana's variables, each NAME=VALUE.
	Grafana func(environ []string) []string
}

// Result is the new compose file and what to know about it.
type Result struct {
	// Content is the file.
	Content []byte
	// Replaced are the services that it replaces, Left those that stay in the old file.
	Replaced, Left []string
	// Notes are what a person should know, each a sentence.
	Notes []string
	// Steps are the commands that get from the old file to the new one, with a heading each.
	Steps []Step
}

// Step is a command with what it is for.
type Step struct{ For, Command string }

// Read reads the compose file and plans the new one, which is called name. It writes nothing.
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

// maxSize bounds compose files; the largest in use are a few hundred lines.
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

// dotEnv reads the .env beside a compose file, or an env_file; one that is missing has nothing.
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

// projectOf is the name by which Compose prefixes volumes and networks.
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
