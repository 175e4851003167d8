package alertmanager

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/config/receiver"
	"github.com/prometheus/alertmanager/template"

	"github.com/ausguck/ausguck/internal/problem"
)

// loadTemplates parses the template files. Those that cannot be parsed are left out of cfg, and the reasons are
// returned.
func loadTemplates(src Source, cfg *config.Config) (_ *template.Template, problems []error, err error) {
	if t, err := template.FromGlobs(cfg.Templates); err == nil {
		return t, nil, nil
	}
	refuse := func(err error) {
		problems = append(problems, problem.At(src.file(), "templates", fmt.Errorf("templates: %w", err)))
	}
	var good []string
	for _, pattern := range cfg.Templates {
		files, err := filepath.Glob(pattern)
		if err != nil {
			refuse(fmt.Errorf("%s: %w", pattern, err))
		}
		for _, file := range files {
			if _, err := template.FromGlobs(append(good[:len(good):len(good)], file)); err != nil {
				refuse(err)
				continue
			}
			good = append(good, file)
		}
	}
	cfg.Templates = good
	t, err := template.FromGlobs(good)
	return t, problems, err
}

// leaveOut removes integrations that cannot be built from the receivers used by a route, and returns the reason for
// each.
func (l *Loader) leaveOut(c *Config) (problems []error) {
	used := c.usedReceivers()
	for i := range c.Receivers {
		if !slices.Contains(used, c.Receivers[i].Name) {
			continue
		}
		lists := reflect.ValueOf(&c.Receivers[i]).Elem()
		for n := range lists.NumField() {
			list := lists.Field(n)
			if list.Kind() != reflect.Slice {
				continue
			}
			good := reflect.MakeSlice(list.Type(), 0, list.Len())
			for k := range list.Len() {
				one := config.Receiver{Name: c.Receivers[i].Name}
				reflect.ValueOf(&one).Elem().Field(n).Set(list.Slice(k, k+1))
				if _, err := receiver.BuildReceiverIntegrations(one, c.templates, l.options.Logger); err != nil {
					problems = append(problems, fmt.Errorf("receivers: receiver %q: %w", one.Name, c.secrets.hide(err)))
					continue
				}
				good = reflect.Append(good, list.Index(k))
			}
			list.Set(good)
		}
	}
	return problems
}

// notNamed returns the errors that mention none of the files, which were already reported.
func notNamed(problems []error, files []string) (rest []error) {
	for _, p := range problems {
		named := false
		for _, file := range files {
			named = named || strings.Contains(p.Error(), file)
		}
		if !named {
			rest = append(rest, p)
		}
	}
	return rest
}
