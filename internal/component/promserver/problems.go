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

// locate turns the error of config.Load into all problems of the file.
func locate(src Source, whole error) []error {
	return problem.Locate(src.file(), whole, func(content string) error {
		_, err := config.Load(content, slog.New(slog.DiscardHandler))
		return err
	}, "global")
}

func (s Source) file() problem.File { return problem.File{Name: s.Name, Content: s.Content} }

// rulePatterns returns the rule files that a file names which does not load as a whole.
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

// checkFiles reports the files named in HTTP client settings that cannot be read. A certificate is a problem, because
// upstream makes no client then. A secret is a warning: upstream reads it at each request, so its job is down with the reason until the
// file is there, and the others run.
func checkFiles(src Source, cfg *config.Config) (problems []error, warnings []string) {
	clients := map[string]commonconfig.HTTPClientConfig{}
	for _, c := range cfg.ScrapeConfigs {
		clients[fmt.Sprintf("scrape_configs: job_name %q", c.JobName)] = c.HTTPClientConfig
	}
	for i, c := range cfg.AlertingConfig.AlertmanagerConfigs {
		clients["alerting: alertmanagers["+strconv.Itoa(i)+"]"] = c.HTTPClientConfig
	}
	for i, c := range cfg.RemoteWriteConfigs {
		clients["remote_write["+strconv.Itoa(i)+"]"] = c.HTTPClientConfig
	}
	for i, c := range cfg.RemoteReadConfigs {
		clients["remote_read["+strconv.Itoa(i)+"]"] = c.HTTPClientConfig
	}
	unreadable := func(where, file string) error {
		if file == "" {
			return nil
		}
		err := problem.Readable(file)
		if err == nil {
			return nil
		}
		return problem.At(src.file(), filepath.Base(file), fmt.Errorf("%s: %w", where, err))
	}
	for where, c := range clients {
		for _, file := range []string{c.TLSConfig.CAFile, c.TLSConfig.CertFile, c.TLSConfig.KeyFile} {
			if err := unreadable(where, file); err != nil {
				problems = append(problems, err)
			}
		}
		for _, file := range secretFiles(c) {
			if err := unreadable(where, file); err != nil {
				warnings = append(warnings, err.Error()+"; requests of this client fail until the file is there")
			}
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	slices.Sort(warnings)
	return problems, warnings
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

// emptyDiscovery warns of files with targets that are not there, which may come later.
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
