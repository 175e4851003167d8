package promserver

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/ausguck/ausguck/internal/confpath"
	"github.com/ausguck/ausguck/internal/problem"
)

// Source is a prometheus.yml as read from disk.
type Source struct {
	// Name is the path shown in messages.
	Name string
	// Dir is the folder to which paths in the file are relative.
	Dir     string
	Content []byte
	// Beside holds rule files that are used as if they were in Dir, unless Dir has one of the same name. It is nil for
	// files that users wrote.
	Beside fs.FS
	// Copies maps the paths of the files that this one names to the places they are read from instead. It is nil if
	// they are read from their own paths.
	Copies map[string]string
}

// Config is a consistent state of prometheus.yml and all rule files it names. What is applied is what was checked, even
// if the files change in between.
type Config struct {
	*config.Config
	// Source is the name of the file.
	Source string
	rules  map[string][]byte // by path
	// Warnings are problems that need attention but do not prevent the configuration from working.
	Warnings []string
}

// Loader reads and checks configurations. It is shared by `check`, startup and reload.
type Loader struct {
	set *settings
}

// NewLoader returns a loader for the given options. It sets the globals of upstream's config package.
func NewLoader(o Options) (*Loader, error) {
	set, err := o.settings()
	if err != nil {
		return nil, err
	}
	set.claimGlobals()
	return &Loader{set: set}, nil
}

// claimGlobals sets the variables from which upstream takes its defaults; config.Load reads all of them.
func (s *settings) claimGlobals() {
	model.NameValidationScheme = model.UTF8Validation //nolint:staticcheck // config.Load demands it
	config.DefaultTSDBRetentionConfig = config.TSDBRetentionConfig{Time: s.Storage.RetentionTime, Size: s.Storage.RetentionSize}
	if s.Storage.RetentionSize == 0 {
		config.DefaultTSDBRetentionConfig.Size = defaultRetentionSize(s.Dir)
	}
	config.DefaultExemplarsConfig.MaxExemplars = s.Storage.DefaultMaxExemplars
	if os.Getenv("GOGC") == "" {
		config.DefaultRuntimeConfig.GoGC = defaultGOGC
		config.DefaultConfig.Runtime.GoGC = defaultGOGC
	}
	for _, g := range []*config.GlobalConfig{&config.DefaultGlobalConfig, &config.DefaultConfig.GlobalConfig} {
		if s.features["extra-scrape-metrics"] {
			on := true
			g.ExtraScrapeMetrics = &on
		}
		if s.features["created-timestamp-zero-ingestion"] || s.features["st-storage"] {
			g.ScrapeProtocols = config.DefaultProtoFirstScrapeProtocols
		}
	}
}

// CheckExpr returns the error in a PromQL expression.
func (l *Loader) CheckExpr(expr string) error {
	_, err := newParser(l.set.features.parserOptions()).ParseExpr(expr)
	return err
}

// Load reads src and the files it names. It returns all problems that it finds, each as "file:line: field: reason". The
// Config is nil if prometheus.yml itself is invalid; other invalid files are left out of it, together with what needs
// them.
func (l *Loader) Load(src Source) (*Config, []error) {
	// Upstream logs problems while it loads; here they are returned.
	quiet := slog.New(slog.DiscardHandler)
	cfg, err := config.Load(string(src.Content), quiet)
	if err != nil {
		problems := locate(src, err)
		rest := &Config{rules: map[string][]byte{}}
		return nil, append(problems, rest.readRules(src, rulePatterns(src), model.UTF8Validation, l.set.features.parserOptions())...)
	}
	cfg.SetDirectory(src.Dir)
	var moved confpath.Moved
	confpath.Visit(cfg, func(path *string) { *path = moved.Here(*path, src.Dir) })
	if cfg.StorageConfig.ExemplarsConfig == nil {
		exemplars := config.DefaultExemplarsConfig
		cfg.StorageConfig.ExemplarsConfig = &exemplars
	}
	limits := l.fillLimits(src, cfg)
	if src.Copies != nil {
		cfg.ScrapeConfigFiles = src.copiesOf(cfg.ScrapeConfigFiles)
	}

	jobs, problems := leaveOutJobFiles(src, cfg)
	unusable, warnings := leaveOutClients(src, cfg, jobs)
	warnings = append(warnings, emptyDiscovery(src, cfg)...)
	if src.Copies == nil {
		warnings = append(warnings, emptyPatterns(src, "scrape_config_files", cfg.ScrapeConfigFiles, "job")...)
	}
	if warning := moved.Warning(src.Name, src.Dir); warning != "" {
		warnings = append(warnings, warning)
	}
	warnings = append(warnings, limits...)
	problems = append(problems, unusable...)
	c := &Config{Config: cfg, Source: src.Name, Warnings: warnings, rules: map[string][]byte{}}
	return c, append(problems, c.readRules(src, cfg.RuleFiles, cfg.GlobalConfig.MetricNameValidationScheme, l.set.features.parserOptions())...)
}

// Files returns the paths of the files that were read in addition to prometheus.yml.
func (c *Config) Files() []string {
	files := c.RulePaths()
	for _, pattern := range c.ScrapeConfigFiles {
		found, _ := filepath.Glob(pattern) // bad patterns were rejected earlier
		files = append(files, found...)
	}
	return files
}

// yourRules is the pattern for the user's own rules in the file that `ausguck init` writes.
const yourRules = "*.rules.yml"

// readRules reads and checks every rule file. A missing file is allowed, as in Prometheus, but causes a warning, and so
// does a pattern that matches nothing.
func (c *Config) readRules(src Source, patterns []string, scheme model.ValidationScheme, o parser.Options) []error {
	var problems []error
	groups := map[string]string{} // name → first file
	forYours := ""                // the warning about the pattern that may match nothing as long as others match
	for _, pattern := range patterns {
		files, err := src.glob(pattern)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: rule_files: %q: %w", src.Name, pattern, err))
			continue
		}
		switch {
		case len(files) > 0 || src.Beside != nil: // the built-in configuration names places where users may put rules
		case !strings.ContainsAny(pattern, "*?["):
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: rule_files: %s does not exist", src.Name, pattern))
		default:
			warning := fmt.Sprintf("%s: rule_files: no file matches %s, so no rule is loaded from it", src.Name, pattern)
			if pattern == filepath.Join(src.Dir, yourRules) {
				forYours = warning
				continue
			}
			c.Warnings = append(c.Warnings, warning)
		}
		for _, file := range files {
			if _, seen := c.rules[file]; seen {
				continue
			}
			content, err := src.read(file)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: read rule file: %w", file, problem.Explain(err)))
				continue
			}
			parsed, errs := parseRules(content, scheme, newParser(o))
			problems = append(problems, positioned(file, errs)...)
			if len(errs) > 0 {
				continue
			}
			c.rules[file] = content
			c.warnAboutSharedNames(groups, file, parsed)
		}
	}
	if forYours != "" && len(c.rules)+len(problems) == 0 {
		c.Warnings = append(c.Warnings, forYours)
	}
	return problems
}

// parseRules returns all errors of a rule file. Upstream checks no expressions if a field is unknown, so a file with
// such a field is parsed a second time, ignoring it.
func parseRules(content []byte, scheme model.ValidationScheme, p parser.Parser) (*rulefmt.RuleGroups, []error) {
	quiet := slog.New(slog.DiscardHandler)
	parsed, errs := rulefmt.Parse(content, false, scheme, p, quiet)
	if parsed == nil && len(errs) > 0 {
		_, more := rulefmt.Parse(content, true, scheme, p, quiet)
		for _, err := range more {
			// Errors at 0:0 are about values missing because they are in the unknown field, and YAML errors would be
			// repeated.
			if rulePosition.MatchString(err.Error()) && !strings.HasPrefix(err.Error(), "0:0: ") {
				errs = append(errs, err)
			}
		}
	}
	return parsed, errs
}

func (c *Config) warnAboutSharedNames(groups map[string]string, file string, parsed *rulefmt.RuleGroups) {
	if parsed == nil {
		return
	}
	for _, g := range parsed.Groups {
		if first, ok := groups[g.Name]; ok && first != file {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: group %q is also in %s; both run, rename one to tell them apart", file, g.Name, first))
			continue
		}
		groups[g.Name] = file
	}
}

// rulePosition matches the "line:column: " prefix of rulefmt's errors.
var rulePosition = regexp.MustCompile(`^(\d+):\d+: (?:\d+:\d+: )?`)

// positioned formats errors of a rule file as "file:line: reason" and removes duplicates: rulefmt decodes a file twice
// and so reports YAML errors twice.
func positioned(file string, errs []error) []error {
	var problems []error
	var texts []string
	add := func(text string) {
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
			problems = append(problems, errors.New(text))
		}
	}
	for _, err := range errs {
		text := err.Error()
		if m := rulePosition.FindStringSubmatch(text); m != nil {
			add(fmt.Sprintf("%s:%s: %s", file, m[1], text[len(m[0]):]))
			continue
		}
		for _, err := range problem.Describe(file, err) {
			add(err.Error())
		}
	}
	return problems
}

// ruleLoader gives the rule manager the rule files as they were when the configuration was checked.
type ruleLoader struct {
	parser parser.Parser

	mtx   sync.Mutex
	files map[string][]byte
}

func (l *ruleLoader) use(files map[string][]byte) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	l.files = files
}

// Load implements rules.GroupLoader.
func (l *ruleLoader) Load(file string, ignoreUnknownFields bool, scheme model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	l.mtx.Lock()
	content, ok := l.files[file]
	l.mtx.Unlock()
	if !ok {
		return nil, []error{fmt.Errorf("rule file %s is not part of the loaded configuration", file)}
	}
	groups, errs := rulefmt.Parse(content, ignoreUnknownFields, scheme, l.parser, slog.New(slog.DiscardHandler))
	return groups, positioned(file, errs)
}

// Parse implements rules.GroupLoader.
func (l *ruleLoader) Parse(query string) (parser.Expr, error) { return l.parser.ParseExpr(query) }
