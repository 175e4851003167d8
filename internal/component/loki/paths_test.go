package loki

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// The configuration file in Loki's own image and documentation keeps everything in /tmp/loki: it was lost with the
// container, could not be written if the root is read-only, and hid the data that migrate had imported.
func TestPassingPathsGoToTheStorageFolder(t *testing.T) {
	const schema = "\nschema_config: {configs: [{from: 2024-04-01, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]}"
	own := filepath.Join(t.TempDir(), "storage", "loki")
	for name, c := range map[string]struct {
		file   string
		warned bool
		want   map[string]string // by purpose
	}{
		"stock": {
			"common: {path_prefix: /tmp/loki, storage: {filesystem: {chunks_directory: /tmp/loki/chunks, rules_directory: /tmp/loki/rules}}}" + schema,
			true, map[string]string{"chunks": "chunks", "wal": "wal", "compactor": "compactor", "index": "tsdb-shipper-active", "rules": "rules"},
		},
		"another folder in /tmp": {
			"common: {path_prefix: /tmp/logs, storage: {filesystem: {chunks_directory: /tmp/logs/chunks}}}\ncompactor: {working_directory: /tmp/loki/retention}" + schema,
			true, map[string]string{"chunks": "chunks", "wal": "wal", "compactor": "retention"},
		},
		"only one of them": {"ingester: {wal: {dir: /tmp/wal}}" + schema, true, map[string]string{"chunks": "chunks", "wal": "wal", "compactor": "compactor"}},
		"the image's":      {"common: {path_prefix: /loki, storage: {filesystem: {chunks_directory: /loki/chunks}}}" + schema, true, map[string]string{"chunks": "chunks", "wal": "wal"}},
		"not to be made":   {"common: {path_prefix: /dev/null/loki, storage: {filesystem: {chunks_directory: /dev/null/loki/chunks}}}" + schema, false, map[string]string{"chunks": "chunks", "wal": "wal"}},
		"none":             {"", false, map[string]string{"chunks": "chunks", "wal": "wal"}},
		"within storage":   {"common: {path_prefix: " + own + "}", false, map[string]string{"wal": "wal"}},
		"relative":         {"common: {path_prefix: data/loki, storage: {filesystem: {chunks_directory: data/loki/chunks}}}" + schema, false, map[string]string{"chunks": "chunks", "wal": "wal"}},
		"kept elsewhere":   {"common: {path_prefix: /srv/loki, storage: {filesystem: {chunks_directory: /srv/loki/chunks}}}" + schema, false, map[string]string{"chunks": "/srv/loki/chunks", "wal": "/srv/loki/wal"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Dir: own}
			cfg, problems := LoadConfig(o, Source{Name: "loki.yml", Content: []byte(c.file)})
			require.Empty(t, problems)
			got := map[string]string{
				"chunks": cfg.StorageConfig.FSConfig.Directory, "wal": cfg.Ingester.WAL.Dir, "compactor": cfg.CompactorConfig.WorkingDirectory,
				"index": cfg.StorageConfig.TSDBShipperConfig.ActiveIndexDirectory, "rules": cfg.Ruler.StoreConfig.Local.Directory,
			}
			for what, want := range c.want {
				if !filepath.IsAbs(want) {
					want = filepath.Join(own, want)
				}
				require.Equal(t, want, got[what], what)
			}
			require.Equal(t, c.warned, strings.Contains(fmt.Sprint(cfg.Warnings), "would be lost"), cfg.Warnings)
			if c.warned {
				for _, path := range cfg.paths() {
					require.True(t, passingRoot(*path) == "" || isBelow(*path, filepath.Dir(own)), *path)
				}
			}
		})
	}
}

// A configured rule folder that does not exist, or is empty, causes a warning: otherwise missing alerts would go
// unnoticed.
func TestFoldersOfRules(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "rules", "fake"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "empty"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules", "fake", "a.yml"), []byte("groups: [{name: g, rules: [{alert: A, expr: 'sum(rate({a=\"b\"}[1m])) > 1'}]}]"), 0o644))
	for folder, want := range map[string]string{
		"rules":                     "",
		"/etc/loki/rules":           "paths of the official container are not here",
		"/etc/loki/empty":           "ruler: no file matches " + filepath.Join(dir, "empty/*/*") + ", so no LogQL rule is loaded; Loki reads one folder per tenant",
		"/etc/loki/none":            "ruler: folder " + filepath.Join(dir, "none") + " does not exist, so no LogQL rule is loaded from it",
		"none":                      "ruler: folder " + filepath.Join(dir, "none") + " does not exist",
		"/loki/rules":               "would be lost with the container",
		"/dev/null/rules":           "ruler: folder /dev/null/rules does not exist", // rules are only read
		filepath.Join(dir, "rules"): "",
	} {
		t.Run(folder, func(t *testing.T) {
			o := Options{Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), Dir: filepath.Join(t.TempDir(), "loki")}
			cfg, problems := LoadConfig(o, Source{Name: "loki.yml", Dir: dir, Content: []byte("ruler: {storage: {type: local, local: {directory: " + folder + "}}}\n")})
			require.Empty(t, problems)
			if want == "" {
				require.Empty(t, cfg.Warnings)
			} else {
				require.NotEmpty(t, cfg.Warnings)
				require.Contains(t, strings.Join(cfg.Warnings, "\n"), want)
			}
			if strings.HasSuffix(folder, "c/loki/rules") {
				require.Equal(t, filepath.Join(dir, "rules"), cfg.Ruler.StoreConfig.Local.Directory)
			}
		})
	}
}
