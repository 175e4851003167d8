package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Reload reads all files again and applies them, or changes nothing and returns every reason.
// Flags are not read again: they need a restart.
func (a *App) Reload() error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	err := a.reload()
	a.parts.prom.ReportReload(err)
	if a.parts.alerting != nil {
		a.parts.alerting.ReportReload(err)
	}
	if err != nil {
		a.options.Logger.Error("Configuration not reloaded; the one before stays", "err", err)
		return err
	}
	a.options.Logger.Info("Configuration reloaded")
	return nil
}

func (a *App) reload() error {
	// Each step that can fail comes before the first that changes something.
	cfg, problems := loadConfiguration(a.options, a.loaders, a.options.dockerHost())
	if len(problems) > 0 {
		return &ConfigError{Problems: problems}
	}
	a.logWarnings(cfg.warnings)
	before := a.parts.prom.Applied()
	if err := a.parts.prom.ApplyConfig(cfg.prometheus); err != nil {
		return err
	}
	if err := a.parts.dashboards.ApplyConfig(cfg.dashboards); err != nil {
		return errors.Join(fmt.Errorf("apply the configuration of dashboards: %w", err), a.parts.prom.ApplyConfig(before))
	}
	if a.parts.alerting != nil { // fails before its start only, where Prometheus's has failed
		if err := a.parts.alerting.ApplyConfig(cfg.alerting); err != nil {
			return err
		}
	}
	if err := a.parts.applyLogs(cfg); err != nil {
		return errors.Join(err, a.parts.prom.ApplyConfig(before))
	}
	return nil
}

// watchFiles reloads when a configuration file has changed, for --config.auto-reload.
func (a *App) watchFiles(ctx context.Context) {
	interval := max(time.Duration(a.options.AutoReloadInterval), time.Second)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	last := a.fingerprint()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now := a.fingerprint(); now != last {
			last = now
			_ = a.Reload() // logged there; the next change is another try
		}
	}
}

// fingerprint changes when prometheus.yml, a loaded rule file or a file in the configuration folder does.
func (a *App) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	o := a.options
	files := append([]string{o.PrometheusFile, o.AlertmanagerFile, o.Logs.LokiFile, o.Logs.PromtailFile}, a.parts.prom.Applied().RulePaths()...)
	if a.options.ConfigDir != "" {
		_ = filepath.WalkDir(a.options.ConfigDir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return nil
		})
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		h.Write([]byte(path))
		h.Write(content)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// logWarnings tells people what does not keep the configuration from working.
func (a *App) logWarnings(warnings []string) {
	for _, w := range warnings {
		a.options.Logger.Warn("Look at this in the configuration", "warning", w)
	}
}
