package dashboards

import (
	"github.com/ausguck/ausguck/internal/component/dashboards/library"
	"github.com/ausguck/ausguck/internal/component/dashboards/provision"
	"github.com/ausguck/ausguck/internal/component/dashboards/source"
)

// Config is one consistent state of all provisioning files.
type Config struct {
	files   provision.Files
	sources *source.Config
	library *library.Config
}

// LoadConfig reads and checks everything below grafana/ in the configuration folder. It returns all problems it finds,
// each as "file:line: field: reason"; the Config is nil if there are any. Broken dashboards do not count as problems,
// see DashboardProblems.
func LoadConfig(src Source) (*Config, []error) {
	c := &Config{files: provision.Files{ConfigDir: src.ConfigDir, Copies: src.Copies}}
	var problems []error
	c.sources, problems = source.Load(&c.files)
	lib, more := library.Load(&c.files, src.BuiltIn, src.Dir)
	problems = append(problems, more...)
	c.files.WarnOfUnread()
	if len(problems) > 0 {
		return nil, problems
	}
	c.library = lib
	lib.Check(c.sources.Resolve)
	return c, nil
}

// Files returns the paths of the provisioning files that were read.
func (c *Config) Files() []string { return c.files.Read }

// Warnings are issues that deserve attention but do not prevent anything from working.
func (c *Config) Warnings() []string { return c.files.Warnings }

// DashboardProblems lists dashboard files that cannot be shown, each as "file: reason". They prevent neither startup
// nor reload; `check` reports them as errors.
func (c *Config) DashboardProblems() []error { return c.library.Problems }
