package loki

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/grafana/loki/v3/pkg/ruler"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/confpath"
	"github.com/ausguck/ausguck/internal/problem"
)

// checkRules reads every LogQL rule file below the ruler's folder, which has one folder per tenant as in Loki. A
// relative folder is next to the configuration file; one that does not exist is replaced by the storage folder,
// which can be created.
func (c *Config) checkRules(o Options, src Source) []error {
	store := c.ruleStore()
	if store.kind != "local" || *store.dir == "" {
		return nil
	}
	named := src.named(*store.dir)
	var moved confpath.Moved
	dir := moved.Here(*store.dir, src.Dir)
	if warning := moved.Warning(src.Name, src.Dir); warning != "" {
		c.Warnings = append(c.Warnings, warning)
	}
	if !filepath.IsAbs(dir) && !strings.HasPrefix(dir, c.Common.PathPrefix) {
		dir = filepath.Join(src.Dir, dir)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		if !filepath.IsAbs(*store.dir) {
			*store.dir = storedRules(c)
		}
		if named {
			c.warn("ruler: folder %s does not exist, so no LogQL rule is loaded from it", dir)
		}
		return nil
	}
	*store.dir = dir
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		return []error{fmt.Errorf("%s: %s.local.directory %s: %w", src.Name, store.key, dir, err)}
	}
	if len(files) == 0 && named {
		c.warn("ruler: no file matches %s, so no LogQL rule is loaded; Loki reads one folder per tenant, and the only tenant is called fake unless auth_enabled is set", filepath.Join(dir, "*", "*"))
	}
	var problems []error
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if name, err := filepath.Rel(storedRules(c), file); err == nil && o.buildsIn(name) {
			continue // our own copy, which is rewritten at startup
		}
		content, err := os.ReadFile(file)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: read rule file: %w", file, problem.Explain(err)))
			continue
		}
		problems = append(problems, CheckRules(problem.File{Name: file, Content: content})...)
	}
	return problems
}

// CheckRules returns all problems of a file of LogQL rules, each as "file:line: field: reason".
func CheckRules(f problem.File) []error {
	var groups rulefmt.RuleGroups
	decoder := yaml.NewDecoder(bytes.NewReader(f.Content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&groups); err != nil && !errors.Is(err, io.EOF) {
		return problem.Describe(f.Name, err)
	}
	var problems []error
	for _, g := range groups.Groups {
		wrong := 0
		for _, r := range g.Rules {
			if _, err := parseLogQL(r.Expr); err != nil {
				wrong++
				first, _, _ := strings.Cut(strings.TrimSpace(r.Expr), "\n")
				problems = append(problems, problem.At(f, first, fmt.Errorf("group %q, rule %q: expr: %w", g.Name, r.Record+r.Alert, err)))
			}
		}
		if wrong > 0 {
			continue // the following checks stop at the first expression that cannot be parsed
		}
		for _, err := range ruler.ValidateGroups(g) {
			problems = append(problems, problem.At(f, g.Name, err))
		}
	}
	return problems
}
