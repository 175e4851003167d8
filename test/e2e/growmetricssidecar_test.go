package e2e

import (
	"fmt"
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

// besides is Ausguck with a sidecar on one host, and Query and Store on another one.
type besides struct {
	home            *host
	stores          *store
	bucket          *objectStore
	load            *load
	config, storage string
	tsdb            string
	flags           []string // of the page, for Ausguck
	differs         []string // of the page's commands

	compacted, fresh, late history
}

func newBesides(t *testing.T) *besides {
	t.Helper()
	network := newLAN(t)
	b := &besides{bucket: startObjectStore(t, network, "metrics"), home: network.host(t, 1), stores: newStore(t, network, 2), storage: t.TempDir()}
	b.tsdb = filepath.Join(b.storage, "prometheus")
	b.differs = []string{"/var/lib/ausguck-new", filepath.Join(b.storage, "new"), "/var/lib/ausguck", b.storage}
	var jobs string
	b.load, jobs = serveLoad(t, b.home)
	section := b.stores.page.section(t, "Thanos Sidecar")
	b.config = configDir(t, map[string]string{"prometheus.yml": prometheusYML(t, section.file(t, "prometheus.yml"), jobs)})
	b.flags = append(section.command(t, "ausguck"), "--storage.tsdb.block-reload-interval=1s")
	day := time.Now().UTC().Truncate(24 * time.Hour)
	b.compacted = history{day.AddDate(0, 0, -5), day.AddDate(0, 0, -4)}
	b.fresh = history{day.AddDate(0, 0, -3), day.AddDate(0, 0, -3).Add(4 * time.Hour)}
	b.late = history{day.AddDate(0, 0, -2), day.AddDate(0, 0, -2).Add(4 * time.Hour)}
	return b
}

// The sidecar uploads what Ausguck has stored, before and after the object store fails in every way; nothing is lost when Ausguck deletes
// its own copy, and the history comes back to one machine.
func TestThanosSidecar(t *testing.T) {
	t.Parallel()
	b := newBesides(t)
	b.uploadCompacted(t)

	b.fresh.blocks(t, b.tsdb)
	ausguck := b.home.local(t, b.config, b.storage, b.flags...)
	begin := time.Now()
	b.requireWaiting(t)
	b.late.blocks(t, b.tsdb)
	sidecar := b.stores.sidecar(t, b.home, b.tsdb)
	eventually(t, time.Minute, func() error {
		uploaded, all := len(b.bucket.metas(t)), len(blocksOf(t, b.tsdb))
		return errUnless(uploaded == all, "%d of %d blocks are in the bucket", uploaded, all)
	})

	b.stores.thanosStore(t)
	query := b.stores.start(t, "Thanos Sidecar", 10932, nil, "thanos", "query")
	end := time.Now()
	own := ausguck.samples(t, begin, end)
	eventually(t, time.Minute, func() error {
		missing := own.missing(t, query.samples(t, begin, end)).count()
		return errUnless(missing == 0, "Query lacks %d of the newest samples", missing)
	})
	figure(t, "Query has all %d samples that are not in a block yet", own.count())
	b.stores.page.requireMemory(t, "Thanos Sidecar", sidecar)
	b.stores.page.requireMemory(t, "Ausguck without `remote_write`", ausguck.process)
	b.requireHistory(t, query)
	b.requireHistory(t, ausguck)

	sidecar.kill()
	b.requireWithToken(t, ausguck, query)

	// Ausguck deletes its own copy, and the bucket keeps it.
	ausguck.stop(t)
	ausguck = b.home.local(t, b.config, b.storage, append(b.flags, "--storage.tsdb.retention.time=1d")...)
	eventually(t, time.Minute, func() error {
		left := len(blocksOf(t, b.tsdb))
		return errUnless(left == 2, "%d blocks are left; retention counts from the newest one", left)
	})
	b.requireHistory(t, query)
	ausguck.stop(t)

	b.stores.script(t, "History out of the bucket", b.home, b.differs...)
	ausguck = b.home.local(t, b.config, filepath.Join(b.storage, "new"), "--storage.tsdb.retention.time=5y")
	total := b.requireHistory(t, ausguck)
	figure(t, "%d samples of the past are in the bucket after Ausguck has deleted them, and on one machine again", total)
	ausguck.stop(t)
}

// uploadCompacted uploads with the commands of the page what Ausguck has compacted before there was a bucket.
func (b *besides) uploadCompacted(t *testing.T) {
	t.Helper()
	b.compacted.blocks(t, b.tsdb)
	before := len(blocksOf(t, b.tsdb))
	ausguck := b.home.local(t, b.config, b.storage, "--storage.tsdb.block-reload-interval=1s")
	eventually(t, time.Minute, func() error {
		compactions, blocks := metric(ausguck.get(t, "/metrics"), "prometheus_tsdb_compactions_total"), len(blocksOf(t, b.tsdb))
		return errUnless(compactions >= 4 && blocks < before, "%v compactions, %d of %d blocks", compactions, blocks, before)
	})
	ausguck.stop(t)
	b.stores.script(t, "Existing history into the bucket", b.home, b.differs...)
	require.Len(t, b.bucket.metas(t), len(blocksOf(t, b.tsdb)))
}

// requireWaiting requires that the sidecar waits while the bucket hangs, refuses and forbids, in the long form for ten minutes.
func (b *besides) requireWaiting(t *testing.T) {
	t.Helper()
	before, scrapes := len(b.bucket.metas(t)), int64(2)
	if *growLong {
		scrapes = 20
	}
	for mode, said := range map[int32]string{gateHangs: "starting sidecar", gateRefuses: "closed by foreign host|EOF|reset", gateForbids: "access key ID you provided"} {
		b.bucket.fail(mode)
		sidecar := b.stores.sidecar(t, b.home, b.tsdb)
		sidecar.waitOutput(t, said)
		b.load.wait(t, scrapes)
		require.Len(t, b.bucket.metas(t), before)
		require.False(t, sidecar.ended(), "it waits for the bucket")
		sidecar.kill()
		b.bucket.open()
	}
}

// requireWithToken requires that the sidecar serves samples of an Ausguck that requires credentials, as in a container.
func (b *besides) requireWithToken(t *testing.T, ausguck, query *server) {
	t.Helper()
	_, token := ausguck.serviceAccount(t, "sidecar", "Viewer")
	file := strings.Replace(b.stores.page.section(t, "Thanos Sidecar").file(t, "client.yml"), "glsa_…", token, 1)
	writeFile(t, filepath.Join(b.stores.folder, "etc/thanos/client.yml"), file)
	b.stores.sidecar(t, b.home, b.tsdb, "--prometheus.url=http://127.0.0.1:3000", "--prometheus.http-client-file="+b.stores.folder+"/etc/thanos/client.yml")
	now := time.Now()
	eventually(t, time.Minute, func() error {
		return errUnless(len(query.queryAt(t, "load_total", now)) >= loadSeries, "the sidecar does not serve samples")
	})
}

// requireHistory requires that a server has all samples of the past, and returns their number.
func (b *besides) requireHistory(t *testing.T, s *server) (total int) {
	t.Helper()
	for _, h := range []history{b.compacted, b.fresh, b.late} {
		h.require(t, s)
		total += h.samples().count()
	}
	return total
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
