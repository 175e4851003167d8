package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// quickStorage produces within seconds what takes a day in ordinary use: flushed chunks, a compacted index.
const quickStorage = `
limits_config: {reject_old_samples: false}
ingester: {chunk_idle_period: 1s, flush_check_period: 250ms, wal: {checkpoint_duration: 1s}}
compactor: {compaction_interval: 2s, retention_delete_delay: 1s}
`

// usedFlags are the flags with which a used folder is created and started again.
var usedFlags = append([]string{"--web.enable-remote-write-receiver", "--web.enable-admin-api"}, metricsOnly[:3]...)

// used is a data folder with everything that a program in use leaves behind, and the configuration that created it.
type used struct {
	config, storage string
	// began is a time before everything that is stored.
	began time.Time
}

// usedFolder creates one: TSDB blocks, a checkpoint, chunks and index of logs, the read positions of a collector,
// silences, a notification log, users, dashboards with versions, a data source with a secret.
func usedFolder(t *testing.T) used {
	t.Helper()
	inbox := &inbox{}
	hook := httptest.NewServer(inbox)
	t.Cleanup(hook.Close)
	logs := t.TempDir()
	writeFile(t, filepath.Join(logs, "app.log"), strings.Repeat("a line of a file\n", 50))
	u := used{storage: t.TempDir(), began: time.Now().Add(-11 * time.Hour).Truncate(time.Minute)}
	u.config = configDir(t, map[string]string{
		"prometheus.yml":   quietConfig + "storage: {tsdb: {out_of_order_time_window: 30m}}\n",
		"alertmanager.yml": hookConfig(hook.URL, "alertname", "group_wait: 100ms, group_interval: 5s, repeat_interval: 1h"),
		"loki.yml":         quickStorage,
		"promtail.yml": fmt.Sprintf("clients: [{url: 'http://loki:3100/loki/api/v1/push'}]\n"+
			"scrape_configs: [{job_name: f, static_configs: [{targets: [localhost], labels: {job: file, __path__: '%s/*.log'}}]}]\n", logs),
	})
	seeded := u.began
	for range 3 { // a WAL of several segments, since there is no checkpoint otherwise
		s := startAusguck(t, u.config, u.storage, usedFlags...)
		s.seed(t, seeded, seeded.Add(2*time.Hour))
		seeded = seeded.Add(2 * time.Hour)
		s.stop(t)
	}
	s := startAusguck(t, u.config, u.storage, usedFlags...)
	now := time.Now()
	s.seed(t, seeded, now.Add(-time.Minute))
	waitBlocks(t, filepath.Join(u.storage, "prometheus"), 3)
	for _, at := range []time.Duration{26 * time.Hour, 10 * time.Minute} {
		code, answer := s.pushJob(t, "pushed", now.Add(-at), "one", "two", "three")
		require.Equal(t, http.StatusNoContent, code, answer)
	}
	s.silence(t, "alertname", "Silenced")
	s.fire(t, map[string]string{"alertname": "Sent"})
	inbox.wait(t, readyTimeout, `"alertname":"Sent"`)
	s.mustPost(t, "/api/admin/users", `{"name":"Eve","login":"eve","password":"eve's password"}`)
	s.mustPost(t, "/api/folders", `{"uid":"team","title":"Team"}`)
	for n := range 3 {
		s.mustPost(t, "/api/dashboards/db", fmt.Sprintf(`{"overwrite":true,"folderUid":"team","dashboard":{"uid":"mine","title":"Mine %d","panels":[]}}`, n))
	}
	s.mustPost(t, "/api/annotations", `{"text":"deployed","tags":["damage"]}`)
	s.mustPost(t, "/api/datasources", `{"name":"other","uid":"other","type":"prometheus","url":"http://127.0.0.1:1","access":"proxy","secureJsonData":{"httpHeaderValue1":"s3cret"},"jsonData":{"httpHeaderName1":"X-Key"}}`)
	eventually(t, readyTimeout, func() error {
		return errUnless(len(s.lines(t, `{job="file"}`)) == 50, "the file is not collected")
	})
	chunks := filepath.Join(u.storage, "loki", "chunks")
	eventually(t, readyTimeout, func() error {
		return errUnless(len(filesBelow(filepath.Join(chunks, "fake"))) >= 2, "chunks are not flushed")
	})
	s.stop(t)

	s = startAusguck(t, u.config, u.storage, usedFlags...) // this writes the index of what was flushed
	code, answer := s.do(t, http.MethodPost, "/api/v1/admin/tsdb/delete_series?match[]=seeded_total{instance=\"19\"}", nil, "")
	require.Equal(t, http.StatusNoContent, code, answer)
	code, answer = s.do(t, http.MethodPost, "/loki/api/v1/delete?query="+`%7Bjob%3D%22nothing%22%7D`+"&start=1700000000", nil, "")
	require.Equal(t, http.StatusNoContent, code, answer)
	eventually(t, time.Minute, func() error {
		compacted, err := filepath.Glob(filepath.Join(chunks, "index", "index_*", "*", "*.tsdb.gz"))
		return errUnless(err == nil && len(compacted) >= 2, "the index is not compacted: %v", indexDays(filepath.Join(chunks, "index")))
	})
	s.stop(t)

	writeFile(t, filepath.Join(u.config, "loki.yml"), "ingester: {chunk_target_size: 2048, flush_check_period: 250ms, wal: {checkpoint_duration: 1s}}\n")
	s = startAusguck(t, u.config, u.storage, usedFlags...)
	code, answer = s.pushJob(t, "unflushed", time.Now(), "four", "five")
	require.Equal(t, http.StatusNoContent, code, answer)
	var long []string // they fill chunks, which are then in the index of the last minutes
	for range 1000 {
		long = append(long, rand.Text()+rand.Text())
	}
	code, answer = s.pushJob(t, "full", time.Now(), long...)
	require.Equal(t, http.StatusNoContent, code, answer)
	eventually(t, readyTimeout, func() error {
		wals, err := filepath.Glob(filepath.Join(u.storage, "loki", "tsdb-shipper-active", "wal", "*", "*", "*"))
		return errUnless(err == nil && slices.ContainsFunc(wals, hasContent), "no chunk of the last minutes is flushed")
	})
	eventually(t, readyTimeout, func() error {
		checkpoints, err := filepath.Glob(filepath.Join(u.storage, "loki", "wal", "checkpoint.*", "*"))
		return errUnless(err == nil && slices.ContainsFunc(checkpoints, hasContent), "no checkpoint in the WAL of logs")
	})
	checkpoints, err := filepath.Glob(filepath.Join(u.storage, "prometheus", "wal", "checkpoint.*", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, checkpoints)
	code, answer = s.pushJob(t, "unflushed", time.Now(), "six")
	require.Equal(t, http.StatusNoContent, code, answer)
	s.write(t, oneSample("seeded_total", now.Add(-10*time.Minute).Add(time.Second), 1, "instance", "0", "parity", "0")) // out of order
	s.mustPost(t, "/api/annotations", `{"text":"deployed again","tags":["damage"]}`)
	s.kill()                                                                         // with WALs that are still to be read
	require.NoError(t, os.Remove(filepath.Join(u.storage, "prometheus", "ballast"))) // large to copy, and damaged separately below
	return u
}

func hasContent(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

// mustPost sends a JSON document that must be accepted.
func (s *server) mustPost(t *testing.T, path, document string) {
	t.Helper()
	status, answer := s.do(t, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, document)
	require.Equal(t, http.StatusOK, status, answer)
	require.True(t, json.Valid([]byte(answer)), answer)
}
