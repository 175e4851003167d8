package logcollector

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
)

// excuseUnknown allows losing lines of files that were rotated away and are no longer known to the ledger.
func (w *world) excuseUnknown(l *ledger) {
	const why = "its file was rotated away, and the ledger was damaged before it was known"
	known := l.known()
	for path, lines := range w.holders {
		info, err := os.Stat(path)
		if err != nil || path == w.path {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(key string) bool {
			return strings.HasPrefix(key, "file:"+idOf(info).String()+":")
		}) {
			w.excuse(lines, why)
		}
	}
}

// excuse allows losing lines.
func (w *world) excuse(lines []string, why string) {
	for _, line := range lines {
		if !w.isStored(line) {
			w.excused[line] = why
		}
	}
}

// powerCut ends the process and removes the last records from its ledger.
func (w *world) powerCut(n int) {
	if w.process == nil {
		return
	}
	w.kill()
	w.boots++
	path := filepath.Join(w.ledger, "ledger.jsonl")
	content, err := os.ReadFile(path)
	w.must(err)
	lines := bytes.SplitAfter(content, []byte{'\n'})
	lines = lines[:max(1, len(lines)-1-n%4)] // the first one was synced
	content = bytes.Join(lines, nil)
	if n >= 10 {
		content = append(content, "1234 torn"...)
	}
	w.must(os.WriteFile(path, content, 0o600))
	w.damaged = true
}

// damage changes the ledger.
func (w *world) damage(n int) {
	path := filepath.Join(w.ledger, "ledger.jsonl")
	content, err := os.ReadFile(path)
	if w.process != nil || err != nil || len(content) == 0 {
		return
	}
	switch place := n * 7919 % len(content); n % 5 {
	case 0:
		err = os.WriteFile(path, nil, 0o600)
	case 1:
		if content[place] == '\n' || place > 0 && content[place-1] == '\n' {
			place-- // if only complete records are left, it looks as after a kill
		}
		err = os.WriteFile(path, content[:max(place, 1)], 0o600)
	case 2:
		content[place] ^= 1 << (n % 8)
		err = os.WriteFile(path, content, 0o600)
	case 3:
		err = os.Remove(path)
	case 4:
		err = errors.Join(os.Remove(path), os.RemoveAll(filepath.Join(w.ledger, "ledger.previous.jsonl")))
	}
	w.must(err)
	w.damaged = true
}

func (w *world) stop() {
	if w.process != nil {
		w.process.end(w.t)
		w.ended()
	}
}

// kill ends the process immediately: neither its ledger nor the store change any more.
func (w *world) kill() {
	if w.process == nil {
		return
	}
	w.store.mtx.Lock()
	w.store.dead = true
	w.store.mtx.Unlock()
	w.restoreAfter(w.snapshot())
}

func (w *world) snapshot() map[string][]byte {
	l := w.process.ledger
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return w.snapshotLocked()
}

func (w *world) snapshotLocked() map[string][]byte {
	files := map[string][]byte{}
	entries, err := os.ReadDir(w.ledger)
	w.must(err)
	for _, e := range entries {
		files[e.Name()], err = os.ReadFile(filepath.Join(w.ledger, e.Name()))
		w.must(err)
	}
	return files
}

// restoreAfter ends the process, and restores its ledger as it was when it was killed.
func (w *world) restoreAfter(files map[string][]byte) {
	w.process.end(w.t)
	w.must(os.RemoveAll(w.ledger))
	w.must(os.Mkdir(w.ledger, 0o700))
	for name, content := range files {
		w.must(os.WriteFile(filepath.Join(w.ledger, name), content, 0o600))
	}
	w.ended()
}

// killAtPush kills the process at its next push, or after a second.
func (w *world) killAtPush(how int) {
	if w.process == nil {
		return
	}
	killed := make(chan map[string][]byte, 1)
	w.store.mtx.Lock()
	w.store.atPush = func(entries []logproto.Entry, save func(n int)) bool {
		save(len(entries) * how / 3)
		killed <- w.snapshotLocked() // only put can write while the sender waits for its push
		return true
	}
	w.store.mtx.Unlock()
	select {
	case files := <-killed:
		w.restoreAfter(files)
	case <-time.After(time.Second):
		w.store.mtx.Lock()
		w.store.atPush = nil
		w.store.mtx.Unlock()
		select {
		case files := <-killed:
			w.restoreAfter(files)
		default:
		}
	}
}
