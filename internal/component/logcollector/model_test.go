package logcollector

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// The model test tries what can happen to log files and to their collector, in orders that nobody thought of. The real
// code reads real files, in memory, and stores their lines in a modelStore; in a synctest bubble its timers take no
// time. After each history, every line that was written is stored once, or is one of those that may be lost according
// to docs/logs.md.

// act is an event.
type act int

const (
	write_     act = iota // lines are written to the file
	sleep                 // time passes
	rename                // the file is rotated by renaming it
	copytr                // the file is rotated by copytruncate
	remove                // the file is deleted
	truncate              // the file is emptied
	compress              // the last generation is compressed
	reuse                 // the oldest generation is deleted, and a new file gets its inode number
	lateWrite             // the program that had the file open before the rotation writes to it
	scanNow               // the watch of the folder reports a change
	start                 // the collector starts
	stop                  // it stops gracefully
	reload                // it continues with another configuration
	kill                  // it is killed
	killAtPush            // it is killed at its next push: before, during, or after it
	powerCut              // the machine goes down, and the last records of the ledger are missing
	damage                // the ledger is changed while the collector is stopped, by a user or a broken disk
	refuse                // the store accepts nothing for a while
	slow                  // the store is slow for a while
	jump                  // the clock is set
	acts
)

var actNames = [acts]string{
	"write", "sleep", "rename", "copytr", "remove", "truncate", "compress", "reuse", "lateWrite", "scanNow",
	"start", "stop", "reload", "kill", "killAtPush", "powerCut", "damage", "refuse", "slow", "jump",
}

// block is an ending that turns one line into three.
const block = "\n\tat here\n\tat there"

// betweenLookAndRead is the least number of a step whose rotation happens between a reader's search for copies and its
// read.
const betweenLookAndRead = 20

// step is an act and a number that selects a variant.
type step struct {
	act act
	n   int
}

func (s step) String() string { return fmt.Sprintf("{%s, %d}", actNames[s.act], s.n) }

// history is a sequence of events, and the format of the lines.
type history struct {
	keep  int    // generations that rotation keeps
	after string // the end of every line; if it has several lines, a multiline stage joins them
	steps []step
}

func (h history) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "history{%d, %q, []step{", h.keep, h.after)
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

// jumps are the offsets by which the clock is set.
var jumps = []time.Duration{
	-time.Minute, time.Minute, -20 * time.Minute, 20 * time.Minute, -2 * time.Hour, 2 * time.Hour, -8 * day, 8 * day, -40 * day, 40 * day,
}

const day = 24 * time.Hour

// happen runs a history on files; change sets how they are read.
func (h history) happen(t *testing.T, change ...func(*files)) (failure error) {
	name := fnv.New32a()
	_, _ = name.Write([]byte(t.Name()))
	root := fmt.Sprintf("/dev/shm/ausguck-model-%07d-%08x", os.Getpid(), name.Sum32()) // fixed length: damage hits the same place
	if err := errors.Join(os.RemoveAll(root), os.Mkdir(root, 0o700)); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, history: h, dir: filepath.Join(root, "logs"), ledger: filepath.Join(root, "ledger"), path: filepath.Join(root, "logs", "app.log"),
			born: map[fileID]time.Time{}, mayDouble: map[string]bool{},
			atLook: make(chan func()), holders: map[string][]string{}, inHand: map[string]bool{}, excused: map[string]string{}, change: change,
		}
		w.store = newModelStore(w.now)
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
		w.write(w.path, 1) // files left under other names are found when the name exists again
		for range 40 {
			if time.Sleep(time.Second); w.verdict() == nil {
				break
			}
		}
		w.stop()
		w.start() // after a restart, nothing is stored again
		time.Sleep(12 * time.Second)
		w.stop()
		failure = w.verdict()
	})
	return failure
}

// TestModel generates random histories for some time, on each processor; -rapid.checks sets the minimum number.
func TestModel(t *testing.T) {
	const while = 2 * time.Second
	began := time.Now()
	var happened atomic.Int64
	t.Run("histories", func(t *testing.T) {
		for n := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				for time.Since(began) < while && !t.Failed() {
					rapid.Check(t, func(rt *rapid.T) {
						happened.Add(1)
						places := rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(rt, "places")
						h := drawHistory(rt)
						if err := h.happen(t, func(f *files) { f.maxOpen = places }); err != nil {
							rt.Fatalf("%v with room for %d open files\n%v", h, places, err)
						}
					})
				}
			})
		}
	})
	t.Attr("figure", fmt.Sprintf("log collector: %d histories of log files, %.0f a second", happened.Load(), float64(happened.Load())/time.Since(began).Seconds()))
}

func drawHistory(t *rapid.T) history {
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{act(rapid.IntRange(0, int(acts)-1).Draw(t, "act")), rapid.IntRange(0, betweenLookAndRead+9).Draw(t, "n")}
	}), 1, 15)
	return history{
		keep:  rapid.IntRange(1, 4).Draw(t, "keep"),
		after: rapid.SampledFrom([]string{"", strings.Repeat("x", tailBytes), strings.Repeat("x", 400), block}).Draw(t, "after"),
		steps: steps.Draw(t, "steps"),
	}
}
