package loki

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/grafana/loki/v3/pkg/loki"
	"go.yaml.in/yaml/v3"
	yamlv2 "gopkg.in/yaml.v2"

	"github.com/ausguck/ausguck/internal/problem"
)

// oldKey is a setting of older Lokis. It is left out with a warning, because logs are stored and found without it.
type oldKey struct {
	path    string // dotted; "*" stands for one segment
	instead string
}

var oldKeys = []oldKey{
	{"ingester.max_transfer_retries", "remove it: the write-ahead log replaces it"},
	{"ingester.flush_on_shutdown_with_wal_enabled", "write ingester.wal.flush_on_shutdown"},
	{"ingester.unordered_writes", "remove it: out-of-order writes are always accepted"},
	{"ingester.wal.recover", "remove it: the write-ahead log is always recovered"},
	{"ingester.max_returned_stream_errors", "remove it"},
	{"querier.engine.timeout", "write limits_config.query_timeout"},
	{"querier.query_timeout", "write limits_config.query_timeout"},
	{"query_range.split_queries_by_interval", "write limits_config.split_queries_by_interval"},
	{"query_range.forward_headers_list", "remove it"},
	{"query_range.results_cache.max_freshness", "write limits_config.max_cache_freshness_per_query"},
	{"frontend.cache_split_interval", "write limits_config.split_queries_by_interval"},
	{"frontend.forward_headers_list", "remove it"},
	{"frontend_worker.parallelism", "write querier.max_concurrent"},
	{"frontend_worker.match_max_concurrent", "write querier.max_concurrent"},
	{"chunk_store_config.max_look_back_period", "write limits_config.max_query_lookback"},
	{"storage_config.boltdb_shipper.shared_store", "remove it: object_store in schema_config sets it"},
	{"storage_config.boltdb_shipper.shared_store_key_prefix", "write index.path_prefix in schema_config"},
	{"storage_config.boltdb_shipper.use_boltdb_shipper_as_backup", "remove it"},
	{"storage_config.tsdb_shipper.shared_store", "remove it: object_store in schema_config sets it"},
	{"storage_config.tsdb_shipper.shared_store_key_prefix", "write index.path_prefix in schema_config"},
	{"storage_config.tsdb_shipper.use_boltdb_shipper_as_backup", "remove it"},
	{"storage_config.aws.sse_encryption", "write sse.type: SSE-S3 is the default"},
	{"common.storage.s3.sse_encryption", "write sse.type: SSE-S3 is the default"},
	{"common.storage.filesystem.admin_api_directory", "remove it"},
	{"ruler.storage.s3.sse_encryption", "write sse.type: SSE-S3 is the default"},
	{"ruler.evaluation_delay_duration", "remove it"},
	{"ruler.wal_cleaner.min_age", "remove it"},
	{"compactor.shared_store", "remove it: schema_config sets it; compactor.delete_request_store sets where delete requests are stored"},
	{"compactor.shared_store_key_prefix", "write compactor.delete_request_store_key_prefix"},
	{"compactor.deletion_mode", "write limits_config.deletion_mode"},
	{"compactor.async_cache_write_back_concurrency", "remove it"},
	{"compactor.async_cache_write_back_buffer_size", "remove it"},
	{"limits_config.enforce_metric_name", "remove it"},
	{"limits_config.ruler_evaluation_delay_duration", "remove it"},
	{"limits_config.bloom_compactor_enable_compaction", "write limits_config.bloom_creation_enabled"},
	{"limits_config.bloom_compactor_shard_size", "remove it"},
	{"limits_config.max_entries_limit", "write limits_config.max_entries_limit_per_query"},
	{"*.*.cache.enable_fifocache", "write embedded_cache with enabled: true"},
	{"*.*.cache.fifocache", "write embedded_cache with enabled: true and max_size_mb"},
	{"*.*.enable_fifocache", "write embedded_cache with enabled: true"},
	{"*.*.fifocache", "write embedded_cache with enabled: true and max_size_mb"},
	{"bloom_compactor", "write bloom_build"},
	{"legacy-read-mode", "remove it"},
	{"bloom_gateway.worker_concurrency", "remove it"},
	{"memberlist.bind_addr_legacy", "remove it"},
}

// unknownKey matches the YAML library's error about an unknown field.
var unknownKey = regexp.MustCompile(`^line (\d+): field (\S+) not found in type \S+$`)

// dropOldKeys finds keys that Loki does not know: those that older Lokis knew are left out with a warning, all others
// are problems.
func (c *Config) dropOldKeys(src Source) (document, []error) {
	var doc document
	if err := yaml.Unmarshal(src.Content, &doc.root); err != nil {
		return doc, problem.Describe(src.Name, err)
	}
	if n := doc.root.Content; len(n) > 0 && n[0].Kind != yaml.MappingNode {
		return doc, []error{fmt.Errorf("%s:%d: must be a section with fields, not %s", src.Name, n[0].Line, n[0].Value)}
	}
	err := yamlv2.UnmarshalStrict(src.Content, &loki.ConfigWrapper{})
	var typeErr *yamlv2.TypeError
	if err == nil {
		return doc, nil
	}
	if !errors.As(err, &typeErr) {
		return doc, problem.Describe(src.Name, err)
	}
	var problems []error
	for _, text := range typeErr.Errors {
		m := unknownKey.FindStringSubmatch(text)
		if m == nil {
			problems = append(problems, doc.located(src.Name, []string{text})...)
			continue
		}
		line, _ := strconv.Atoi(m[1])
		path := doc.pathAt(line, m[2])
		i := slices.IndexFunc(oldKeys, func(k oldKey) bool { return k.matches(path) })
		if i < 0 {
			problems = append(problems, fmt.Errorf("%s:%d: %s: unknown field", src.Name, line, path))
			continue
		}
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s:%d: %s has no effect, because Loki 3.7 does not support it: %s", src.Name, line, path, oldKeys[i].instead))
		doc.remove(path)
	}
	return doc, problems
}

func (k oldKey) matches(path string) bool {
	want, have := strings.Split(k.path, "."), strings.Split(path, ".")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != have[i] {
			return false
		}
	}
	return true
}
