package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// history is a day in the past: counters with a sample every minute.
type history struct{ begin, end time.Time }

func (h history) samples() samples {
	all := samples{}
	for i := range 20 {
		series := map[int64]float64{}
		for at := h.begin; at.Before(h.end); at = at.Add(time.Minute) {
			series[at.UnixMilli()] = float64(at.Unix()/60) * float64(i+1)
		}
		all[fmt.Sprint("old", i)] = series
	}
	return all
}

// blocks writes blocks of two hours with promtool.
func (h history) blocks(t *testing.T, into string) {
	t.Helper()
	text := strings.Builder{}
	text.WriteString("# TYPE load counter\n")
	for id, series := range h.samples() {
		for at := h.begin; at.Before(h.end); at = at.Add(time.Minute) {
			fmt.Fprintf(&text, "load_total{series=\"%s\"} %.0f %d\n", id, series[at.UnixMilli()], at.Unix())
		}
	}
	text.WriteString("# EOF\n")
	file := filepath.Join(t.TempDir(), "history.om")
	writeFile(t, file, text.String())
	code, out := runToEnd(t, stockBinary(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", file, into)
	require.Zero(t, code, out)
}

// local starts Ausguck on the host with its default addresses, and waits until it is ready.
func (h *host) local(t *testing.T, config, storage string, flags ...string) *server {
	t.Helper()
	s := h.ausguck(t, config, storage, append(append([]string{"--no-loki"}, metricsOnly...), flags...)...)
	s.address = "127.0.0.1:3000"
	s.url = urlOf("admin", adminPassword, s.address)
	s.waitReady(t, readyTimeout)
	return s
}

// The sidecar uploads what Ausguck has stored, before and after the object store fails in every way; nothing is lost when Ausguck deletes
// its own copy, and the history comes back to one machine.
func TestThanosSidecar(t *testing.T) {
	network := newLAN(t)
	bucket := startObjectStore(t, network, "metrics")
	home, stores := network.host(t, 1), newStore(t, network, 2)
	load, jobs := serveLoad(t, home)
	config := configDir(t, map[string]string{"prometheus.yml": prometheusYML(t, stores.page.section(t, "Thanos Sidecar").file(t, "prometheus.yml"), jobs)})
	storage := t.TempDir()
	tsdb := filepath.Join(storage, "prometheus")
	day := time.Now().UTC().Truncate(24 * time.Hour)
	compacted := history{day.Add(-5 * 24 * time.Hour), day.Add(-4 * 24 * time.Hour)}
	fresh := history{day.Add(-3 * 24 * time.Hour), day.Add(-3*24*time.Hour + 4*time.Hour)}
	late := history{day.Add(-2 * 24 * time.Hour), day.Add(-2*24*time.Hour + 4*time.Hour)}
	places := []string{"/var/lib/ausguck-new", filepath.Join(storage, "new"), "/var/lib/ausguck", storage}

	// Before there was a bucket, Ausguck has compacted.
	compacted.blocks(t, tsdb)
	ausguck := home.local(t, config, storage, "--storage.tsdb.block-reload-interval=1s")
	eventually(t, time.Minute, func() error {
		compactions := metric(ausguck.get(t, "/metrics"), "prometheus_tsdb_compactions_total")
		return errUnless(compactions >= 4 && len(blocksOf(t, tsdb)) < 12, "%v compactions, %d blocks", compactions, len(blocksOf(t, tsdb)))
	})
	ausguck.stop(t)
	stores.script(t, "Existing history into the bucket", home, places...)
	require.Len(t, bucket.metas(t), len(blocksOf(t, tsdb)))

	// The sidecar finds blocks while the bucket hangs, refuses and forbids.
	fresh.blocks(t, tsdb)
	section := stores.page.section(t, "Thanos Sidecar")
	flags := append(section.command(t, "ausguck"), "--storage.tsdb.block-reload-interval=1s")
	ausguck = home.local(t, config, storage, flags...)
	begin, before, failing := time.Now(), len(bucket.metas(t)), int64(2)
	if *growLong {
		failing = 20 // ten minutes together
	}
	for mode, said := range map[int32]string{gateHangs: "starting sidecar", gateRefuses: "closed by foreign host|EOF|reset", gateForbids: "access key ID you provided"} {
		bucket.fail(mode)
		sidecar := stores.sidecar(t, home, tsdb)
		sidecar.waitOutput(t, said)
		load.wait(t, failing)
		require.Len(t, bucket.metas(t), before)
		require.False(t, sidecar.ended(), "it waits for the bucket")
		sidecar.kill()
		bucket.open()
	}
	late.blocks(t, tsdb)
	sidecar := stores.sidecar(t, home, tsdb)
	eventually(t, time.Minute, func() error {
		return errUnless(len(bucket.metas(t)) == len(blocksOf(t, tsdb)), "%d of %d blocks are in the bucket", len(bucket.metas(t)), len(blocksOf(t, tsdb)))
	})

	stores.thanosStore(t)
	query := stores.start(t, "Thanos Sidecar", 10932, nil, "thanos", "query")
	end := time.Now()
	own := ausguck.samples(t, begin, end)
	eventually(t, time.Minute, func() error {
		missing := own.missing(t, query.samples(t, begin, end)).count()
		return errUnless(missing == 0, "Query lacks %d of the newest samples", missing)
	})
	figure(t, "Query has all %d samples that are not in a block yet; thanos sidecar: %d MiB, ausguck: %d MiB, at most %d MiB",
		own.count(), sidecar.memory(t, "VmRSS")>>20, ausguck.memory(t, "VmRSS")>>20, ausguck.memory(t, "VmHWM")>>20)
	total := 0
	requireHistory := func(s *server) {
		t.Helper()
		total = 0
		for _, h := range []history{compacted, fresh, late} {
			h.require(t, s)
			total += h.samples().count()
		}
	}
	requireHistory(query)
	requireHistory(ausguck)

	// With credentials, as in a container.
	sidecar.kill()
	token := ausguck.viewerToken(t)
	writeFile(t, filepath.Join(stores.folder, "etc/thanos/client.yml"), strings.Replace(section.file(t, "client.yml"), "glsa_…", token, 1))
	stores.sidecar(t, home, tsdb, "--prometheus.url=http://127.0.0.1:3000", "--prometheus.http-client-file="+stores.folder+"/etc/thanos/client.yml")
	now := time.Now()
	eventually(t, time.Minute, func() error {
		return errUnless(len(query.queryAt(t, "load_total", now)) >= loadSeries, "the sidecar does not serve samples")
	})

	// Ausguck deletes its own copy, and the bucket keeps it.
	ausguck.stop(t)
	ausguck = home.local(t, config, storage, append(flags, "--storage.tsdb.retention.time=1d")...)
	eventually(t, time.Minute, func() error {
		return errUnless(len(blocksOf(t, tsdb)) == 2, "%d blocks are left; retention counts from the newest one", len(blocksOf(t, tsdb)))
	})
	requireHistory(query)
	ausguck.stop(t)

	stores.script(t, "History out of the bucket", home, places...)
	ausguck = home.local(t, config, filepath.Join(storage, "new"), "--storage.tsdb.retention.time=5y")
	requireHistory(ausguck)
	figure(t, "%d samples of the past are in the bucket after Ausguck has deleted them, and on one machine again", total)
	ausguck.stop(t)
}

// require requires that a server has all samples of the history.
func (h history) require(t *testing.T, s *server) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		missing := h.samples().missing(t, s.samples(t, h.begin.Add(-time.Minute), h.end)).count()
		return errUnless(missing == 0, "%s lacks %d samples of %s", s.address, missing, h.begin)
	})
}

// sidecar starts the sidecar on the host, for the folder of the TSDB.
func (s *store) sidecar(t *testing.T, on *host, tsdb string, flags ...string) *process {
	t.Helper()
	args := []string{"sidecar"}
	for _, arg := range s.page.section(t, "Thanos Sidecar").command(t, "thanos", "sidecar") {
		arg = strings.NewReplacer("/var/lib/ausguck/prometheus", tsdb, "/etc/thanos/", s.folder+"/etc/thanos/").Replace(arg)
		if name, _, _ := strings.Cut(arg, "="); len(flags) == 0 || !strings.HasPrefix(flags[0], name+"=") {
			args = append(args, arg)
		}
	}
	var p *process
	on.do(func() { p = startProcess(t, exec.Command(stockBinary(t, "thanos"), append(args, flags...)...)) })
	return p
}

// blocksOf returns the names of the blocks in a folder.
func blocksOf(t *testing.T, tsdb string) (blocks []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tsdb, "01*", "meta.json"))
	require.NoError(t, err)
	for _, file := range found {
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), "index")); err == nil {
			blocks = append(blocks, filepath.Base(filepath.Dir(file)))
		}
	}
	return blocks
}

// viewerToken creates a service account with the role Viewer, and returns its token.
func (s *server) viewerToken(t *testing.T) string {
	t.Helper()
	var account struct{ ID json.Number }
	status, body := s.do(t, http.MethodPost, "/api/serviceaccounts", nil, `{"name":"sidecar","role":"Viewer"}`)
	require.Equal(t, http.StatusCreated, status, body)
	require.NoError(t, json.Unmarshal([]byte(body), &account))
	var token struct{ Key string }
	status, body = s.do(t, http.MethodPost, "/api/serviceaccounts/"+account.ID.String()+"/tokens", nil, `{"name":"one"}`)
	require.Equal(t, http.StatusOK, status, body)
	require.NoError(t, json.Unmarshal([]byte(body), &token))
	return token.Key
}
