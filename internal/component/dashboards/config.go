package dashboards

import (
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
		problems = append(problems, eachYAML(filepath.Join(base, "datasources"), c.readDatasources)...)
		problems = append(problems, eachYAML(filepath.Join(base, "dashboards"), c.readProviders)...)
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

// eachYAML calls read with every YAML file of dir, in the order of their names. A folder that is not there
// holds no files.
func eachYAML(dir string, read func(file string, content []byte) []error) []error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []error{fmt.Errorf("read %s: %w", dir, err)}
	}
	var problems []error
	for _, e := range entries {
		name := e.Name()
		if ext := filepath.Ext(name); strings.HasPrefix(name, ".") || ext != ".yml" && ext != ".yaml" {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path) // a ConfigMap's files are links
		if err == nil && info.IsDir() {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("read %s: %w", path, err))
			continue
		}
		problems = append(problems, read(path, content)...)
	}
	return problems
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
