// Package provision reads the YAML files of grafana/provisioning as Grafana does: with variables in values, quoted
// numbers and booleans, and keys of old formats. The subpackages of internal/component/dashboards interpret their
// content.
package provision

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Files are the files below ConfigDir.
type Files struct {
	// ConfigDir is --config.dir; empty means that there are no files.
	ConfigDir string
	// Copies maps paths of files to the copies that are read instead. If it is nil, the files are read from their own paths.
	Copies map[string]string
	// Read lists the paths of the files that were read.
	Read []string
	// Warnings are issues that deserve attention but do not prevent anything from working.
	Warnings []string
}

func (f *Files) base() string { return filepath.Join(f.ConfigDir, "grafana", "provisioning") }

// Warn adds a warning.
func (f *Files) Warn(format string, args ...any) {
	f.Warnings = append(f.Warnings, fmt.Sprintf(format, args...))
}

// Each calls read with every non-empty YAML file of a folder of grafana/provisioning, in order of name and with
// variables expanded. A missing folder means no files.
func (f *Files) Each(folder string, read func(path string, root *yaml.Node) []error) []error {
	if f.ConfigDir == "" {
		return nil
	}
	dir := filepath.Join(f.base(), folder)
	names, err := f.list(dir)
	if err != nil {
		return []error{fmt.Errorf("read %s: %w", dir, err)}
	}
	var problems []error
	for _, name := range names {
		if ext := filepath.Ext(name); strings.HasPrefix(name, ".") || ext != ".yml" && ext != ".yaml" {
			continue
		}
		path := filepath.Join(dir, name)
		from := cmp.Or(f.Copies[path], path)
		info, err := os.Stat(from) // in a ConfigMap, files are symlinks
		if err == nil && info.IsDir() {
			continue
		}
		content, err := os.ReadFile(from)
		if err != nil {
			problems = append(problems, fmt.Errorf("read %s: %w", path, err))
			continue
		}
		f.Read = append(f.Read, path)
		root, errs := f.parse(path, content)
		if problems = append(problems, errs...); len(errs) == 0 && !isNull(root) {
			problems = append(problems, read(path, root)...)
		}
	}
	return problems
}

// list returns the names in a folder of provisioning, sorted.
func (f *Files) list(dir string) (names []string, err error) {
	if f.Copies != nil {
		for path := range f.Copies {
			if filepath.Dir(path) == dir {
				names = append(names, filepath.Base(path))
			}
		}
		slices.Sort(names)
		return names, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// WarnOfUnread warns about kinds of Grafana provisioning files that exist but have no effect here.
func (f *Files) WarnOfUnread() {
	if f.ConfigDir == "" {
		return
	}
	for _, kind := range []struct{ dir, instead string }{
		{"alerting", "alert rules are Prometheus's (rule_files in prometheus.yml), receivers Alertmanager's (alertmanager.yml)"},
		{"notifiers", "receivers are Alertmanager's (alertmanager.yml)"},
		{"plugins", "plugins cannot be installed"},
		{"access-control", "roles are Viewer, Editor and Admin"},
	} {
		files, _ := filepath.Glob(filepath.Join(f.base(), kind.dir, "*.y*ml"))
		files = slices.DeleteFunc(files, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") || onlyComments(path) })
		if len(files) > 0 {
			f.Warn("%s is ignored: %s", filepath.Join(f.base(), kind.dir), kind.instead)
		}
	}
}

func onlyComments(file string) bool {
	content, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}
