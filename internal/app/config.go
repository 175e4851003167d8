package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/monitoring"
)

// configuration is one consistent state of all files.
type configuration struct {
	prometheus *promserver.Config
	dashboards *dashboards.Config
	// webFile is the web.yml to use, empty for none. Its content is read again by the HTTP server at each
	// connection, as with every program that uses the exporter toolkit.
	webFile  string
	admin    adminUser
	warnings []string
}

// defaultDockerHost is the engine that the built-in prometheus.yml names.
const defaultDockerHost = "unix:///var/run/docker.sock"

// loadConfiguration reads every file and returns all problems of all of them. `check`, start and reload share it.
func loadConfiguration(o Options, l *promserver.Loader, dockerHost string) (*configuration, []error) {
	var problems []error
	if o.ConfigDir != "" {
		if info, err := os.Stat(o.ConfigDir); err != nil || !info.IsDir() {
			problems = append(problems, fmt.Errorf("--config.dir %s is not a folder; `ausguck init %s` writes one", o.ConfigDir, o.ConfigDir))
			return nil, problems
		}
	}
	c := &configuration{webFile: o.webConfigFile()}
	var errs []error
	src, err := o.prometheusSource(dockerHost)
	if err != nil {
		problems = append(problems, err)
	} else {
		c.prometheus, errs = l.Load(src)
		problems = append(problems, errs...)
	}
	c.dashboards, errs = dashboards.LoadConfig(o.dashboardSource())
	problems = append(problems, errs...)
	problems = append(problems, httpserver.CheckWebConfig(c.webFile)...)
	var warnings []string
	c.admin, warnings, err = o.adminUser(os.LookupEnv)
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	c.warnings = append(warnings, c.prometheus.Warnings...)
	c.warnings = append(c.warnings, c.dashboards.Warnings...)
	return c, nil
}

// prometheusSource returns prometheus.yml: the one that is named, the one in the folder, or the built-in one.
func (o Options) prometheusSource(dockerHost string) (promserver.Source, error) {
	path := o.PrometheusFile
	if path == "" && o.ConfigDir != "" {
		path = filepath.Join(o.ConfigDir, "prometheus.yml")
	}
	if path != "" {
		content, err := os.ReadFile(path)
		if err == nil {
			return promserver.Source{Name: path, Dir: filepath.Dir(path), Content: content}, nil
		}
		if o.PrometheusFile != "" || !errors.Is(err, fs.ErrNotExist) {
			return promserver.Source{}, fmt.Errorf("read prometheus.yml: %w", err)
		}
	}
	content, err := fs.ReadFile(monitoring.Files, "prometheus.yml")
	if err != nil {
		return promserver.Source{}, fmt.Errorf("read the built-in prometheus.yml: %w", err)
	}
	text := strings.ReplaceAll(string(content), defaultDockerHost, dockerHost)
	dir := o.ConfigDir
	if dir == "" {
		dir = DefaultConfigDir
	}
	return promserver.Source{Name: "built-in prometheus.yml", Dir: dir, Content: []byte(text)}, nil
}

// dashboardSource says where Grafana's files are, and which dashboards are built in.
func (o Options) dashboardSource() dashboards.Source {
	return dashboards.Source{ConfigDir: o.ConfigDir, BuiltIn: monitoring.Files, Dir: o.dashboardDir()}
}

// dashboardDir is where the dashboards are that were saved in the UI.
func (o Options) dashboardDir() string { return filepath.Join(o.StoragePath, "dashboards") }

// webConfigFile returns the web.yml that is named or in the folder, empty when there is none.
func (o Options) webConfigFile() string {
	if o.Web.ConfigFile != "" {
		return o.Web.ConfigFile
	}
	if o.ConfigDir == "" {
		return ""
	}
	path := filepath.Join(o.ConfigDir, "web.yml")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// ConfigError is returned when files or flags are wrong; cmd/ausguck exits with 2 then.
type ConfigError struct {
	// Problems has one entry per problem, each "file:line: field: reason" as far as it is known.
	Problems []error
}

// Error lists the problems, one per line.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives access to the problems.
func (e *ConfigError) Unwrap() []error { return e.Problems }

// Check reads all files as a start would and returns warnings, and the problems as a ConfigError.
func Check(o Options) (warnings []string, err error) {
	o = o.complete()
	l, err := promserver.NewLoader(o.Prometheus)
	if err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	c, problems := loadConfiguration(o, l, o.dockerHost())
	if len(problems) > 0 {
		return nil, &ConfigError{Problems: problems}
	}
	// A dashboard that cannot be shown keeps nothing else from working: a start only warns of it.
	if broken := c.dashboards.DashboardProblems; len(broken) > 0 {
		return c.warnings, &ConfigError{Problems: broken}
	}
	return c.warnings, nil
}

// dockerHost returns the engine's address, as the Docker client finds it.
func (o Options) dockerHost() string {
	if o.Docker.Host != "" {
		return o.Docker.Host
	}
	if env := os.Getenv("DOCKER_HOST"); env != "" {
		return env
	}
	return defaultDockerHost
}
