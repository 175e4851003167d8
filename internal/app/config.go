package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/logcollector"
	"github.com/ausguck/ausguck/internal/component/loki"
	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/monitoring"
)

// configuration is one consistent state of all files.
type configuration struct {
	prometheus *promserver.Config
	alerting   *alertmanager.Config // nil when the part is off
	dashboards *dashboards.Config
	loki       *loki.Config         // nil when logs are not stored
	collector  *logcollector.Config // nil when logs are not collected
	// webFile is the web.yml to use, empty for none. Its content is read again by the HTTP server at each
	// connection, as with every program that uses the exporter toolkit.
	webFile  string
	admin    adminUser
	signIn   *auth.SignIn // nil without a sign-in provider
	warnings []string
}

// defaultDockerHost is the engine that the built-in prometheus.yml names.
const defaultDockerHost = "unix:///var/run/docker.sock"

// loadConfiguration reads every file and returns all problems of all of them. `check`, start and reload share it.
func loadConfiguration(o Options, l *loaders, dockerHost string) (*configuration, []error) {
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
		c.prometheus, errs = l.prometheus.Load(src)
		problems = append(problems, errs...)
	}
	if o.Alertmanager.On {
		name, dir, content, err := o.configFile(o.AlertmanagerFile, "alertmanager.yml")
		if err != nil {
			problems = append(problems, err)
		} else {
			c.alerting, errs = l.alerting.Load(alertmanager.Source{Name: name, Dir: dir, Content: content})
			problems = append(problems, errs...)
		}
	}
	c.dashboards, errs = dashboards.LoadConfig(o.dashboardSource())
	problems = append(problems, errs...)
	problems = append(problems, c.loadLogs(o)...)
	problems = append(problems, httpserver.CheckWebConfig(c.webFile)...)
	var warnings []string
	c.admin, warnings, err = o.adminUser(os.LookupEnv)
	if err != nil {
		problems = append(problems, err)
	}
	if loginPage, err := o.loginAddress(); err != nil {
		problems = append(problems, err)
	} else {
		var more []string
		if c.signIn, more, err = o.signIn(os.LookupEnv, os.Environ(), loginPage); err != nil {
			problems = append(problems, err)
		}
		warnings = append(warnings, more...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	c.warnings = append(c.warnings, warnings...)
	c.warnings = append(c.warnings, c.prometheus.Warnings...)
	c.warnings = append(c.warnings, c.dashboards.Warnings...)
	if c.alerting != nil {
		c.warnings = append(c.warnings, c.alerting.Warnings...)
	}
	c.warnings = append(c.warnings, c.logWarnings()...)
	return c, nil
}

// loaders read and check the files of the parts that have some.
type loaders struct {
	prometheus *promserver.Loader
	alerting   *alertmanager.Loader
}

func newLoaders(o Options) (*loaders, error) {
	external, err := promserver.ParseExternalURL(o.Prometheus.ExternalURL, o.Web.ListenAddress)
	if err != nil {
		return nil, err
	}
	o.Alerting.ExternalURL = external
	l := &loaders{}
	if l.prometheus, err = promserver.NewLoader(o.Prometheus); err != nil {
		return nil, err
	}
	l.alerting, err = alertmanager.NewLoader(o.Alerting)
	return l, err
}

// prometheusSource returns prometheus.yml, the built-in one with the address of the Docker engine.
func (o Options) prometheusSource(dockerHost string) (promserver.Source, error) {
	name, dir, content, err := o.configFile(o.PrometheusFile, "prometheus.yml")
	src := promserver.Source{Name: name, Dir: dir, Content: content}
	if strings.HasPrefix(name, builtIn) {
		src.Content = []byte(strings.ReplaceAll(string(content), defaultDockerHost, dockerHost))
		src.Beside = monitoring.Files // its rules
	}
	return src, err
}

// builtIn starts the names of files that are part of the program.
const builtIn = "built-in "

// configFile reads a file: the one that a flag names, the one in the folder, or the built-in one. dir is the folder
// to which paths in it are relative.
func (o Options) configFile(named, file string) (name, dir string, content []byte, err error) {
	path := named
	if path == "" && o.ConfigDir != "" {
		path = filepath.Join(o.ConfigDir, file)
	}
	if path != "" {
		content, err := os.ReadFile(path)
		if err == nil {
			return path, filepath.Dir(path), content, nil
		}
		if named != "" || !errors.Is(err, fs.ErrNotExist) {
			return "", "", nil, fmt.Errorf("read %s: %w%s", file, err, readAdvice(path, err))
		}
	}
	content, err = fs.ReadFile(monitoring.Files, file)
	if err != nil {
		return "", "", nil, fmt.Errorf("read the built-in %s: %w", file, err)
	}
	dir = o.ConfigDir
	if dir == "" {
		dir = DefaultConfigDir
	}
	return builtIn + file, dir, content, nil
}

// readAdvice says what makes a file readable, as the rest of a sentence.
func readAdvice(path string, err error) string {
	if !errors.Is(err, fs.ErrPermission) {
		return ""
	}
	return fmt.Sprintf("; Ausguck runs as user %d, which may not read the file. On the host, run: sudo chown %d %s", os.Getuid(), os.Getuid(), path)
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
	l, err := newLoaders(o)
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
