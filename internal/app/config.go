package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/expandenv"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/internal/permission"
	"github.com/ausguck/ausguck/monitoring"
)

// loading is one look at all configuration files. `check`, a start and a reload are one.
type loading struct {
	o *Options
	// known are the configurations that have loaded before; nil when nothing is to be remembered.
	known *lastGood
	// replace is set at a start: what does not load is replaced by what did before, or by what is built in.
	replace bool

	problems []error
	warnings []string
	// warned are the warnings by part, those of none under "". whole is set when all parts are loaded.
	warned map[string][]string
	whole  bool
	// faults are the parts whose files do not load, with what they run by instead.
	faults map[string]fault
	// loaded are the files that have loaded, by part.
	loaded map[string]document
	// dashboardProblems are dashboards that cannot be shown, which stops neither a start nor a reload.
	dashboardProblems []error
}

// fault is a configuration that does not load, and what runs instead.
type fault struct {
	problems []error
	instead  string
}

// Error says what is wrong and what runs.
func (f fault) Error() string {
	return fmt.Sprintf("%s; running %s", (&ConfigError{f.problems}).Error(), f.instead)
}

func newLoading(o *Options) *loading {
	return &loading{o: o, faults: map[string]fault{}, loaded: map[string]document{}, warned: map[string][]string{}}
}

// loadAll reads and checks every file, and collects all problems of all of them.
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
	// It belongs to the main address, without which nothing can be reached: nothing is used in its place.
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

// err returns the problems, nil when there are none.
func (l *loading) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	return &ConfigError{Problems: l.problems}
}

// document is a configuration file as it was read.
type document struct {
	// Name is the path that messages show.
	Name string
	// Dir is the folder to which paths in the file are relative.
	Dir     string
	Content []byte
	BuiltIn bool
	// copies are the files that this one names, by path, where they are not to be read from their own places.
	copies map[string]string
	// beside are the files that were read with this one.
	beside []string
	// flagged is set when a flag names the file.
	flagged bool
}

// source is where a document is read from, and what stands in for it.
type source struct {
	read    func() (document, error)
	builtIn func() document
	// expand replaces variables; nil leaves them.
	expand func(document) (document, []string)
}

// load reads a part's document and parses it. Where it does not load, a start takes the one that did last, or else the
// one that is built in, and says so; `check` and a reload report the problems. about says which files were read beside it, and
// what a person should look at.
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
	if cfg != nil { // what is wrong is in a file that this one names
		return use(cfg, warnings, "without the files it names that do not load")
	}
	if !d.flagged || !errors.Is(err, fs.ErrNotExist) { // else the flag is wrong
		inside := s.builtIn()
		inside.copies = map[string]string{} // none of the files beside those that are wrong
		if standard, more, _, again := try(inside, nil); len(again) == 0 {
			return use(standard, more, "with the built-in configuration")
		}
	}
	l.problems = append(l.problems, problems...)
	return nil
}

// builtIn starts the names of files that are part of the program.
const builtIn = "built-in "

// file is the one that a flag names, the one in the folder, or the built-in one.
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

// expanded puts the values of environment variables into a file, as Loki and Promtail do with -config.expand-env.
func (l *loading) expanded(s source) source {
	s.expand = func(d document) (document, []string) {
		var warnings []string
		d.Content, warnings = expandenv.Expand(d.Name, d.Content, os.LookupEnv)
		return d, warnings
	}
	return s
}

// WebConfigFile returns the web.yml that is named or in the folder, empty when there is none. Its content is read again by
// the HTTP server at each connection, as with every program that uses the exporter toolkit.
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

// missing reports whether there is no file of the name. A link that leads nowhere is one that cannot be read.
func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
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
