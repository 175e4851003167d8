package alertmanager

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"

	"github.com/ausguck/ausguck/internal/confpath"
	"github.com/ausguck/ausguck/internal/problem"
	"github.com/ausguck/ausguck/internal/redact"
)

// Source is an alertmanager.yml as read from disk.
type Source struct {
	// Name is the path shown in messages.
	Name string
	// Dir is the folder to which paths in the file are relative.
	Dir     string
	Content []byte
	// BuiltIn means that no user wrote the file: the files that it names need not exist.
	BuiltIn bool
	// Copies maps the paths of the files that this one names to the places they are read from instead. It is nil if
	// they are read from their own paths.
	Copies map[string]string
}

// templates returns the places from which to read the files that match one of the patterns.
func (s Source) templates(patterns []string) []string {
	if s.Copies == nil {
		return patterns
	}
	var copies []string
	for path, copied := range s.Copies {
		if slices.ContainsFunc(patterns, func(pattern string) bool { match, err := filepath.Match(pattern, path); return err == nil && match }) {
			copies = append(copies, copied)
		}
	}
	slices.Sort(copies)
	return copies
}

func (s Source) file() problem.File { return problem.File{Name: s.Name, Content: s.Content} }

// Config is a checked alertmanager.yml, with everything that can fail already created: templates, the routing tree and
// receivers.
type Config struct {
	*config.Config
	// Warnings are problems that need attention but do not prevent the configuration from working.
	Warnings []string

	source    []byte
	dir       string
	secrets   *secrets
	templates *template.Template
	routes    *dispatch.Route
	// integrations are those of the receivers that are used by a route.
	integrations map[string][]notify.Integration
	intervals    map[string][]timeinterval.TimeInterval
}

// Loader reads and checks configurations. It is shared by `check`, startup and reload.
type Loader struct {
	options Options
}

// NewLoader returns a loader for the given options. It sets one of upstream's global variables.
func NewLoader(o Options) (*Loader, error) {
	ff, err := o.flags()
	if err != nil {
		return nil, err
	}
	claimGlobals(o.Logger, ff)
	return &Loader{options: o}, nil
}

// Load checks src and everything that it names. It returns all problems that it finds, each as "file:line: field:
// reason". The Config is nil if one of them is in alertmanager.yml; unreadable templates and certificates are left out
// of it, together with the integrations that need them.
func (l *Loader) Load(src Source) (_ *Config, problems []error) {
	hidden := redact.NewWords(redact.Secrets(src.Content)) // upstream repeats addresses that it cannot parse
	defer func() {
		for i := range problems {
			problems[i] = hidden.Error(problems[i])
		}
	}()
	cfg, err := config.Load(string(src.Content))
	if err != nil {
		return nil, locate(src, err)
	}
	moved := resolvePaths(src.Dir, cfg)
	cfg.Templates = src.templates(cfg.Templates)
	problems, unreadable, warnings := checkFiles(src, cfg)
	c := &Config{Config: cfg, source: src.Content, dir: src.Dir, secrets: findSecrets(cfg), routes: dispatch.NewRoute(cfg.Route, nil), intervals: map[string][]timeinterval.TimeInterval{}}
	var wrong []error
	c.templates, wrong, err = loadTemplates(src, cfg)
	problems = append(problems, wrong...)
	if err != nil {
		return nil, append(problems, problem.At(src.file(), "templates", fmt.Errorf("templates: %w", err)))
	}
	c.templates.ExternalURL = l.options.ExternalURL
	if c.templates.ExternalURL == nil {
		c.templates.ExternalURL = &url.URL{}
	}
	if warning := moved.Warning(src.Name, src.Dir); warning != "" {
		warnings = append(warnings, warning)
	}
	c.Warnings = append(warnings, tryTemplates(src, cfg, c.templates)...)
	for i := range c.Warnings {
		c.Warnings[i] = hidden.Text(c.Warnings[i])
	}
	// Upstream logs while it builds; receivers that run have their own logger.
	c.integrations, err = l.build(c, l.options.Logger)
	if err != nil {
		for _, p := range notNamed(l.leaveOut(c), unreadable) {
			problems = append(problems, problem.At(src.file(), "receivers", p))
		}
		if c.integrations, err = l.build(c, l.options.Logger); err != nil {
			return nil, append(problems, problem.At(src.file(), "receivers", fmt.Errorf("receivers: %w", err)))
		}
	}
	for _, i := range cfg.MuteTimeIntervals {
		c.intervals[i.Name] = i.TimeIntervals
	}
	for _, i := range cfg.TimeIntervals {
		c.intervals[i.Name] = i.TimeIntervals
	}
	c.warn(src, l.options)
	return c, problems
}

// Files returns the paths of the files that were read in addition to alertmanager.yml.
func (c *Config) Files() (files []string) {
	for _, pattern := range c.Templates {
		found, _ := filepath.Glob(pattern) // bad patterns were rejected earlier
		files = append(files, found...)
	}
	return files
}

// build creates the integrations of the receivers that are used by a route.
func (l *Loader) build(c *Config, logger *slog.Logger) (map[string][]notify.Integration, error) {
	used := c.usedReceivers()
	built := make(map[string][]notify.Integration, len(used))
	for _, r := range c.Receivers {
		if !slices.Contains(used, r.Name) {
			continue
		}
		integrations, err := receiver.BuildReceiverIntegrations(r, c.templates, c.secrets.logger(logger), boundAnswers(logger, r.Name))
		if err != nil {
			return nil, fmt.Errorf("receiver %q: %w", r.Name, c.secrets.hide(err))
		}
		built[r.Name] = integrations
	}
	return built, nil
}

// usedReceivers returns the names of the receivers that are used by a route, sorted.
func (c *Config) usedReceivers() []string {
	var used []string
	c.routes.Walk(func(r *dispatch.Route) { used = append(used, r.RouteOpts.Receiver) })
	slices.Sort(used)
	return slices.Compact(used)
}

// SendsNowhere reports whether no route leads to a receiver that notifies anyone.
func (c *Config) SendsNowhere() bool {
	for _, integrations := range c.integrations {
		if len(integrations) > 0 {
			return false
		}
	}
	return true
}

// warn collects what stock Alertmanager logs when it applies a configuration, and problems that would otherwise go
// unnoticed.
func (c *Config) warn(src Source, o Options) {
	add := func(format string, args ...any) {
		c.Warnings = append(c.Warnings, src.Name+": "+fmt.Sprintf(format, args...))
	}
	if c.SendsNowhere() {
		add("alerts are not delivered: no routed receiver has an integration configured; docs/alerting.md sets up Slack and email in five minutes")
	}
	c.routes.Walk(func(r *dispatch.Route) {
		if o.Retention > 0 && r.RouteOpts.RepeatInterval > o.Retention {
			add("route: repeat_interval %s of %s is longer than --data.retention %s: notifications are repeated more often than configured", r.RouteOpts.RepeatInterval, r.Key(), o.Retention)
		}
		if r.RouteOpts.RepeatInterval < r.RouteOpts.GroupInterval {
			add("route: repeat_interval %s of %s is shorter than group_interval %s, which is used instead", r.RouteOpts.RepeatInterval, r.Key(), r.RouteOpts.GroupInterval)
		}
	})
	used := c.usedReceivers()
	for _, r := range c.Receivers {
		if !slices.Contains(used, r.Name) {
			add("receivers: no route leads to %q", r.Name)
		}
	}
	if c.TracingConfig.Endpoint != "" {
		add("tracing: has no effect; tracing of the whole process is configured in prometheus.yml")
	}
	if len(c.EventRecorder.FileOutputs)+len(c.EventRecorder.WebhookOutputs)+len(c.EventRecorder.KafkaOutputs) > 0 {
		add("event_recorder: is not supported and has no effect; notifications are recorded in ausguck.db")
	}
}

// errUnknownReceiver is returned for a receiver that the configuration does not have.
var errUnknownReceiver = errors.New("no such receiver")

// resolvePaths makes the paths in cfg relative to dir, as upstream does for templates and HTTP clients; files with
// secrets, which upstream reads relative to the working directory, are also searched in dir.
func resolvePaths(dir string, cfg *config.Config) (moved confpath.Moved) {
	for i, t := range cfg.Templates {
		if !filepath.IsAbs(t) {
			cfg.Templates[i] = filepath.Join(dir, t)
		}
		cfg.Templates[i] = moved.Here(cfg.Templates[i], dir)
	}
	walk(cfg, func(f field) {
		switch {
		case !f.isFile():
			return
		case filepath.IsAbs(f.text()):
			f.value.SetString(moved.Here(f.text(), dir))
			return
		}
		if inDir := filepath.Join(dir, f.text()); f.client || problem.Readable(f.text()) != nil && problem.Readable(inDir) == nil {
			f.value.SetString(inDir)
		}
	})
	return moved
}
