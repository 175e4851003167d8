package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/atomicfile"
	"github.com/ausguck/ausguck/internal/confpath"
	"github.com/ausguck/ausguck/internal/yamledit"
	"github.com/ausguck/ausguck/monitoring"
)

const (
	rulesFolder  = "rules/"
	rulesPattern = "rules/*.rules.yml"
)

// probePath is the path of jobs that probe their targets instead of scraping them.
const probePath = "/probe"

// prometheusConfig has the fields of a prometheus.yml that AddToConfig uses.
type prometheusConfig struct {
	RuleFiles     []string  `yaml:"rule_files"`
	Alerting      yaml.Node `yaml:"alerting"`
	ScrapeConfigs []struct {
		Name   string    `yaml:"job_name"`
		Path   string    `yaml:"metrics_path"`
		Docker yaml.Node `yaml:"docker_sd_configs"`
	} `yaml:"scrape_configs"`
}

// AddToConfig adds items of the built-in prometheus.yml to the one in dir: "rules", or jobs by name. It returns a line for each
// item that it added or found. The existing content of the file is not changed; if one item cannot be added, none is.
func AddToConfig(dir string, what []string) (done []string, err error) {
	target := filepath.Join(dir, "prometheus.yml")
	content, err := os.ReadFile(target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist, so the built-in prometheus.yml is used, which has all of that; `ausguck init %s` writes it", target, dir)
	}
	if err != nil {
		return nil, err
	}
	var theirs prometheusConfig
	if err := yaml.Unmarshal(content, &theirs); err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	ours, err := fs.ReadFile(monitoring.Files, "prometheus.yml")
	if err != nil {
		return nil, err
	}
	changed, rules := content, false
	for _, name := range what {
		var more []string
		switch name {
		case "rules":
			rules = true
			changed, more, err = addRules(changed, ours, theirs, dir)
		default:
			changed, more, err = addJob(changed, ours, theirs, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", target, err)
		}
		for _, line := range more {
			done = append(done, target+": "+line)
		}
	}
	if rules {
		written, err := writeRules(dir)
		if err != nil {
			return nil, err
		}
		done = append(done, written...)
	}
	if string(changed) == string(content) {
		return done, nil
	}
	return done, replaceFile(target, changed)
}

// addRules adds the built-in rules, and the Alertmanager if the file has none: without one, nobody is notified of alerts.
func addRules(content, ours []byte, theirs prometheusConfig, dir string) ([]byte, []string, error) {
	var done []string
	example := filepath.Join(dir, rulesFolder, "host.rules.yml")
	covered := slices.ContainsFunc(theirs.RuleFiles, func(pattern string) bool {
		here := confpath.Here(pattern, dir)
		if !filepath.IsAbs(here) && here == pattern {
			here = filepath.Join(dir, pattern)
		}
		matches, err := filepath.Match(filepath.Clean(here), example)
		return err == nil && matches
	})
	if covered {
		done = append(done, "rule_files contains the built-in rules already")
	} else {
		var err error
		if content, err = appended(content, "rule_files", "- "+rulesPattern+"\n"); err != nil {
			return nil, nil, err
		}
		done = append(done, "added "+rulesPattern+" to rule_files")
	}
	if !theirs.Alerting.IsZero() {
		return content, done, nil
	}
	section, _ := yamledit.Section(ours, "alerting")
	content, err := yamledit.AddSection(content, section)
	if err != nil {
		return nil, nil, fmt.Errorf("add this section to it:\n\n%s", section)
	}
	return content, append(done, "added alerting with the built-in Alertmanager"), nil
}

func addJob(content, ours []byte, theirs prometheusConfig, name string) ([]byte, []string, error) {
	var names []string
	job, ok := yamledit.Item(ours, "scrape_configs", func(item *yaml.Node) bool {
		var c struct {
			Name string `yaml:"job_name"`
		}
		_ = item.Decode(&c) // a test adds each of them
		names = append(names, c.Name)
		return c.Name == name
	})
	if !ok {
		return nil, nil, fmt.Errorf("%q cannot be added; choose from rules, %s", name, strings.Join(names, ", "))
	}
	for _, have := range theirs.ScrapeConfigs {
		if have.Name == name {
			return content, []string{"the job " + name + " exists already"}, nil
		}
		if name == "containers" && !have.Docker.IsZero() && have.Path != probePath {
			return content, []string{"the job " + have.Name + " discovers containers already"}, nil
		}
	}
	content, err := appended(content, "scrape_configs", job)
	if err != nil {
		return nil, nil, err
	}
	return content, []string{"added the job " + name}, nil
}

func appended(content []byte, key, items string) ([]byte, error) {
	changed, err := yamledit.Append(content, key, items)
	if errors.Is(err, yamledit.ErrStyle) {
		return nil, fmt.Errorf("%s cannot be extended automatically, so nothing was changed; add this to it:\n\n%s", key, items)
	}
	return changed, err
}

// writeRules writes the built-in rule files that are missing in dir.
func writeRules(dir string) (written []string, err error) {
	names, err := builtInFiles()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, rulesFolder) || fileExists(filepath.Join(dir, filepath.FromSlash(name))) {
			continue
		}
		target, err := writeBuiltIn(dir, name)
		if err != nil {
			return written, err
		}
		written = append(written, target)
	}
	return written, nil
}

// replaceFile replaces the content of a file. The file keeps its mode and owner, and symbolic links to it stay valid.
func replaceFile(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(path, content, info.Mode().Perm()); err != nil {
		return err
	}
	if uid, gid, ok := ownerOf(info); ok && os.Geteuid() == 0 {
		return os.Chown(path, uid, gid)
	}
	return nil
}
