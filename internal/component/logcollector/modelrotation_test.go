package logcollector

import (
	"fmt"
	"os"
	"slices"
	"time"
)

func (w *world) generation(n int) string { return fmt.Sprintf("%s.%d", w.path, n) }

// shift makes way for another generation.
func (w *world) shift() {
	w.lose(w.generation(w.history.keep), "its generation was deleted")
	for n := w.history.keep - 1; n > 0; n-- {
		w.move(w.generation(n), w.generation(n+1))
	}
}

func (w *world) move(from, to string) {
	if err := os.Rename(from, to); err != nil {
		return // it does not exist
	}
	w.holders[to] = w.holders[from]
	delete(w.holders, from)
	if w.rotated == from {
		w.rotated = to
	}
}

// copyTruncate rotates as logrotate does with copytruncate. Lines written between the two steps are lost inevitably.
func (w *world) copyTruncate(n int) {
	content, err := os.ReadFile(w.path)
	if err != nil {
		return
	}
	w.shift()
	writeAt(w.t, w.generation(1), string(content), w.now())
	w.made(w.generation(1))
	w.holders[w.generation(1)] = slices.Clone(w.holders[w.path])
	time.Sleep(waits[n%4])
	empty := func() {
		w.must(os.Truncate(w.path, 0))
		w.touch(w.path)
		w.gone(w.path, false, "")
		w.rotated = ""
	}
	if n >= betweenLookAndRead {
		w.betweenLookAndRead(empty)
	} else {
		empty()
	}
}

// betweenLookAndRead makes something happen between a reader's search for copies and its read, or after a second.
func (w *world) betweenLookAndRead(happen func()) {
	happened := make(chan struct{})
	select {
	case w.atLook <- func() { happen(); close(happened) }:
		<-happened
	case <-time.After(time.Second):
		happen()
	}
}

// reuse deletes the oldest generation and gives its inode number to a new file, which happens if no process has the old
// one open.
func (w *world) reuse() {
	for n := w.history.keep; n > 0; n-- {
		old := w.generation(n)
		if _, err := os.Stat(old); err != nil || w.isOpen(old) {
			continue
		}
		if _, err := os.Stat(w.path); err == nil {
			return
		}
		w.must(os.Rename(old, w.path))
		w.must(os.Truncate(w.path, 0))
		w.made(w.path)
		w.gone(old, false, "its generation was deleted")
		w.write(w.path, 2)
		return
	}
}
