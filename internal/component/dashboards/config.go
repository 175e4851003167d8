package dashboards

import (
	"github.com/ausguck/ausguck/internal/component/dashboards/provision"
	"github.com/ausguck/ausguck/internal/component/dashboards/source"
)

// Config is one consistent state of all provisioning files.
type Config struct {
	source    Source
	files     provision.Files
	providers []provider
	sources   *source.Config
	// scanned are the files of the providers as they were checked, so that a start reads them once.
	scanned []*providerFiles
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
	c.sources, problems = source.Load(&c.files)
	problems = append(problems, c.files.Each("dashboards", c.readProviders)...)
	c.files.WarnOfUnread()
	if len(problems) > 0 {
		return nil, problems
	}
	c.addDefaultProviders()
	c.checkDashboards()
	return c, nil
}

// Files returns the paths of the provisioning files that were read.
func (c *Config) Files() []string { return c.files.Read }

// Warnings are what a person should look at although it keeps nothing from working.
func (c *Config) Warnings() []string { return c.files.Warnings }
