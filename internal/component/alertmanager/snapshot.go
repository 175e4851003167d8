package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/alertmanager/cluster"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/silence"

	"github.com/ausguck/ausguck/internal/atomicfile"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Upstream writes silences and the notification log every 15 minutes and when it stops: after a kill, silences created
// since are gone and messages are repeated. Both report every change through the hook that their cluster uses, so here
// a change is on disk after snapshotDelay at the latest, and a silence before the request that creates it is answered.
const snapshotDelay = 500 * time.Millisecond

// snapshots writes what has changed.
type snapshots struct {
	logger *slog.Logger
	files  []*snapshot
	done   chan struct{}
	wg     sync.WaitGroup
}

// snapshot is one file.
type snapshot struct {
	path string
	save func(io.Writer) (int64, error)
	// changed holds a value if there is something to write; version counts the changes, written is the version in the
	// file.
	changed chan struct{}
	version atomic.Int64
	mtx     sync.Mutex // held while the file is written
	written int64
}

// load reads the state from disk.
func (e *engine) load() (err error) {
	o := e.options
	sentFile, silenceFile := o.stored()
	if err := errors.Join(sentFile.check(o.SetAside), silenceFile.check(o.SetAside)); err != nil {
		return err
	}
	e.sent, err = nflog.New(nflog.Options{
		SnapshotFile: sentFile.path, Retention: o.Retention,
		Logger: e.logger.With("component", "nflog"), Metrics: o.Registerer,
	})
	if err != nil {
		return fmt.Errorf("read the notification log: %w", err)
	}
	e.silences, err = silence.New(silence.Options{
		SnapshotFile: silenceFile.path, Retention: o.Retention,
		Limits: silence.Limits{
			MaxSilences:         func() int { return o.MaxSilences },
			MaxSilenceSizeBytes: func() int { return o.MaxSilenceSizeBytes },
		},
		Logger: e.logger.With("component", "silences"), Metrics: o.Registerer, Logging: o.LogSilences, EventRecorder: noEvents,
	})
	if err != nil {
		return fmt.Errorf("read the silences: %w", err)
	}
	return nil
}

// share exchanges the state with the peers, if there is a cluster, and keeps it up to date on disk.
func (e *engine) share() {
	sentFile, silenceFile := e.options.stored()
	sent := newSnapshot(sentFile.path, e.sent.Snapshot)
	silences := newSnapshot(silenceFile.path, e.silences.Snapshot)
	gossipSent, gossipSilences := func([]byte) {}, func([]byte) {}
	if e.peer != nil {
		gossipSent = e.peer.AddState("nfl", merged{e.sent, sent}, e.options.Registerer).Broadcast
		gossipSilences = e.peer.AddState("sil", merged{e.silences, silences}, e.options.Registerer).Broadcast
	}
	e.sent.SetBroadcast(func(b []byte) { sent.touch(); gossipSent(b) })
	e.silences.SetBroadcast(func(b []byte) { silences.touch(); gossipSilences(b) })

	e.snapshots = &snapshots{logger: e.logger, files: []*snapshot{silences, sent}, done: make(chan struct{})}
	e.snapshots.start(e.options.MaintenanceInterval, e.sent, e.silences)
}

// merged is state that peers change as well. Upstream reports only changes that it passes on to other peers, and does not pass on
// large messages, such as the whole state that a new peer receives.
type merged struct {
	cluster.State
	snapshot *snapshot
}

// Merge implements cluster.State.
func (m merged) Merge(b []byte) error {
	err := m.State.Merge(b)
	m.snapshot.touch()
	return err
}

func newSnapshot(path string, save func(io.Writer) (int64, error)) *snapshot {
	return &snapshot{path: path, save: save, changed: make(chan struct{}, 1)}
}

// touch is called while the lock of the saved data is held, so it only signals the change.
func (s *snapshot) touch() {
	s.version.Add(1)
	select {
	case s.changed <- struct{}{}:
	default: // already signaled
	}
}

// start writes changes, and makes upstream remove data past its retention.
func (s *snapshots) start(interval time.Duration, sent *nflog.Log, silences *silence.Silences) {
	for _, f := range s.files {
		s.wg.Go(func() { s.follow(f) })
	}
	collect := func(gc func() (int, error), f *snapshot) func() (int64, error) {
		return func() (int64, error) {
			if _, err := gc(); err != nil {
				return 0, err
			}
			return f.write()
		}
	}
	s.wg.Go(func() { silences.Maintenance(interval, s.files[0].path, s.done, collect(silences.GC, s.files[0])) })
	s.wg.Go(func() { sent.Maintenance(interval, s.files[1].path, s.done, collect(sent.GC, s.files[1])) })
}

func (s *snapshots) follow(f *snapshot) {
	for {
		select {
		case <-s.done:
			return
		case <-f.changed:
		}
		if err := f.flush(); err != nil {
			s.logger.Error("Cannot save the state of Alertmanager; it is kept in memory only", "file", f.path, "err", err)
			f.touch()
		}
		select { // many changes are written at once
		case <-s.done:
			return
		case <-time.After(snapshotDelay):
		}
	}
}

// flush writes the file if something has changed since it was last written.
func (s *snapshot) flush() error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.written == s.version.Load() {
		return nil
	}
	_, err := s.replace()
	return err
}

func (s *snapshot) write() (int64, error) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.replace()
}

// replace replaces the file atomically, or leaves the previous one.
func (s *snapshot) replace() (size int64, err error) {
	version := s.version.Load()
	err = atomicfile.Replace(s.path, 0o640, func(w io.Writer) error {
		if size, err = s.save(w); err != nil || size > 0 {
			return err
		}
		return setaside.Mark(s.path, false)
	})
	if err != nil {
		return size, err
	}
	s.written = version
	return size, setaside.Mark(s.path, size > 0)
}

// probeSize is larger than what one change adds to a snapshot.
const probeSize = 64 << 10

// probe reports why a snapshot slightly larger than the current one cannot be written.
func (s *snapshot) probe() error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	f, err := os.OpenFile(s.path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = s.save(f)
	if err == nil {
		_, err = f.Write(make([]byte, probeSize))
	}
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

// serveDurably responds to a request that changes something only once the change is on disk. Silences are not changed
// while they cannot be written, because clients rely on the confirmation.
func (s *snapshots) serveDurably(h http.Handler, w http.ResponseWriter, r *http.Request) {
	silences := s.files[0]
	if strings.HasPrefix(r.URL.Path, "/api/v2/silence") {
		if err := silences.probe(); err != nil {
			s.refuse(w, "Silences cannot be changed, because they cannot be written", silences.path, err)
			return
		}
	}
	held := &heldWriter{ResponseWriter: w}
	h.ServeHTTP(held, r)
	if err := silences.flush(); err != nil {
		silences.touch()
		s.refuse(w, "The change is active, but will be lost when Ausguck stops, because it cannot be written", silences.path, err)
		return
	}
	held.release()
}

// refuse responds with the code for a full disk, in the format of Alertmanager's errors: a JSON string.
func (s *snapshots) refuse(w http.ResponseWriter, what, path string, err error) {
	s.logger.Error(what, "path", path, "err", err)
	code := http.StatusInternalServerError
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		code = http.StatusInsufficientStorage
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(fmt.Sprintf("%s to %s: %s", strings.ToLower(what[:1])+what[1:], path, err)) // the client is gone
}

// stop writes the files a last time.
func (s *snapshots) stop() error {
	close(s.done)
	s.wg.Wait()
	var errs []error
	for _, f := range s.files {
		if err := f.flush(); err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", f.path, err))
		}
	}
	return errors.Join(errs...)
}

// heldWriter holds back a short response until it is released.
type heldWriter struct {
	http.ResponseWriter
	code int
	body []byte
}

func (w *heldWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *heldWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b...)
	return len(b), nil
}

func (w *heldWriter) release() {
	if w.code != 0 {
		w.ResponseWriter.WriteHeader(w.code)
	}
	_, _ = w.ResponseWriter.Write(w.body) // the client is gone
}
