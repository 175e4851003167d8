package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/expandenv"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/internal/permission"
	"github.com/ausguck/ausguck/monitoring"
)

// loading is one pass over all configuration files, by `check`, a start or a reload.
type loading struct {
	o *Options
	// known are the configurations that loaded before; nil if none are to be saved.
	known *lastGood
	// replace is set at a start: a file that does not load is replaced by its last good version, or by the built-in one.
	replace bool

	problems []error
	warnings []string
	// warned are the warnings by part; the key "" has those that belong to no part. whole is set when all parts are loaded.
	warned map[string][]string
	whole  bool
	// faults are the parts whose files do not load, with the configuration that they run instead.
	faults map[string]fault
	// loaded are the files that loaded, by part.
	loaded map[string]document
	// dashboardProblems are errors in dashboards, which fail neither a start nor a reload.
	dashboardProblems []error
}

// fault is a configuration that does not load, with the one that runs instead.
type fault struct {
	problems []error
	instead  string
}

// Error returns the problems and the configuration that runs instead.
func (f fault) Error() string {
	return fmt.Sprintf("%s; running %s", (&ConfigError{f.problems}).Error(), f.instead)
}

// faultOf returns the fault of a part's files. A part with several files has a key for each, which begins with its name and a dot.
func faultOf(faults map[string]fault, part string) (fault, bool) {
	for _, key := range slices.Sorted(maps.Keys(faults)) {
		if name, _, _ := strings.Cut(key, "."); name == part {
			return faults[key], true
		}
	}
	return fault{}, false
}

func newLoading(o *Options) *loading {
	return &loading{o: o, faults: map[string]fault{}, loaded: map[string]document{}, warned: map[string][]string{}}
}

// loadAll reads and checks every file, and collects the problems of all of them.
func (o *Options) loadAll(known *lastGood, replace bool) *loading {
	l := newLoading(o)
	l.known, l.replace, l.whole = known, replace, true
	if err := o.checkConfigDir(); err != nil && (!replace || !known.has(o.ConfigDir)) {
		l.problem(err)
		return l
	}
	for _, p := range o.all() {
		if p.on() {
			p.load(l)
		}
	}
	l.warn("", o.ofGrafana)
	// It configures the main address, without which nothing is reachable, so it has no fallback.
	l.problems = append(l.problems, httpserver.CheckWebConfig(o.WebConfigFile())...)
	return l
}

func (o *Options) checkConfigDir() error {
	if o.ConfigDir == "" {
		return nil
	}
	if info, err := os.Stat(o.ConfigDir); err != nil || !info.IsDir() {
		return fmt.Errorf("--config.dir %s is not a folder; `ausguck init %s` writes one", o.ConfigDir, o.ConfigDir)
	}
	return nil
}

func (l *loading) warn(part string, warnings []string) {
	l.warnings = append(l.warnings, warnings...)
	l.warned[part] = append(l.warned[part], warnings...)
}

func (l *loading) problem(err error) {
	if err != nil {
		l.problems = append(l.problems, err)
	}
}

// err returns the problems, or nil if there are none.
func (l *loading) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	return &ConfigError{Problems: l.problems}
}

// document is the content of a configuration file, with its origin.
type document struct {
	// Name is the path shown in messages.
	Name string
	// Dir is the folder that relative paths in the file refer to.
	Dir     string
	Content []byte
	BuiltIn bool
	// copies are copies of files that this one names, by path, to be read instead of the originals.
	copies map[string]string
	// beside are the files that were read together with this one.
	beside []string
	// flagged is set if a flag names the file.
	flagged bool
}

// source is where a document is read from, and its fallback.
type source struct {
	read    func() (document, error)
	builtIn func() document
	// expand replaces variables; nil leaves the document unchanged.
	expand func(document) (document, []string)
}

// load reads and parses a part's document. If that fails, a start falls back to the last good version, or else to the built-in
// one, and reports it; `check` and a reload report the problems. about returns the files that were read beside it, and the
// warnings about it.
func load[C any](l *loading, part string, s source, parse func(document) (*C, []error), about func(*C) (beside, warnings []string)) *C {
	try := func(d document, err error) (*C, []string, document, []error) {
		if err != nil {
			return nil, nil, d, []error{err}
		}
		var warnings, more []string
		if s.expand != nil {
			d, warnings = s.expand(d)
		}
		cfg, problems := parse(d)
		if cfg != nil {
			d.beside, more = about(cfg)
		}
		return cfg, append(warnings, more...), d, problems
	}
	d, err := s.read()
	if err == nil {
		err = l.known.gone(part, d)
	}
	raw := d.Content
	cfg, warnings, d, problems := try(d, err)
	if len(problems) == 0 {
		d.Content = raw
		l.loaded[part] = d
		l.warn(part, warnings)
		return cfg
	}
	if !l.replace {
		l.problems = append(l.problems, problems...)
		return nil
	}
	use := func(cfg *C, warnings []string, instead string) *C {
		l.warn(part, warnings)
		l.faults[part] = fault{problems, instead}
		return cfg
	}
	if before, saved, ok := l.known.read(part); ok {
		if last, more, _, again := try(before, nil); len(again) == 0 {
			return use(last, more, "with the configuration that loaded last, of "+saved.Format(time.RFC3339))
		}
	}
	if cfg != nil { // the error is in a file that this one names
		return use(cfg, warnings, "without the files it names that do not load")
	}
	if !d.flagged || !errors.Is(err, fs.ErrNotExist) { // otherwise the flag is wrong
		inside := s.builtIn()
		inside.copies = map[string]string{} // not the files beside the invalid ones
		if standard, more, _, again := try(inside, nil); len(again) == 0 {
			return use(standard, more, "with the built-in configuration")
		}
	}
	l.problems = append(l.problems, problems...)
	return nil
}

// builtIn is the prefix of the names of embedded files.
const builtIn = "built-in "

// file returns the file that a flag names, the one in the folder, or the built-in one.
func (l *loading) file(name, flagged string) source {
	dir := l.o.ConfigDir
	inside := func() document {
		content, _ := fs.ReadFile(monitoring.Files, name) // a test reads them all
		if dir == "" {
			dir = DefaultConfigDir
		}
		return document{Name: builtIn + name, Dir: dir, Content: content, BuiltIn: true}
	}
	return source{builtIn: inside, read: func() (document, error) {
		path := flagged
		if path == "" && dir != "" {
			path = filepath.Join(dir, name)
		}
		if path == "" {
			return inside(), nil
		}
		content, err := os.ReadFile(path)
		d := document{Name: path, Dir: filepath.Dir(path), Content: content, flagged: flagged != ""}
		switch {
		case err == nil:
			return d, nil
		case missing(path) && flagged == "":
			return inside(), nil
		}
		return d, permission.Explain(path, fmt.Errorf("read %s: %w", name, err))
	}}
}

// expanded replaces environment variables in a file, as Loki and Promtail do with -config.expand-env.
func (l *loading) expanded(s source) source {
	s.expand = func(d document) (document, []string) {
		var warnings []string
		d.Content, warnings = expandenv.Expand(d.Name, d.Content, os.LookupEnv)
		return d, warnings
	}
	return s
}

// WebConfigFile returns the path of web.yml, named by a flag or found in the folder, or "" if there is none. The HTTP server
// reads its content again for each connection, like every program that uses the exporter toolkit.
func (o *Options) WebConfigFile() string {
	if o.Web.ConfigFile != "" {
		return o.Web.ConfigFile
	}
	if o.ConfigDir == "" {
		return ""
	}
	path := filepath.Join(o.ConfigDir, "web.yml")
	if missing(path) {
		return ""
	}
	return path
}

// missing reports whether no file of that name exists. A dangling link does not count as missing but as unreadable.
func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// ConfigError is returned for invalid files or flags; cmd/ausguck then exits with 2.
type ConfigError struct {
	// Problems has one entry per problem, each "file:line: field: reason" as far as known.
	Problems []error
}

// Error returns the problems, one per line.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (e *ConfigError) Unwrap() []error { return e.Problems }

// Check reads all files as a start would and returns the warnings, and the problems as a ConfigError.
func Check(o Options) (warnings []string, err error) {
	if err := o.Complete(); err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	l := o.loadAll(nil, false)
	if err := l.err(); err != nil {
		return nil, err
	}
	if len(l.dashboardProblems) > 0 {
		return l.warnings, &ConfigError{Problems: l.dashboardProblems}
	}
	return l.warnings, nil
}
