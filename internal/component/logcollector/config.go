package logcollector

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/logentry/stages"
	"github.com/grafana/loki/v3/clients/pkg/promtail/client"
	promtail "github.com/grafana/loki/v3/clients/pkg/promtail/config"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/prometheus/client_golang/prometheus"
	commonconfig "github.com/prometheus/common/config"
	"golang.org/x/text/encoding/ianaindex"
	yamlv2 "gopkg.in/yaml.v2"

	"github.com/ausguck/ausguck/internal/confpath"
	"github.com/ausguck/ausguck/internal/problem"
)

// builtInDockerHost is the engine named in the built-in promtail.yml.
const builtInDockerHost = "unix:///var/run/docker.sock"

// Source is a promtail.yml as read from disk.
type Source struct {
	// Name is the path shown in messages.
	Name string
	// Dir is the folder to which paths of the official container are mapped.
	Dir string
	// BuiltIn marks the built-in file, in which the engine's address is replaced by Options.DockerHost; if that is
	// empty, its containers are left out.
	BuiltIn bool
	Content []byte
}

// Config is a checked promtail.yml.
type Config struct {
	promtail.Config
	// Source is the name of the file.
	Source string
	// Warnings are problems that need attention but do not prevent the configuration from working.
	Warnings []string

	content []byte
}

// Text returns the file as read, with the address of the Docker engine filled in.
func (c *Config) Text() []byte { return c.content }

// LoadConfig reads and checks src. It returns all problems that it finds, each as "file:line: field: reason". The
// Config is nil if one of them is in a job; clients that cannot be created are left out of it.
func LoadConfig(o Options, src Source) (*Config, []error) {
	text := string(src.Content)
	if src.BuiltIn && o.DockerHost != "" {
		text = strings.ReplaceAll(text, builtInDockerHost, o.DockerHost)
	}
	file := problem.File{Name: src.Name, Content: []byte(text)}
	cfg, err := load(text)
	if err != nil {
		return nil, problem.Locate(file, err, func(content string) error {
			_, err := load(content)
			return err
		})
	}
	c := &Config{Config: *cfg, Source: src.Name, content: file.Content}
	var moved confpath.Moved
	confpath.Visit(&c.Config, func(path *string) { *path = moved.Here(*path, src.Dir) })
	if warning := moved.Warning(src.Name, src.Dir); warning != "" {
		c.Warnings = append(c.Warnings, warning)
	}
	if src.BuiltIn && o.DockerHost == "" {
		c.ScrapeConfig = slices.DeleteFunc(c.ScrapeConfig, func(job scrapeconfig.Config) bool { return len(job.DockerSDConfigs) > 0 })
	}
	var problems []error
	for i := range c.ScrapeConfig {
		problems = append(problems, c.checkJob(file, &c.ScrapeConfig[i])...)
	}
	if err := c.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("%s: %w", src.Name, err))
	}
	c.Setup(log.NewNopLogger())
	c.warnOfIgnored()
	if len(problems) > 0 {
		return nil, problems
	}
	problems = c.leaveOutClients(o, file)
	if len(c.ClientConfigs) == 0 && len(problems) > 0 {
		return nil, problems // no client would receive the lines
	}
	return c, problems
}

// leaveOutClients removes the clients that cannot be created, for example because of a certificate, and returns why.
// Other servers also miss lines while they are unavailable.
func (c *Config) leaveOutClients(o Options, file problem.File) (problems []error) {
	others, _ := c.remotes(o.OwnAddresses)
	for _, other := range others {
		if _, err := commonconfig.NewClientFromConfig(other.Client, "promtail"); err != nil {
			problems = append(problems, problem.At(file, other.URL.Redacted(), fmt.Errorf("clients: %s: %w", other.URL.Redacted(), err)))
			c.ClientConfigs = slices.DeleteFunc(c.ClientConfigs, func(cfg client.Config) bool { return cfg.URL == other.URL })
		}
	}
	return problems
}

// load decodes a file, strictly, over Promtail's defaults.
func load(text string) (*promtail.Config, error) {
	cfg := &promtail.Config{}
	cfg.RegisterFlags(flag.NewFlagSet("promtail", flag.ContinueOnError))
	if err := yamlv2.UnmarshalStrict([]byte(text), cfg); err != nil {
		return nil, err
	}
	return cfg, nil
}

// checkJob finds problems that Promtail would find only at startup.
func (c *Config) checkJob(file problem.File, job *scrapeconfig.Config) (problems []error) {
	at := func(mention string, err error) {
		problems = append(problems, problem.At(file, mention, fmt.Errorf("scrape_configs: job %q: %w", job.JobName, err)))
	}
	for _, stage := range job.PipelineStages {
		if _, err := stages.NewPipeline(log.NewNopLogger(), stages.PipelineStages{stage}, &job.JobName, prometheus.NewRegistry()); err != nil {
			at(stageName(stage), fmt.Errorf("pipeline_stages: %w", err))
		}
	}
	if job.Encoding != "" {
		if e, err := ianaindex.IANA.Encoding(job.Encoding); err != nil || e == nil {
			at(job.Encoding, fmt.Errorf("encoding: %q is not an IANA character set", job.Encoding))
		}
	}
	if kinds := sourcesOf(job); len(kinds) == 0 {
		at(job.JobName, errors.New("no source of log lines; add static_configs with __path__, docker_sd_configs, journal or syslog"))
	}
	if job.HasServiceDiscoveryConfig() && !hasPath(job) {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s: job %q: no target has the label __path__, and no relabeling rule sets it, so no file is read", file.Name, job.JobName))
	}
	if job.DecompressionCfg != nil && job.DecompressionCfg.Enabled {
		at("decompression", errors.New("decompression: reading compressed files is not supported; decompress them and push them with logcli or the push API"))
	}
	if job.JournalConfig != nil {
		if err := journalProblem(); err != nil {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: job %q: %v", file.Name, job.JobName, err))
		}
	}
	return problems
}

var firstWord = regexp.MustCompile(`^\w+`)

// stageName returns the key of a stage, which is used to find its line.
func stageName(stage any) string {
	if m, ok := stage.(stages.PipelineStage); ok {
		for name := range m {
			if text, ok := name.(string); ok {
				return text + ":"
			}
		}
	}
	return firstWord.FindString(fmt.Sprint(stage))
}

// sourcesOf returns the kinds of sources of a job's lines.
func sourcesOf(job *scrapeconfig.Config) []string {
	var kinds []string
	for kind, used := range map[string]bool{
		"files":             job.HasServiceDiscoveryConfig(),
		"docker_sd_configs": len(job.DockerSDConfigs) > 0,
		"journal":           job.JournalConfig != nil,
		"syslog":            job.SyslogConfig != nil,
		"gcplog":            job.GcplogConfig != nil,
		"loki_push_api":     job.PushConfig != nil,
		"windows_events":    job.WindowsConfig != nil,
		"kafka":             job.KafkaConfig != nil,
		"azure_event_hubs":  job.AzureEventHubsConfig != nil,
		"gelf":              job.GelfConfig != nil,
		"cloudflare":        job.CloudflareConfig != nil,
		"heroku_drain":      job.HerokuDrainConfig != nil,
	} {
		if used {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// toldOnly reports whether only Promtail's own target reads the job.
func toldOnly(job *scrapeconfig.Config) bool {
	return !job.HasServiceDiscoveryConfig() && len(job.DockerSDConfigs) == 0 && job.JournalConfig == nil
}

// hasPath reports whether a target of the job can have a path.
func hasPath(job *scrapeconfig.Config) bool {
	for _, group := range job.ServiceDiscoveryConfig.StaticConfigs {
		if group.Labels[pathLabel] != "" {
			return true
		}
		for _, t := range group.Targets {
			if t[pathLabel] != "" {
				return true
			}
		}
	}
	for _, r := range job.RelabelConfigs {
		if r.TargetLabel == pathLabel {
			return true
		}
	}
	return len(job.ServiceDiscoveryConfig.Configs()) > 1 || len(job.ServiceDiscoveryConfig.StaticConfigs) == 0
}

var namesTracing = regexp.MustCompile(`(?m)^tracing:`)

// warnOfIgnored warns about settings that have an effect in a separate Promtail but not here.
func (c *Config) warnOfIgnored() {
	warn := func(field, why string) {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s: %s: %s", c.Source, field, why))
	}
	if c.WAL.Enabled {
		warn("wal", "not needed: what was read and not stored is read again")
	}
	if file := c.PositionsConfig.PositionsFile; strings.HasPrefix(file, "/tmp/") || strings.HasPrefix(file, "/var/tmp/") {
		warn("positions.filename", file+" is read for what a Promtail has read before; positions are kept below --storage.path, where they stay")
	}
	if c.TargetConfig.Stdin {
		warn("target_config.stdin", "standard input is not read")
	}
	if c.Tracing.Enabled && namesTracing.Match(c.content) { // it is enabled by default
		warn("tracing", "left out; Prometheus's tracing is in prometheus.yml")
	}
}

// remotes returns the clients that are not the store of this process, and those that are.
func (c *Config) remotes(own []string) (others, selves []client.Config) {
	for _, cfg := range c.ClientConfigs {
		switch {
		case cfg.URL.URL == nil:
		case slices.Contains(own, cfg.URL.Host):
			selves = append(selves, cfg)
		default:
			others = append(others, cfg)
		}
	}
	return others, selves
}
