package loki

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func loadStores(t *testing.T, file string) (*Config, Options) {
	t.Helper()
	o := Options{Logger: slog.New(slog.DiscardHandler), Dir: filepath.Join(t.TempDir(), "loki")}
	cfg, problems := LoadConfig(o, Source{Name: "loki.yml", Content: []byte(file)})
	require.Empty(t, problems, file)
	return cfg, o
}

// S3 has ten seconds to begin a response with each of Loki's clients, unless the file says otherwise.
func TestS3ResponseTimeout(t *testing.T) {
	for file, response := range map[string]func(c *Config) time.Duration{
		"common: {storage: {s3: {bucketnames: b, region: r%s}}}": func(c *Config) time.Duration {
			return c.StorageConfig.AWSStorageConfig.HTTPConfig.ResponseHeaderTimeout
		},
		"storage_config: {aws: {bucketnames: b, region: r%s}}": func(c *Config) time.Duration {
			return c.StorageConfig.AWSStorageConfig.HTTPConfig.ResponseHeaderTimeout
		},
		"storage_config: {named_stores: {aws: {first: {bucketnames: b%s}}}}": func(c *Config) time.Duration {
			return c.StorageConfig.NamedStores.AWS["first"].HTTPConfig.ResponseHeaderTimeout
		},
		"ruler: {storage: {type: s3, s3: {bucketnames: b%s}}}": func(c *Config) time.Duration {
			return c.Ruler.StoreConfig.S3.HTTPConfig.ResponseHeaderTimeout
		},
		"common: {storage: {s3: {bucketnames: rules, region: r%s}}}": func(c *Config) time.Duration {
			return c.Ruler.StoreConfig.S3.HTTPConfig.ResponseHeaderTimeout
		},
	} {
		for option, want := range map[string]time.Duration{
			"": 10 * time.Second, ", http_config: {response_header_timeout: 0s}": 0, ", http_config: {response_header_timeout: 1m}": time.Minute,
		} {
			cfg, _ := loadStores(t, fmt.Sprintf(file, option))
			require.Equal(t, want, response(cfg), file+option)
		}
	}
	for file, response := range map[string]func(c *Config) time.Duration{
		"storage_config: {use_thanos_objstore: true, object_store: {s3: {bucket_name: b%s}}}": func(c *Config) time.Duration {
			return c.StorageConfig.ObjectStore.S3.HTTP.ResponseHeaderTimeout
		},
		"{storage_config: {use_thanos_objstore: true}, common: {storage: {object_store: {s3: {bucket_name: b%s}}}}}": func(c *Config) time.Duration {
			return c.StorageConfig.ObjectStore.S3.HTTP.ResponseHeaderTimeout
		},
		"storage_config: {use_thanos_objstore: true, object_store: {named_stores: {s3: {first: {bucket_name: b%s}}}}}": func(c *Config) time.Duration {
			return c.StorageConfig.ObjectStore.NamedStores.S3["first"].HTTP.ResponseHeaderTimeout
		},
		"{storage_config: {use_thanos_objstore: true}, ruler_storage: {backend: s3, s3: {bucket_name: b%s}}}": func(c *Config) time.Duration {
			return c.RulerStorage.S3.HTTP.ResponseHeaderTimeout
		},
	} {
		for option, want := range map[string]time.Duration{
			"": 10 * time.Second, ", http: {response_header_timeout: 0s}": 0, ", http: {response_header_timeout: 1m}": time.Minute,
		} {
			cfg, _ := loadStores(t, fmt.Sprintf(file, option))
			require.Equal(t, want, response(cfg), file+option)
		}
	}
}

// With either set of clients, chunks and rules in files are where the file says, and otherwise in the storage folder.
func TestFilesOfStores(t *testing.T) {
	const thanos = "storage_config: {use_thanos_objstore: true}\n"
	for file, want := range map[string]struct{ chunks, rules, warning string }{
		"":                     {"chunks", "rules", ""},
		thanos:                 {"chunks", "rules", ""},
		"storage_config: {}\n": {"chunks", "rules", ""},
		"storage_config: {filesystem: {directory: data/loki/lines}}\n":                                         {"lines", "rules", ""},
		"storage_config: {use_thanos_objstore: true, object_store: {filesystem: {dir: data/loki/lines}}}\n":    {"lines", "rules", ""},
		"storage_config: {use_thanos_objstore: true, filesystem: {directory: data/loki/lines}}\n":              {"lines", "rules", ""},
		thanos + "common: {storage: {filesystem: {chunks_directory: data/loki/lines}}}\n":                      {"lines", "rules", ""},
		thanos + "ruler_storage: {backend: local, local: {directory: data/loki/mine}}\n":                       {"chunks", "mine", ""},
		thanos + "ruler: {storage: {type: local, local: {directory: data/loki/mine}}}\n":                       {"chunks", "rules", "write `ruler_storage"},
		"storage_config: {}\nruler: {storage: {type: local, local: {directory: data/loki/mine}}}\n":            {"chunks", "mine", ""},
		"storage_config: {use_thanos_objstore: false}\nruler: {storage: {type: s3, s3: {bucketnames: rules}}}": {"chunks", "", ""},
	} {
		cfg, o := loadStores(t, file)
		require.Equal(t, filepath.Join(o.Dir, want.chunks), chunkFolder(cfg), file)
		store := cfg.ruleStore()
		if want.rules == "" {
			require.Equal(t, "s3", store.kind, file)
		} else {
			require.Equal(t, "local", store.kind, file)
			require.Equal(t, filepath.Join(o.Dir, want.rules), *store.dir, file)
		}
		if want.warning == "" {
			require.Empty(t, cfg.Warnings, file)
		} else {
			require.Contains(t, fmt.Sprint(cfg.Warnings), want.warning, file)
		}
	}
}
