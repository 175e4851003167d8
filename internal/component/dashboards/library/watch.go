package library

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// debounce lets a writer finish and combines many changes into one rescan.
	debounce = 300 * time.Millisecond
	// maxWatched limits the number of watched directories; changes in others are found by polling.
	maxWatched = 2000
	minPoll    = time.Second
)

// follower rescans files when they change.
type follower struct{ *Library }

// run rescans files when they change, until ctx is done. Changes without notifications from the operating system are
// found by polling.
func (s follower) run(ctx context.Context) {
	w, err := fsnotify.NewWatcher()
	var events <-chan fsnotify.Event
	var failures <-chan error
	if err != nil {
		s.o.Logger.Warn("Cannot watch dashboard folders; polling them", "err", err)
	} else {
		defer func() { _ = w.Close() }()
		events, failures = w.Events, w.Errors
	}
	s.watch(w)
	poll := time.NewTicker(s.interval())
	defer poll.Stop()
	settle := time.After(0) // for changes between the first scan and the start of the watch
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.followed:
			s.watch(w)
			settle = time.After(0)
			poll.Reset(s.interval())
		case e := <-events:
			if base := filepath.Base(e.Name); !strings.HasPrefix(base, ".tmp-") && settle == nil {
				settle = time.After(debounce)
			}
		case err := <-failures: // event overflow: some events were lost
			s.o.Logger.Warn("Watching dashboard folders was interrupted", "err", err)
			settle = time.After(debounce)
		case <-settle:
			settle = nil
			s.rescan(w)
		case <-poll.C:
			s.rescan(w)
		}
	}
}

func (s follower) rescan(w *fsnotify.Watcher) {
	if err := s.Rescan(); err != nil {
		s.o.Logger.Error("Dashboards could not be reloaded", "err", err)
	}
	s.watch(w)
}

// interval returns the shortest interval of all providers.
func (s follower) interval() time.Duration {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	interval := defaultInterval
	for _, p := range s.cfg.providers {
		interval = min(interval, p.interval)
	}
	return max(interval, minPoll)
}

// watch watches every directory with dashboard files. Adding a directory that is already watched costs nothing.
func (s follower) watch(w *fsnotify.Watcher) {
	if w == nil {
		return
	}
	s.mtx.Lock()
	roots := []string{s.o.Dir}
	for _, p := range s.cfg.providers {
		if info, err := os.Stat(p.path); !p.builtIn && err == nil && !info.IsDir() {
			roots = append(roots, filepath.Dir(p.path)) // files are often replaced instead of rewritten
		} else if !p.builtIn {
			roots = append(roots, p.path)
		}
	}
	s.mtx.Unlock()
	watched := 0
	for _, root := range roots {
		if real, err := filepath.EvalSymlinks(root); err == nil {
			root = real
		}
		_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() {
				return nil // missing directories are found once they exist
			}
			if path != root && strings.HasPrefix(e.Name(), ".") {
				return fs.SkipDir
			}
			if watched++; watched > maxWatched {
				return fs.SkipAll
			}
			if err := w.Add(path); err != nil && !os.IsNotExist(err) {
				s.o.Logger.Debug("Folder cannot be watched; polling it", "path", path, "err", err)
			}
			return nil
		})
	}
}
