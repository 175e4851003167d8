package logcollector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
	"pgregory.net/rapid"
)

// The model test tries what happens to log files and to who reads them, in an order that nobody thought of. The real code
// reads real files, in memory, and stores their lines in a modelStore; a bubble of synctest makes its timers cost nothing.
// After each history every line that was written is stored once, or it is one of those that docs/logs.md says may be lost.

// act is something that happens.
type act int

const (
	write_     act = iota // lines are written to the file
	sleep                 // time passes
	rename                // the file is rotated by renaming it
	copytr                // the file is rotated by copytruncate
	remove                // the file is deleted
	truncate              // the file is emptied
	compress              // the last generation is compressed
	reuse                 // the oldest generation is deleted, and a new file gets its number
	lateWrite             // who had the file open before the rotation writes to it
	scanNow               // the folder's watch reports something
	start                 // the collector starts
	stop                  // it stops in order
	reload                // it goes on with another configuration
	kill                  // it is killed
	killAtPush            // it is killed at its next push: before, in the midst of, or after it
	powerCut              // the machine goes down, and the last records of the ledger are missing
	damage                // somebody or a broken disk changes the ledger of a collector that does not run
	refuse                // the store takes nothing for a while
	slow                  // the store is slow for a while
	acts
)

var actNames = [acts]string{
	"write", "sleep", "rename", "copytr", "remove", "truncate", "compress", "reuse", "lateWrite", "scanNow",
	"start", "stop", "reload", "kill", "killAtPush", "powerCut", "damage", "refuse", "slow",
}

// step is an act with a number that says how.
type step struct {
	act act
	n   int
}

func (s step) String() string { return fmt.Sprintf("{%s, %d}", actNames[s.act], s.n) }

// history is what happens, and how the lines look.
type history struct {
	keep  int    // generations that rotation keeps
	after string // what every line ends with
	steps []step
}

func (h history) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "history{%d, strings.Repeat(\"x\", %d), []step{", h.keep, len(h.after))
	for i, s := range h.steps {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(s.String())
	}
	b.WriteString("}}")
	return b.String()
}

var waits = []time.Duration{0, 50 * time.Millisecond, 300 * time.Millisecond, time.Second, 4 * time.Second, 11 * time.Second}

// modelStore keeps lines as Loki does: of equal lines of one time one, and none that is an hour behind others.
type modelStore struct {
	mtx     sync.Mutex
	lines   map[string]map[stored]bool // by stream
	count   map[string]int             // by line
	newest  int64
	refuses bool
	delay   time.Duration
	dead    bool                                                  // whoever pushes was killed
	atPush  func(entries []logproto.Entry, save func(n int)) bool // reports that the pusher was killed
}

var errAway = errors.New("the store is away")

type rejected struct{ error }

func (rejected) Rejected() bool { return true }

func (s *modelStore) Push(ctx context.Context, req *logproto.PushRequest) error {
	s.mtx.Lock()
	delay := s.delay
	s.mtx.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
		}
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.dead {
		return context.Canceled
	}
	if s.refuses {
		return errAway
	}
	behind := 0
	for _, stream := range req.Streams {
		save := func(n int) {
			for _, e := range stream.Entries[:n] {
				at := e.Timestamp.UnixNano()
				if s.newest-at > int64(time.Hour) {
					behind++
					continue
				}
				s.newest = max(s.newest, at)
				of := s.lines[stream.Labels]
				if of == nil {
					of = map[stored]bool{}
					s.lines[stream.Labels] = of
				}
				if !of[stored{at, e.Line}] {
					of[stored{at, e.Line}] = true
					s.count[e.Line]++
				}
			}
		}
		if s.atPush != nil && s.atPush(stream.Entries, save) {
			s.dead = true
			return context.Canceled
		}
		save(len(stream.Entries))
	}
	if behind > 0 {
		return rejected{fmt.Errorf("%d lines are too far behind", behind)}
	}
	return nil
}

func (s *modelStore) Lines(_ context.Context, stream string, from, to time.Time, found func(time.Time, string)) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.refuses {
		return errAway
	}
	for e := range s.lines[stream] {
		if e.at >= from.UnixNano() && e.at <= to.UnixNano() {
			found(time.Unix(0, e.at), e.line)
		}
	}
	return nil
}

// world is that in which a history happens.
type world struct {
	t       *testing.T
	history history
	dir     string // of the log
	ledger  string // its folder
	path    string
	store   *modelStore
	process *process
	change  []func(*files)
	boots   int  // how often the machine started
	damaged bool // the ledger was, since the collector ended

	written int
	holders map[string][]string // by path: the lines that a file holds
	inHand  map[string]bool     // lines of which only an open file that is deleted has them
	excused map[string]string   // lines that may be lost, and why
	rotated string              // the name of the file that was renamed last, while its writer may have it open
}

func (w *world) line() string {
	w.written++
	return fmt.Sprintf("line %d %s", w.written, w.history.after)
}

func (w *world) write(path string, n int) {
	var text strings.Builder
	for range n {
		l := w.line()
		w.holders[path] = append(w.holders[path], l)
		text.WriteString(l + "\n")
	}
	_, err := os.Stat(path)
	write(w.t, path, text.String())
	if err != nil {
		w.watched()
	}
}

// watched has the collector look, as the watch of the folder does when a file is made.
func (w *world) watched() {
	if w.process != nil {
		w.process.files.scanSoon()
	}
}

// must fails for what is the model's own fault.
func (w *world) must(err error) {
	if err != nil {
		w.t.Fatal(w.history, err)
	}
}

func (w *world) generation(n int) string { return fmt.Sprintf("%s.%d", w.path, n) }

// shift makes room for another generation.
func (w *world) shift() {
	w.lose(w.generation(w.history.keep), "its generation was deleted")
	for n := w.history.keep - 1; n > 0; n-- {
		w.move(w.generation(n), w.generation(n+1))
	}
}

func (w *world) move(from, to string) {
	if err := os.Rename(from, to); err != nil {
		return // there is none
	}
	w.holders[to] = w.holders[from]
	delete(w.holders, from)
	if w.rotated == from {
		w.rotated = to
	}
}

// isOpen reports whether the collector has a file open.
func (w *world) isOpen(path string) bool {
	info, err := os.Stat(path)
	if err != nil || w.process == nil {
		return false
	}
	f := w.process.files
	f.mtx.Lock()
	defer f.mtx.Unlock()
	for key := range f.readers {
		if strings.HasPrefix(key, "file:"+idOf(info).String()+":") {
			return true
		}
	}
	return false
}

// lose deletes a file.
func (w *world) lose(path, why string) {
	open := w.isOpen(path)
	if os.Remove(path) == nil {
		w.gone(path, open, why)
	}
	if w.rotated == path {
		w.rotated = ""
	}
}

// gone says that a file no longer holds its lines. Those that nobody else holds may be lost.
func (w *world) gone(path string, open bool, why string) {
	lines := w.holders[path]
	delete(w.holders, path)
	for _, l := range lines {
		if w.isStored(l) || w.isHeld(l) {
			continue
		}
		if open {
			w.inHand[l] = true
		} else {
			w.excused[l] = why
		}
	}
}

func (w *world) isStored(line string) bool {
	w.store.mtx.Lock()
	defer w.store.mtx.Unlock()
	return w.store.count[line] > 0
}

func (w *world) isHeld(line string) bool {
	for _, lines := range w.holders {
		if slices.Contains(lines, line) {
			return true
		}
	}
	return false
}

// ended says that the collector no longer has files open.
func (w *world) ended() {
	w.process = nil
	w.store.dead = false
	w.store.atPush = nil
	w.forgetFilesInHand()
}

// forgetFilesInHand says that files that are deleted are no longer open.
func (w *world) forgetFilesInHand() {
	for l := range w.inHand {
		if !w.isStored(l) {
			w.excused[l] = "its file was deleted before the collector, which had it open, ended"
		}
	}
	clear(w.inHand)
}

func (w *world) start() {
	if w.process != nil {
		return
	}
	l, err := openLedgerSince(w.ledger, fmt.Sprint(w.boots))
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.ledger, "positions.yaml"), nil, 0o600))
	if w.damaged || len(l.known()) == 0 { // after a damage the log may be as one that was never looked at
		w.excuseUnknown(l)
		w.damaged = false
	}
	w.process = readWith(w.t, l, w.path, w.store, w.change...)
	synctest.Wait() // it has looked once
}

// excuseUnknown says that lines may be lost of files that were rotated away, and of which the ledger knows nothing any more.
func (w *world) excuseUnknown(l *ledger) {
	known := l.known()
	for path, lines := range w.holders {
		info, err := os.Stat(path)
		if err != nil || path == w.path {
			continue
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(key string) bool {
			return strings.HasPrefix(key, "file:"+idOf(info).String()+":")
		}) {
			for _, line := range lines {
				if !w.isStored(line) {
					w.excused[line] = "its file was rotated away, and the ledger was damaged before it was known"
				}
			}
		}
	}
}

// powerCut ends the process and takes the last records from its ledger.
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
			place-- // records that are whole look as after a kill
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

// kill ends the process at once: neither its ledger nor the store change any more.
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

// restoreAfter ends the process, and puts back what its ledger was when it was killed.
func (w *world) restoreAfter(files map[string][]byte) {
	w.process.end(w.t)
	w.must(os.RemoveAll(w.ledger))
	w.must(os.Mkdir(w.ledger, 0o700))
	for name, content := range files {
		w.must(os.WriteFile(filepath.Join(w.ledger, name), content, 0o600))
	}
	w.ended()
}

// killAtPush kills the process when it pushes next, or in the end.
func (w *world) killAtPush(how int) {
	if w.process == nil {
		return
	}
	killed := make(chan map[string][]byte, 1)
	w.store.mtx.Lock()
	w.store.atPush = func(entries []logproto.Entry, save func(n int)) bool {
		save(len(entries) * how / 3)
		killed <- w.snapshotLocked() // nobody else writes while the sender waits for its push, but for put
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

func (w *world) do(s step) {
	switch s.act {
	case write_:
		w.write(w.path, 1+s.n%5)
	case sleep:
		wait := waits[s.n%len(waits)]
		if w.process == nil {
			wait *= 10 * 60 // nobody polls
		}
		time.Sleep(wait)
	case rename:
		w.shift()
		w.move(w.path, w.generation(1))
		w.rotated = w.generation(1)
		if s.n%2 == 0 {
			w.write(w.path, s.n%4)
		}
	case copytr:
		w.copyTruncate(s.n)
	case remove:
		w.lose(w.path, "its file was deleted")
	case truncate:
		if os.Truncate(w.path, 0) == nil {
			w.must(os.Chtimes(w.path, time.Time{}, time.Now()))
			w.gone(w.path, false, "its file was emptied")
		}
	case compress:
		if lines, ok := w.holders[w.generation(1)]; ok {
			w.must(os.WriteFile(w.generation(1)+".gz", []byte(strings.Join(lines, "")), 0o600))
			w.lose(w.generation(1), "it was compressed")
		}
	case reuse:
		w.reuse()
	case lateWrite:
		if w.rotated != "" && w.isOpen(w.rotated) {
			w.write(w.rotated, 1+s.n%3)
		}
	case scanNow:
		if w.process != nil {
			w.watched()
			synctest.Wait()
		}
	case start:
		w.start()
	case stop:
		w.stop()
	case reload:
		if w.process != nil {
			l := w.process.ledger
			w.process.stop()
			w.process.ended.Wait()
			w.forgetFilesInHand()
			w.process = readWith(w.t, l, w.path, w.store, w.change...)
			synctest.Wait()
		}
	case kill:
		w.kill()
	case powerCut:
		w.powerCut(s.n)
	case damage:
		w.damage(s.n)
	case killAtPush:
		w.killAtPush(s.n % 4)
	case refuse, slow:
		w.store.mtx.Lock()
		w.store.refuses = s.act == refuse && s.n%2 == 0
		if s.act == slow {
			w.store.delay = waits[s.n%5]
		}
		w.store.mtx.Unlock()
	}
}

// copyTruncate rotates as logrotate does with copytruncate. What is written in between is lost by itself.
func (w *world) copyTruncate(n int) {
	content, err := os.ReadFile(w.path)
	if err != nil {
		return
	}
	w.shift()
	write(w.t, w.generation(1), string(content))
	w.holders[w.generation(1)] = slices.Clone(w.holders[w.path])
	time.Sleep(waits[n%4])
	w.must(os.Truncate(w.path, 0))
	w.must(os.Chtimes(w.path, time.Time{}, time.Now()))
	w.gone(w.path, false, "")
	w.rotated = ""
}

// reuse deletes the oldest generation and gives its number to a new file, which it has when nobody has the old one open.
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
		w.gone(old, false, "its generation was deleted")
		w.write(w.path, 2)
		return
	}
}

// verdict says what is wrong with what is stored.
func (w *world) verdict() error {
	w.store.mtx.Lock()
	defer w.store.mtx.Unlock()
	var lost, twice []string
	for n := range w.written {
		l := fmt.Sprintf("line %d %s", n+1, w.history.after)
		switch c := w.store.count[l]; {
		case c > 1:
			twice = append(twice, fmt.Sprint(n+1))
		case c == 0 && w.excused[l] == "":
			lost = append(lost, fmt.Sprint(n+1))
		}
	}
	if total := len(w.store.count); total > w.written {
		return fmt.Errorf("%d lines are stored that nobody wrote: %q", total-w.written, slices.Collect(maps.Keys(w.store.count)))
	}
	if len(lost)+len(twice) > 0 {
		return fmt.Errorf("of %d lines lost: %v, stored twice: %v", w.written, lost, twice)
	}
	return nil
}

// happen lets a history happen to files of which change says how they are read.
func (h history) happen(t *testing.T, change ...func(*files)) (failure error) {
	root, err := os.MkdirTemp("/dev/shm", "ausguck-model-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, history: h, dir: filepath.Join(root, "logs"), ledger: filepath.Join(root, "ledger"), path: filepath.Join(root, "logs", "app.log"),
			store:   &modelStore{lines: map[string]map[stored]bool{}, count: map[string]int{}},
			holders: map[string][]string{}, inHand: map[string]bool{}, excused: map[string]string{}, change: change,
		}
		w.must(os.Mkdir(w.dir, 0o700))
		w.write(w.path, 1)
		w.start()
		for _, s := range h.steps {
			w.do(s)
		}
		w.store.mtx.Lock()
		w.store.refuses, w.store.delay, w.store.atPush = false, 0, nil
		w.store.mtx.Unlock()
		w.start()
		w.write(w.path, 1) // what is left behind under other names is found when the name is there again
		for range 40 {
			if time.Sleep(time.Second); w.verdict() == nil {
				break
			}
		}
		w.stop()
		w.start() // a start later nothing is stored again
		time.Sleep(12 * time.Second)
		w.stop()
		failure = w.verdict()
	})
	return failure
}

// TestModel draws histories for a while; -rapid.checks says how many at least.
func TestModel(t *testing.T) {
	const while = 2 * time.Second
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{act(rapid.IntRange(0, int(acts)-1).Draw(t, "act")), rapid.IntRange(0, 19).Draw(t, "n")}
	}), 1, 15)
	began, happened := time.Now(), 0
	for time.Since(began) < while && !t.Failed() {
		rapid.Check(t, func(rt *rapid.T) {
			h := history{
				keep:  rapid.IntRange(1, 4).Draw(rt, "keep"),
				after: strings.Repeat("x", rapid.SampledFrom([]int{0, tailBytes, 400}).Draw(rt, "after")),
				steps: steps.Draw(rt, "steps"),
			}
			happened++
			places := rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(rt, "places")
			if err := h.happen(t, func(f *files) { f.maxOpen = places }); err != nil {
				rt.Fatalf("%v with room for %d open files\n%v", h, places, err)
			}
		})
	}
	t.Attr("figure", fmt.Sprintf("log collector: %d histories of log files, %.0f a second", happened, float64(happened)/time.Since(began).Seconds()))
}
