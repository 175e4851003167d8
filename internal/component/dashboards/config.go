package dashboards

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Config is one consistent state of all provisioning files.
type Config struct {
	source      Source
	files       []string // of provisioning, as they were read
	providers   []provider
	datasources []Datasource
	// scanned are the files of the providers as they were checked, so that a start reads them once.
	scanned []*providerFiles
	// deleted are the names of datasources made by API that provisioning takes away.
	deleted []string
	// Warnings are what a person should look at although it keeps nothing from working.
	Warnings []string
	// DashboardProblems are dashboard files that cannot be shown, each as "file: reason". They stop
	// neither a start nor a reload; `check` reports them as errors.
	DashboardProblems []error
}

// LoadConfig reads and checks everything below grafana/ of the configuration folder. It returns all problems
// that it finds, each as "file:line: field: reason"; the Config is nil when there is one. Dashboards that are
// broken are no such problem, see Config.DashboardProblems.
func LoadConfig(src Source) (*Config, []error) {
	c := &Config{source: src}
	var problems []error
	if src.ConfigDir != "" {
		base := filepath.Join(src.ConfigDir, "grafana", "provisioning")
		problems = append(problems, c.eachYAML(filepath.Join(base, "datasources"), c.readDatasources)...)
		problems = append(problems, c.eachYAML(filepath.Join(base, "dashboards"), c.readProviders)...)
		c.Warnings = append(c.Warnings, unreadProvisioning(base)...)
	}
	problems = append(problems, c.checkDatasources()...)
	if len(problems) > 0 {
		return nil, problems
	}
	c.addDefaultProviders()
	c.datasources = withDefaults(c.datasources)
	c.checkDashboards()
	return c, nil
}

// Files returns the paths of the provisioning files that were read.
func (c *Config) Files() []string { return c.files }

// eachYAML calls read with every YAML file of dir, in the order of their names. A folder that is not there
// holds no files.
func (c *Config) eachYAML(dir string, read func(file string, content []byte) []error) []error {
	names, err := c.source.list(dir)
	if err != nil {
		return []error{fmt.Errorf("read %s: %w", dir, err)}
	}
	var problems []error
	for _, name := range names {
		if ext := filepath.Ext(name); strings.HasPrefix(name, ".") || ext != ".yml" && ext != ".yaml" {
			continue
		}
		path := filepath.Join(dir, name)
		from := cmp.Or(c.source.Copies[path], path)
		info, err := os.Stat(from) // a ConfigMap's files are links
		if err == nil && info.IsDir() {
			continue
		}
		content, err := os.ReadFile(from)
		if err != nil {
			problems = append(problems, fmt.Errorf("read %s: %w", path, err))
			continue
		}
		c.files = append(c.files, path)
		problems = append(problems, read(path, content)...)
	}
	return problems
}

// list returns the names in a folder of provisioning, sorted.
func (s Source) list(dir string) (names []string, err error) {
	if s.Copies != nil {
		for path := range s.Copies {
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

// unreadProvisioning names the kinds of Grafana's provisioning that are there and have no effect here.
func unreadProvisioning(base string) []string {
	var warnings []string
	for _, kind := range []struct{ dir, instead string }{
		{"alerting", "alert rules are Prometheus's (rule_files in prometheus.yml), receivers Alertmanager's (alertmanager.yml)"},
		{"notifiers", "receivers are Alertmanager's (alertmanager.yml)"},
		{"plugins", "plugins cannot be installed"},
		{"access-control", "roles are Viewer, Editor and Admin"},
	} {
		files, _ := filepath.Glob(filepath.Join(base, kind.dir, "*.y*ml"))
		files = slices.DeleteFunc(files, func(f string) bool { return strings.HasPrefix(filepath.Base(f), ".") || onlyComments(f) })
		if len(files) > 0 {
			warnings = append(warnings, fmt.Sprintf("%s is not read: %s", filepath.Join(base, kind.dir), kind.instead))
		}
	}
	return warnings
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
