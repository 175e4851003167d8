package dashboards

import (
	"github.com/ausguck/ausguck/internal/component/dashboards/provision"
)

// Config is one consistent state of all provisioning files.
type Config struct {
	source      Source
	files       provision.Files
	providers   []provider
	datasources []Datasource
	// scanned are the files of the providers as they were checked, so that a start reads them once.
	scanned []*providerFiles
	// deleted are the names of datasources made by API that provisioning takes away.
	deleted []string
	// DashboardProblems are dashboard files that cannot be shown, each as "file: reason". They stop
	// neither a start nor a reload; `check` reports them as errors.
	DashboardProblems []error
}

// LoadConfig reads and checks everything below grafana/ of the configuration folder. It returns all problems
// that it finds, each as "file:line: field: reason"; the Config is nil when there is one. Dashboards that are
// broken are no such problem, see Config.DashboardProblems.
func LoadConfig(src Source) (*Config, []error) {
	c := &Config{source: src, files: provision.Files{ConfigDir: src.ConfigDir, Copies: src.Copies}}
	var problems []error
	if src.ConfigDir != "" {
		problems = append(problems, c.files.Each("datasources", c.readDatasources)...)
		problems = append(problems, c.files.Each("dashboards", c.readProviders)...)
		c.files.WarnOfUnread()
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
func (c *Config) Files() []string { return c.files.Read }

// Warnings are what a person should look at although it keeps nothing from working.
func (c *Config) Warnings() []string { return c.files.Warnings }
