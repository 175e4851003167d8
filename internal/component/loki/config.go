package loki

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/grafana/loki/v3/pkg/loki"
	lokiruntime "github.com/grafana/loki/v3/pkg/runtime"
	"github.com/grafana/loki/v3/pkg/util/cfg"
	"github.com/grafana/loki/v3/pkg/validation"
	"go.yaml.in/yaml/v3"
	yamlv2 "gopkg.in/yaml.v2"

	"github.com/ausguck/ausguck/internal/problem"
)

// Source is a loki.yml as read from disk.
type Source struct {
	// Name is the path shown in messages.
	Name string
	// Dir is the folder to which paths of rules in the file are relative.
	Dir     string
	Content []byte
	BuiltIn bool
}

// named reports whether a user has named a rule folder in the file: not one of those that stock files name for data
// written by Loki.
func (s Source) named(dir string) bool {
	return !s.BuiltIn && dir != "" && bytes.Contains(s.Content, []byte(dir)) && !isBelow(dir, "/loki") && !strings.HasPrefix(dir, "data/")
}

// Config is a checked loki.yml with defaults for everything that it does not set.
type Config struct {
	loki.Config
	// Source is the name of the file.
	Source string
	// Warnings are problems that need attention but do not prevent the configuration from working.
	Warnings []string

	content []byte
	cluster bool // there are other Lokis
}

// Text returns the file as read.
func (c *Config) Text() []byte { return c.content }

// LoadConfig reads and checks src. It returns all problems that it finds, each as "file:line: field: reason".
func LoadConfig(o Options, src Source) (*Config, []error) {
	c := &Config{Source: src.Name, content: src.Content}
	doc, problems := c.dropOldKeys(src)
	if len(problems) > 0 {
		return nil, problems
	}
	var content []byte // empty if the file is empty: a null would clear the defaults
	if len(doc.top().Content) > 0 {
		var err error
		if content, err = yaml.Marshal(doc.node()); err != nil {
			return nil, []error{fmt.Errorf("%s: %w", src.Name, err)}
		}
	}
	if problems := c.decode(o, src, doc, content); len(problems) > 0 {
		return nil, problems
	}
	c.settle(o, doc)
	if err := c.Validate(); err != nil {
		return nil, c.explain(src, doc, err)
	}
	problems = c.checkRules(o, src)
	if len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

// decode fills c in Loki's own order: its defaults, ours, the file, values derived from the file, the file again.
func (c *Config) decode(o Options, src Source, doc document, content []byte) []error {
	w := &loki.ConfigWrapper{}
	claimLimits(&loki.ConfigWrapper{}, o, doc)
	var problems []error
	file := func(dst cfg.Cloneable) error {
		err := yamlv2.Unmarshal(content, dst)
		if err != nil {
			var typeErr *yamlv2.TypeError
			if !errors.As(err, &typeErr) {
				return err
			}
			problems = doc.located(src.Name, typeErr.Errors)
		}
		return err
	}
	err := cfg.Unmarshal(w,
		cfg.Defaults(flag.NewFlagSet("loki", flag.ContinueOnError)),
		func(cfg.Cloneable) error { ourDefaults(w, o, doc); return nil },
		file,
		w.ApplyDynamicConfig(),
		file,
	)
	switch {
	case len(problems) > 0:
		return problems
	case err != nil:
		return problem.Describe(src.Name, err)
	}
	c.Config = w.Config
	return nil
}

// claimLimits sets the package variables from which Loki fills every limits section that it decodes: otherwise they
// would still hold the limits of the previously loaded file.
func claimLimits(w *loki.ConfigWrapper, o Options, doc document) {
	w.RegisterFlags(flag.NewFlagSet("loki", flag.ContinueOnError))
	ourDefaults(w, o, doc)
	w.LimitsConfig.SetGlobalOTLPConfig(w.Distributor.OTLPConfig)
	validation.SetDefaultLimitsForYAMLUnmarshalling(w.LimitsConfig)
	lokiruntime.SetDefaultLimitsForYAMLUnmarshalling(w.OperationalConfig)
}

// settle sets the values that depend on the whole file, and those that the file cannot set inside this process.
func (c *Config) settle(o Options, doc document) {
	c.cluster = doc.clustered()
	c.LimitsConfig.SetGlobalOTLPConfig(c.Distributor.OTLPConfig)
	if err := c.LimitsConfig.SetDefaultPolicyStreamMapping(c.Distributor.DefaultPolicyStreamMappings); err != nil {
		c.warn("distributor.default_policy_stream_mappings has no effect: %v", err)
	}
	if c.Analytics.Enabled {
		c.warn("analytics.reporting_enabled: has no effect; Ausguck reports nothing to anyone")
	}
	c.Analytics.Enabled = false
	c.settleRetention(doc)
	c.settleDeletions(doc)
	c.settleStores(o, doc)
	c.settlePaths(o)
	c.warnAboutStores(o, doc)
	c.warnAboutRingAddress(doc)
	c.limitS3(doc)
	last := c.SchemaConfig.Configs[len(c.SchemaConfig.Configs)-1]
	if version, err := last.VersionAsInt(); err == nil && (version < 13 || last.IndexType != "tsdb") &&
		!doc.has("limits_config.allow_structured_metadata") {
		c.LimitsConfig.AllowStructuredMetadata = false
		c.warn("schema_config: the last period is %s %s; OTLP logs and detected levels require tsdb v13: add a period with `store: tsdb`, `schema: v13` and a `from` in the future", last.IndexType, last.Schema)
	}
	if c.isTargeted(loki.All) && !doc.has("query_scheduler.use_scheduler_ring") {
		// Queries are run by the process that they are sent to. In a ring, others could run parts of them; if one of those is
		// killed, its parts would wait until query_timeout.
		c.QueryScheduler.UseSchedulerRing = false
	}
	if !c.cluster {
		c.QueryScheduler.UseSchedulerRing = false // it would wait for a ring
		c.Common.Ring.KVStore.Store = "inmemory"
	}
}

// settleRetention makes retention_period work: without the compactor, Loki ignores it.
func (c *Config) settleRetention(doc document) {
	cc := &c.CompactorConfig
	if doc.has("compactor.retention_enabled") {
		if !cc.RetentionEnabled && c.LimitsConfig.RetentionPeriod > 0 && doc.has("limits_config.retention_period") {
			c.warn("limits_config.retention_period has no effect, because compactor.retention_enabled is false")
		}
	} else {
		cc.RetentionEnabled = true
	}
	if cc.RetentionEnabled && cc.DeleteRequestStore == "" {
		for _, p := range slices.Backward(c.SchemaConfig.Configs) {
			cc.DeleteRequestStore = p.ObjectType
			break
		}
	}
}

// indexDelay is how long a chunk's index may be only on the host that wrote the chunk: upstream writes it every 15 minutes and uploads it
// every minute.
const indexDelay = 16 * time.Minute

// settleDeletions makes a deletion wait until all lines that were there before it are in the store. The compactor does it once: chunks and
// indexes that are written later keep the lines, and queries find them again. Upstream waits for 24 hours.
func (c *Config) settleDeletions(doc document) {
	const option = "compactor.delete_request_cancel_period"
	least := c.Ingester.MaxChunkAge + indexDelay
	switch period := &c.CompactorConfig.DeleteRequestCancelPeriod; {
	case !doc.has(option):
		*period = c.Ingester.MaxChunkAge + time.Hour
	case *period < least:
		c.warn("%s: deletions miss lines that are not in the store yet; wait at least %s (ingester.max_chunk_age and %s for the index)", option, least, indexDelay)
	}
}

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, c.Source+": "+fmt.Sprintf(format, args...))
}

var configError = regexp.MustCompile(`^CONFIG ERROR: (invalid (\w+) config: )?`)

// explain turns Loki's list of errors into problems with the lines of their sections.
func (c *Config) explain(src Source, doc document, err error) []error {
	var problems []error
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "MULTIPLE CONFIG ERRORS") {
			continue
		}
		section := ""
		if m := configError.FindStringSubmatch(line); m != nil {
			line, section = line[len(m[0]):], strings.ReplaceAll(m[2], "schema", "schema_config")
		}
		if p := doc.at(section); p > 0 {
			problems = append(problems, fmt.Errorf("%s:%d: %s: %s", src.Name, p, section, line))
		} else {
			problems = append(problems, fmt.Errorf("%s: %s", src.Name, line))
		}
	}
	return problems
}

// Retention returns how long logs are kept; 0 means forever.
func (c *Config) Retention() time.Duration {
	if !c.CompactorConfig.RetentionEnabled {
		return 0
	}
	return time.Duration(c.LimitsConfig.RetentionPeriod)
}
