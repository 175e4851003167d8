package logcollector

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/logentry/stages"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/prometheus/client_golang/prometheus"
)

// world is the environment of a history.
type world struct {
	t         *testing.T
	history   history
	dir       string // of the log
	ledger    string // its folder
	path      string
	store     *modelStore
	process   *process
	change    []func(*files)
	atLook    chan func()   // what happens between a reader's search for copies and its read
	boots     int           // how often the machine was started
	damaged   bool          // whether the ledger was damaged since the collector ended
	ahead     time.Duration // of the machine's clock, relative to the bubble's
	wasAhead  time.Duration // the most by which the clock was set back
	setBack   bool          // whether the clock was set back since the collector last checked it
	setBackAt time.Time
	born      map[fileID]time.Time // when each file was created

	written   int
	holders   map[string][]string // by path: the lines in a file
	inHand    map[string]bool     // lines that only exist in an open file that was deleted
	excused   map[string]string   // lines that may be lost, and why
	mayDouble map[string]bool     // lines that a damaged ledger may not know, with times not looked up, or while the clock was set back
	rotated   string              // the name of the last renamed file, while its writer may have it open
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
	writeAt(w.t, path, text.String(), w.now())
	if err != nil {
		w.made(path)
		w.watched()
	}
}

// now returns the time of the machine's clock.
func (w *world) now() time.Time { return time.Now().Add(w.ahead) }

// made records that a file is new.
func (w *world) made(path string) {
	info, err := os.Stat(path)
	w.must(err)
	w.born[idOf(info)] = w.now()
}

// touch sets the time of a file to the current time.
func (w *world) touch(path string) { w.must(os.Chtimes(path, time.Time{}, w.now())) }

// watched makes the collector look, as the watch of the folder does when a file is created.
func (w *world) watched() {
	if w.process != nil {
		w.process.files.scanSoon()
	}
}

// must fails the test for errors of the model itself.
func (w *world) must(err error) {
	if err != nil {
		w.t.Fatal(w.history, err)
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

// gone records that a file no longer has its lines. Those that no other file has may be lost.
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

// ended records that the collector no longer has files open.
func (w *world) ended() {
	w.process = nil
	w.setBack = w.setBack || time.Since(w.setBackAt) <= scanInterval
	w.store.dead = false
	w.store.atPush = nil
	w.forgetFilesInHand()
}

// forgetFilesInHand records that deleted files are no longer open.
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
	c := newClock()
	c.says = w.now
	l, err := openLedgerSince(w.ledger, fmt.Sprint(w.boots), c)
	w.must(err)
	w.must(os.WriteFile(filepath.Join(w.ledger, "positions.yaml"), nil, 0o600))
	if l.damage != "" {
		from := w.now().Add(-lookBack)
		if w.wasAhead > 0 {
			from = w.now() // all of them
		}
		w.store.outside(from, w.now(), func(line string) { w.mayDouble[line] = true })
	}
	if w.damaged || len(l.known()) == 0 { // the log may look as if it had never been read
		w.excuseUnknown(l)
	}
	if w.setBack && !c.setBack {
		for path, lines := range w.holders {
			if path != w.path {
				w.excuse(lines, "it was rotated away while nobody looked, after the clock was set back, and that cannot be noticed any more")
			}
		}
	}
	w.damaged, w.setBack = false, false
	w.read(l)
}

// read starts the collector with an open ledger.
func (w *world) read(l *ledger) {
	born := func(f *files) {
		f.born = func(file *os.File) time.Time {
			info, err := file.Stat()
			w.must(err)
			return w.born[idOf(info)]
		}
	}
	joined := func(f *files) {
		if !strings.Contains(w.history.after, "\n") {
			return
		}
		j, err := newJob(&scrapeconfig.Config{JobName: "files", PipelineStages: stages.PipelineStages{
			stages.PipelineStage{stages.StageTypeMultiline: map[any]any{"firstline": "^line", "max_wait_time": "3s"}},
		}}, log.NewNopLogger(), prometheus.NewRegistry())
		w.must(err)
		f.jobs["files"] = j
	}
	looking := func(f *files) {
		f.looking = func() {
			select {
			case happen := <-w.atLook:
				happen()
			default:
			}
		}
	}
	w.process = readWith(w.t, l, w.path, w.store, append(slices.Clone(w.change), born, joined, looking)...)
	synctest.Wait() // it has scanned once
}

func (w *world) do(s step) {
	if s.n >= betweenLookAndRead {
		switch s.act {
		case rename, remove, truncate:
			w.betweenLookAndRead(func() { w.do(step{s.act, s.n - betweenLookAndRead}) })
			return
		default:
		}
	}
	switch s.act {
	case jump:
		by := jumps[s.n%len(jumps)]
		w.ahead += by
		if by < 0 {
			w.setBack, w.setBackAt = w.setBack || w.process == nil, time.Now()
		}
		w.wasAhead = max(w.wasAhead, -by)
		if w.process != nil {
			time.Sleep(2 * clockInterval) // it is set only once between two checks
		}
	case write_:
		w.write(w.path, 1+s.n%5)
	case sleep:
		wait := waits[s.n%len(waits)]
		if w.process == nil {
			wait *= 10 * 60 // nothing polls
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
			w.touch(w.path)
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
			w.read(l)
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

// verdict returns what is wrong with the stored lines.
func (w *world) verdict() error {
	w.store.mtx.Lock()
	defer w.store.mtx.Unlock()
	var lost, twice []string
	for n := range w.written {
		l := fmt.Sprintf("line %d %s", n+1, w.history.after)
		switch c := w.store.count[l]; {
		case c > 1 && !w.mayDouble[l]:
			twice = append(twice, fmt.Sprint(n+1))
		case c == 0 && w.store.behind[l] && w.wasAhead > time.Hour: // Loki rejected it
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
