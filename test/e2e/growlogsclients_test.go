package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// storedIn is the part of loki.yml that stores all lines in an object store.
func storedIn(name string) string {
	return "\nschema_config: {configs: [{from: 2024-04-01, store: tsdb, object_store: " + name + ", schema: v13, index: {prefix: index_, period: 24h}}]}\n"
}

// Each way in which Loki's files name an S3 works: lines are written to the bucket, and another host reads them from it and evaluates the
// built-in rules.
func TestGrowLogsClientsOfS3(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	store := startObjectStore(t, network, "aws", "common", "named", "thanos")
	host := network.host(t, 1)
	begin := time.Now()
	const keys = "access_key_id: " + objectKey + ", secret_access_key: " + objectSecret + ", region: us-east-1"
	const aws = keys + `, s3forcepathstyle: true, endpoint: "http://10.0.0.9:9000"`
	const address = "http://" + objectKey + ":" + objectSecret + "@10.0.0.9:9000/aws"
	for bucket, file := range map[string]string{
		"aws": `storage_config: {aws: {s3: "` + address + `", s3forcepathstyle: true, region: us-east-1}}` + storedIn("s3"),
		"common": `common: {storage: {s3: {bucketnames: common, ` + aws + `}}}
ruler: {storage: {type: local, local: {directory: data/loki/rules}}}` + storedIn("s3"),
		"named":  `storage_config: {named_stores: {aws: {first: {bucketnames: named, ` + aws + `}}}}` + storedIn("first"),
		"thanos": `storage_config: {use_thanos_objstore: true, object_store: {s3: {bucket_name: thanos, ` + keys + `, endpoint: "10.0.0.9:9000", insecure: true}}}` + storedIn("s3"),
	} {
		config := configDir(t, map[string]string{"prometheus.yml": quietConfig, "loki.yml": file})
		s := host.reachable(t, config, t.TempDir(), metricsOnly...)
		s.waitReady(t, time.Minute)
		code, answer := s.pushJob(t, "grow", time.Now(), "id="+bucket)
		require.Equal(t, http.StatusNoContent, code, bucket+": "+answer)
		s.flush(t, host)
		eventually(t, time.Minute, func() error {
			return errUnless(len(store.objects(t, bucket, "fake/")) == 1, "%s: chunks: %v", bucket, store.objects(t, bucket, "fake/"))
		})
		s.stop(t) // writes the index

		s = host.reachable(t, config, t.TempDir(), metricsOnly...)
		s.waitReady(t, time.Minute)
		require.Equal(t, map[string]int{bucket: 1}, s.entries(t, `{job="grow"}`, begin, time.Now()))
		require.Contains(t, s.get(t, "/loki/api/v1/rules"), "LogErrorSurge", bucket)
		require.Equal(t, 1.0, metric(s.get(t, "/metrics"), "ausguck_loki_object_store_up"), bucket)
		s.stop(t)
	}
}

// LogQL rules in the bucket are read again after S3 hung, although it never answers the requests of that time.
func TestGrowLogsRulesInS3(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	store := startObjectStore(t, network, "logs")
	host := network.host(t, 1)
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig, "loki.yml": `common: {storage: {s3: {bucketnames: logs, endpoint: "http://10.0.0.9:9000", s3forcepathstyle: true, region: us-east-1, access_key_id: ` +
		objectKey + `, secret_access_key: ` + objectSecret + "}}}\nruler: {poll_interval: 1s}" + storedIn("s3")})
	s := host.reachable(t, config, t.TempDir(), metricsOnly...)
	s.waitReady(t, time.Minute)
	waitRule := func(name string) {
		t.Helper()
		status, body := s.do(t, http.MethodPost, "/loki/api/v1/rules/grow", nil, "{name: "+name+", interval: 1s, rules: [{alert: "+name+", expr: 'sum(count_over_time({job=\"grow\"}[1m])) > 0'}]}")
		require.Equal(t, http.StatusAccepted, status, body)
		eventually(t, time.Minute, func() error {
			answer := s.get(t, "/prometheus/api/v1/rules")
			return errUnless(strings.Contains(answer, name), "%s is not loaded: %s", name, answer)
		})
	}
	waitRule("Before")
	store.fail(gateHangs)
	defer close(store.ended)
	eventually(t, time.Minute, func() error {
		query, _ := store.hung.Load().(string)
		return errUnless(strings.Contains(query, "prefix=rules"), "the ruler does not ask; the last request: %s", query)
	})
	store.mode.Store(gateOpen)
	waitRule("After")
	s.stop(t)
}
