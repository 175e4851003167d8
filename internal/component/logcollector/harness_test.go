package logcollector

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/stretchr/testify/require"
)

// process is the part of a Collector that reads files and stores their lines, with the ledger in dir.
type process struct {
	ledger *ledger
	sender *sender
	files  *files
	stop   context.CancelFunc
	ended  sync.WaitGroup

	mtx    sync.Mutex
	states []string // of the readers, in order
}

// startProcess reads the files that glob matches. In a synctest bubble, its timers take no time.
func startProcess(t testing.TB, dir, glob string, store Store, change ...func(*files)) *process {
	t.Helper()
	l, err := openLedger(dir)
	require.NoError(t, err)
	return readWith(t, l, glob, store, change...)
}

// readWith is startProcess with an open ledger.
func readWith(t testing.TB, l *ledger, glob string, store Store, change ...func(*files)) *process {
	t.Helper()
	reg := prometheus.NewRegistry()
	j, err := newJob(&scrapeconfig.Config{JobName: "files"}, log.NewNopLogger(), reg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	p := &process{ledger: l, stop: cancel}
	p.sender = &sender{logger: slog.New(slog.DiscardHandler), store: store, ledger: l, metrics: newMetrics(reg), in: make(chan *batch)}
	p.files = newFiles(p.sender.logger, p.sender, p.sender.metrics, map[string]*job{"files": j})
	p.files.born = func(*os.File) time.Time { return time.Unix(0, 0) } // not the bubble's clock
	p.files.entered = func(from, to state) {
		p.mtx.Lock()
		defer p.mtx.Unlock()
		p.states = append(p.states, from.String()+" → "+to.String())
		if !slices.Contains(next[from], to) {
			t.Errorf("%s after %s", to, from)
		}
	}
	for _, c := range change {
		c(p.files)
	}
	groups := make(chan map[string][]*targetgroup.Group, 1)
	groups <- map[string][]*targetgroup.Group{"files": {{
		Targets: []model.LabelSet{{model.AddressLabel: "localhost"}},
		Labels:  model.LabelSet{"job": "files", pathLabel: model.LabelValue(glob)},
	}}}
	p.ended.Go(func() { p.sender.run(ctx) })
	p.ended.Go(func() {
		p.files.loop(ctx, groups, &fsnotify.Watcher{})
		p.files.wg.Wait()
	})
	return p
}

// end stops the process gracefully.
func (p *process) end(t testing.TB) {
	t.Helper()
	p.stop()
	p.ended.Wait()
	require.NoError(t, p.ledger.close())
}

// went returns the transitions of readers from state to state.
func (p *process) went() []string {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	return slices.Clone(p.states)
}

// write appends to a file and sets its time to that of the bubble's clock.
func write(t testing.TB, path, text string) {
	t.Helper()
	writeAt(t, path, text, time.Now())
}

// writeAt appends to a file and sets its time to at.
func writeAt(t testing.TB, path, text string, at time.Time) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	require.NoError(t, os.Chtimes(path, time.Time{}, at))
}

func logFolder(t testing.TB) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	return dir, filepath.Join(dir, "app.log")
}

func renameFile(t testing.TB, from, to string) {
	t.Helper()
	require.NoError(t, os.Rename(from, to))
}
