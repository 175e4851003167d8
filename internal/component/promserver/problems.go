package promserver

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/file"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/problem"
)

// locate turns the error of config.Load into the list of all problems in the file.
func locate(src Source, whole error) []error {
	return problem.Locate(src.file(), whole, func(content string) error {
		_, err := config.Load(content, slog.New(slog.DiscardHandler))
		return err
	}, "global")
}

func (s Source) file() problem.File { return problem.File{Name: s.Name, Content: s.Content} }

// rulePatterns returns the rule files named by a file that does not load as a whole.
func rulePatterns(src Source) []string {
	var doc struct {
		RuleFiles yaml.Node `yaml:"rule_files"`
	}
	var patterns []string
	if yaml.Unmarshal(src.Content, &doc) != nil || doc.RuleFiles.Decode(&patterns) != nil {
		return nil
	}
	for i, p := range patterns {
		patterns[i] = commonconfig.JoinDir(src.Dir, p)
	}
	return patterns
}

// leaveOutClients reports HTTP client settings from which no client can be created: upstream then scrapes nothing for
// such a job, and exits for the other sections, which are therefore left out of cfg. An unreadable secret is a warning:
// upstream reads it for each request, so that the job is down with that reason until the file exists.
func leaveOutClients(src Source, cfg *config.Config, jobs []*config.ScrapeConfig) (problems []error, warnings []string) {
	usable := func(where string, c commonconfig.HTTPClientConfig) bool {
		for _, file := range secretFiles(c) {
			if err := unreadable(src, where, file); err != nil {
				warnings = append(warnings, err.Error()+"; requests of this client fail until the file exists")
			}
		}
		found := len(problems)
		for _, file := range []string{c.TLSConfig.CAFile, c.TLSConfig.CertFile, c.TLSConfig.KeyFile} {
			if err := unreadable(src, where, file); err != nil {
				problems = append(problems, err)
			}
		}
		if len(problems) > found {
			return false
		}
		if _, err := commonconfig.NewClientFromConfig(c, where); err != nil {
			problems = append(problems, problem.At(src.file(), "tls_config", fmt.Errorf("%s: %w", where, err)))
			return false
		}
		return true
	}
	for _, c := range jobs {
		usable(fmt.Sprintf("scrape_configs: job_name %q", c.JobName), c.HTTPClientConfig)
	}
	cfg.AlertingConfig.AlertmanagerConfigs = filter(cfg.AlertingConfig.AlertmanagerConfigs, func(i int, c *config.AlertmanagerConfig) bool {
		return usable("alerting: alertmanagers["+strconv.Itoa(i)+"]", c.HTTPClientConfig)
	})
	cfg.RemoteWriteConfigs = filter(cfg.RemoteWriteConfigs, func(i int, c *config.RemoteWriteConfig) bool {
		return usable("remote_write["+strconv.Itoa(i)+"]", c.HTTPClientConfig)
	})
	cfg.RemoteReadConfigs = filter(cfg.RemoteReadConfigs, func(i int, c *config.RemoteReadConfig) bool {
		return usable("remote_read["+strconv.Itoa(i)+"]", c.HTTPClientConfig)
	})
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	slices.Sort(warnings)
	return problems, warnings
}

func filter[T any](all []T, keep func(int, T) bool) (kept []T) {
	for i, c := range all {
		if keep(i, c) {
			kept = append(kept, c)
		}
	}
	return kept
}

func unreadable(src Source, where, file string) error {
	if file == "" {
		return nil
	}
	if err := problem.Readable(file); err != nil {
		return problem.At(src.file(), filepath.Base(file), fmt.Errorf("%s: %w", where, err))
	}
	return nil
}

// leaveOutJobFiles returns all jobs. Files of scrape_config_files that cannot be read, or that repeat a job name, are
// left out of cfg, and the reasons are returned.
func leaveOutJobFiles(src Source, cfg *config.Config) (jobs []*config.ScrapeConfig, problems []error) {
	jobs, err := cfg.GetScrapeConfigs()
	if err == nil {
		return jobs, nil
	}
	jobs = cfg.ScrapeConfigs
	patterns := cfg.ScrapeConfigFiles
	cfg.ScrapeConfigFiles = nil
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: scrape_config_files: %q: %w", src.Name, pattern, err))
		}
		for _, file := range files {
			before := cfg.ScrapeConfigFiles
			cfg.ScrapeConfigFiles = append(before[:len(before):len(before)], file)
			more, err := cfg.GetScrapeConfigs()
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: scrape_config_files: %w", src.Name, err))
				cfg.ScrapeConfigFiles = before
				continue
			}
			jobs = more
		}
	}
	return jobs, problems
}

func secretFiles(c commonconfig.HTTPClientConfig) []string {
	files := []string{c.BearerTokenFile}
	if c.BasicAuth != nil {
		files = append(files, c.BasicAuth.PasswordFile, c.BasicAuth.UsernameFile)
	}
	if c.Authorization != nil {
		files = append(files, c.Authorization.CredentialsFile)
	}
	if c.OAuth2 != nil {
		files = append(files, c.OAuth2.ClientSecretFile)
	}
	return files
}

// emptyDiscovery warns about missing target files, which may be created later.
func emptyDiscovery(src Source, cfg *config.Config) (warnings []string) {
	for _, job := range cfg.ScrapeConfigs {
		for _, sd := range job.ServiceDiscoveryConfigs {
			files, ok := sd.(*file.SDConfig)
			if !ok {
				continue
			}
			for _, pattern := range files.Files {
				if found, err := filepath.Glob(pattern); err == nil && len(found) == 0 {
					warnings = append(warnings, fmt.Sprintf("%s: scrape_configs: job_name %q: file_sd_configs: no file matches %s", src.Name, job.JobName, pattern))
				}
			}
		}
	}
	return warnings
}

// emptyPatterns warns about patterns in a list of the file that match nothing.
func emptyPatterns(src Source, field string, patterns []string, what string) (warnings []string) {
	for _, pattern := range patterns {
		if found, err := filepath.Glob(pattern); err == nil && len(found) == 0 {
			warnings = append(warnings, fmt.Sprintf("%s: %s: no file matches %s, so no %s is loaded from it", src.Name, field, pattern, what))
		}
	}
	return warnings
}
