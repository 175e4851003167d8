package promserver

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/util/logging"
	"github.com/prometheus/prometheus/util/notifications"
)

// reloader is one engine that applies a new configuration.
type reloader struct {
	name  string
	apply func(*Config) error
}

// reloaders lists the engines to reload, in the order of cmd/prometheus: scrape and notifier come before
// their discovery, since they need the new jobs when the new targets arrive.
func (e *engines) reloaders() []reloader {
	upstream := func(f func(*config.Config) error) func(*Config) error {
		return func(c *Config) error { return f(c.Config) }
	}
	return []reloader{
		{"storage", upstream(e.storage.applyConfig)},
		{"remote_storage", upstream(e.remote.ApplyConfig)},
		{"web_handler", upstream(e.web.ApplyConfig)},
		{"query_engine", e.applyQueryLog},
		{"scrape", upstream(e.applyScrape)},
		{"scrape_sd", e.applyScrapeDiscovery},
		{"notify", upstream(e.notify.ApplyConfig)},
		{"notify_sd", e.applyNotifyDiscovery},
		{"rules", e.applyRules},
		{"tracing", upstream(e.tracing.ApplyConfig)},
		{"runtime", e.applyRuntime},
	}
}

// apply passes cfg to every engine and returns the errors of all of them.
func (e *engines) apply(cfg *Config) error {
	defer e.storage.changes.everything() // for example, subqueries without a step use the evaluation interval
	var errs []error
	for _, r := range e.reloaders() {
		if err := r.apply(cfg); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}

func (e *engines) applyQueryLog(cfg *Config) error {
	if cfg.GlobalConfig.QueryLogFile == "" {
		e.query.SetQueryLogger(nil)
		return nil
	}
	l, err := logging.NewJSONFileLogger(cfg.GlobalConfig.QueryLogFile)
	if err != nil {
		return fmt.Errorf("open query_log_file: %w", err)
	}
	e.query.SetQueryLogger(l)
	return nil
}

func (e *engines) applyScrapeDiscovery(cfg *Config) error {
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		return err
	}
	sd := make(map[string]discovery.Configs, len(jobs))
	for _, job := range jobs {
		sd[job.JobName] = withLowestPorts(job.ServiceDiscoveryConfigs)
	}
	return e.scrapeSD.ApplyConfig(sd)
}

func (e *engines) applyNotifyDiscovery(cfg *Config) error {
	sd := map[string]discovery.Configs{}
	for name, am := range cfg.AlertingConfig.AlertmanagerConfigs.ToMap() {
		sd[name] = am.ServiceDiscoveryConfigs
	}
	return e.notifySD.ApplyConfig(sd)
}

func (e *engines) applyRules(cfg *Config) error {
	e.ruleQueryOffset.Store(int64(cfg.GlobalConfig.RuleQueryOffset))
	e.ruleFiles.use(cfg.rules)
	return e.rules.Update(time.Duration(cfg.GlobalConfig.EvaluationInterval), cfg.RulePaths(),
		cfg.GlobalConfig.ExternalLabels, e.set.externalURL.String(), nil)
}

// RulePaths returns the loaded rule files, sorted.
func (c *Config) RulePaths() []string {
	paths := make([]string, 0, len(c.rules))
	for path := range c.rules {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// applyRuntime sets GOGC as upstream does; the runtime API shows the environment variable.
func (e *engines) applyRuntime(cfg *Config) error {
	gogc := cfg.Runtime.GoGC
	if old := debug.SetGCPercent(gogc); old != gogc {
		e.logger.Info("GOGC updated", "old", old, "new", gogc)
	}
	e.subqueryInterval.Store(time.Duration(cfg.GlobalConfig.EvaluationInterval).Milliseconds())
	shown := "off"
	if gogc >= 0 {
		shown = strconv.Itoa(gogc)
	}
	return os.Setenv("GOGC", shown)
}

func (e *engines) registerReloadMetrics(reg prometheus.Registerer) {
	e.reloadSuccessful = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "prometheus_config_last_reload_successful",
		Help: "Whether the last configuration reload attempt was successful.",
	})
	e.reloadTime = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "prometheus_config_last_reload_success_timestamp_seconds",
		Help: "Timestamp of the last successful configuration reload.",
	})
	reg.MustRegister(e.reloadSuccessful, e.reloadTime)
	// The configuration was checked before this, and a replay may take a long time.
	e.reloadSuccessful.Set(1)
	e.reloadTime.SetToCurrentTime()
}

func (e *engines) reportReload(err error) {
	if err != nil {
		e.reloadSuccessful.Set(0)
		e.notifications.AddNotification(notifications.ConfigurationUnsuccessful)
		return
	}
	e.reloadSuccessful.Set(1)
	e.reloadTime.SetToCurrentTime()
	e.notifications.DeleteNotification(notifications.ConfigurationUnsuccessful)
}

// applyScrape passes the jobs to the scrape manager, which would otherwise read scrape_config_files itself.
func (e *engines) applyScrape(cfg *config.Config) error {
	capped, err := withCappedFiles(cfg)
	if err != nil {
		return err
	}
	return e.scrape.ApplyConfig(capped)
}
