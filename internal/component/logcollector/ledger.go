package logcollector

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// position is how far a source was read. Each kind of source uses the fields that it needs.
type position struct {
	Path   string `json:"path,omitempty"`   // of a file, or the name of a container
	Offset int64  `json:"offset,omitempty"` // of a file
	Tail   []byte `json:"tail,omitempty"`   // the bytes before the offset, by which the file is known again
	Head   head   `json:"head,omitzero"`    // and those that it begins with
	Cursor string `json:"cursor,omitempty"` // of the journal
	Given  int64  `json:"given,omitempty"`  // the last time that was given to a line, UnixNano
	Time   int64  `json:"time,omitempty"`   // the last time that a line brought, UnixNano
	Same   int    `json:"same,omitempty"`   // how many lines brought that time
	Looked int64  `json:"looked,omitempty"` // when a file was seen to go on from the offset, UnixNano
	Unsure span   `json:"unsure,omitzero"`  // lines that follow may be stored already with one of these times
	At     int64  `json:"at,omitempty"`     // when this was written, UnixNano; Unix in old ledgers
	// Rotated is set of a file that was found under a name that rotation had given it.
	Rotated bool `json:"beside,omitempty"`
	// Missed is set of a copy of which nothing had been read when it was found: it may have been found before its original.
	Missed bool `json:"missed,omitempty"`

	seen int64 // up to where a file was seen to reach
}

// written returns when a position was written.
func (p position) written() time.Time {
	if p.At < 1e15 { // seconds
		return time.Unix(p.At, 0)
	}
	return time.Unix(0, p.At)
}

// known returns until when it is known what happened to the file of a position.
func (p position) known() time.Time {
	if p.Looked > 0 {
		return time.Unix(0, p.Looked)
	}
	return p.written()
}

// span are the times between which the store may have lines that the ledger knows nothing of, UnixNano, both included.
// It is empty as long as the ledger was never damaged.
type span struct {
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
}

func (s span) empty() bool { return s.To == 0 || s.From > s.To }

// with returns a span that holds another one, too.
func (s span) with(o span) span {
	switch {
	case s.empty():
		return o
	case o.empty():
		return s
	}
	return span{min(s.From, o.From), max(s.To, o.To)}
}

// intent is a batch that is about to be stored: the lines of a source from one position to another, with the time
// that the first of them gets. After a crash the same lines are read again, get the same times, and are looked
// for in the store before they are sent.
type intent struct {
	Key  string   `json:"key"`
	From position `json:"from"`
	To   position `json:"to"`
	Base int64    `json:"base,omitempty"`
}

// record is a line of the ledger's file; one field is set, and those below All with it.
type record struct {
	Begin  []intent            `json:"begin,omitempty"`
	Done   bool                `json:"done,omitempty"`
	Wait   []intent            `json:"wait,omitempty"` // begun, and not done before others begin
	Forget string              `json:"forget,omitempty"`
	Put    map[string]position `json:"put,omitempty"`
	Closed bool                `json:"closed,omitempty"` // nothing is missing after this
	All    map[string]position `json:"all,omitzero"`
	Boot   string              `json:"boot,omitempty"` // of the machine, since which the file is surely as it was written
	Lost   int64               `json:"lost,omitempty"` // see ledger
}

const (
	ledgerCompactAt = 4 << 20
	forgetAfter     = 30 * 24 * time.Hour // a source that nobody asks for in a process of some age, settled
	settled         = time.Hour
	lookBack        = 30 * 24 * time.Hour // how far the store is asked for lines of sources that a damaged ledger does not know
	syncEvery       = time.Second         // how much a power cut may take from the ledger
)

// ledger remembers positions in a file to which it appends: an intent before each push, and a mark after it. A
// process that is killed leaves it exact. A power cut, a full or broken disk, or somebody's hand may damage it; each line has
// a checksum, and the file before the last compaction is kept. What is missing then, the store is asked for: see
// position.Unsure.
type ledger struct {
	mtx     sync.Mutex
	clock   *clock
	path    string
	boot    string
	damage  string // what was found to be wrong with the file, empty when nothing was
	file    *os.File
	size    int64
	most    int64 // the size from which on the file is written anew
	synced  time.Time
	opened  time.Time
	used    map[string]bool // sources that were asked for since then
	backTo  time.Time       // to where positions know that the clock was set back
	lost    int64           // the last time up to which the store may have lines of sources that are unknown here, UnixNano
	all     map[string]position
	begun   []intent          // of the push that runs
	pending map[string]intent // of the push that ran when the process before this one ended, and of those that wait
}

// ledgerFile is its name in the folder of the collector.
const ledgerFile = "ledger.jsonl"

func openLedger(dir string) (*ledger, error) { return openLedgerSince(dir, bootID(), newClock()) }

// bootID changes whenever the machine starts.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without, each end that is not in order counts as a power cut
	return string(bytes.TrimSpace(id))
}

// openLedgerSince opens the ledger of a folder on a machine that started when boot says.
func openLedgerSince(dir, boot string, c *clock) (*ledger, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("create the log collector's data folder: %w", err)
	}
	l := &ledger{clock: c, path: filepath.Join(dir, ledgerFile), boot: boot, opened: time.Now(), used: map[string]bool{},
		all: map[string]position{}, pending: map[string]intent{}}
	intact, err := l.load()
	if err != nil {
		return nil, fmt.Errorf("read the positions of collected lines: %w", err)
	}
	for _, p := range l.all {
		c.before(p.written())
		c.before(p.known())
	}
	if l.damage != "" {
		l.doubt(c.now().UnixNano())
	}
	return l, l.compact(intact)
}

// doubt says of each position that lines after it may be stored up to a time.
func (l *ledger) doubt(until int64) {
	for _, p := range l.all {
		until = max(until, p.Given)
	}
	until += int64(time.Millisecond) // the lines of a batch have the nanoseconds after the time at which it was read
	l.lost = until
	unsure := func(p position) position {
		if p.Unsure.empty() {
			p.Unsure.From = max(l.clock.since(time.Unix(0, p.Given+1)).UnixNano(), until-int64(lookBack))
		}
		p.Unsure.To = until
		return p
	}
	for key, p := range l.all {
		l.all[key] = unsure(p)
	}
	for key, i := range l.pending {
		i.From, i.To = unsure(i.From), unsure(i.To)
		l.pending[key] = i
	}
}

// heedClock has no position say that files were looked at later than the clock has said since it was set back: what happened to
// them since then has earlier times.
func (l *ledger) heedClock() error {
	l.clock.now()
	l.mtx.Lock()
	defer l.mtx.Unlock()
	earliest, setBack := l.clock.backTo()
	if !setBack || earliest.IsZero() || earliest.Equal(l.backTo) {
		return nil
	}
	for key, p := range l.all {
		if p.known().After(earliest) {
			p.Looked = earliest.UnixNano()
			l.all[key] = p
		}
	}
	l.backTo = earliest
	return l.compact(true)
}

// forgetOld drops sources that are no longer configured. One that is quiet for long is asked for at each start.
func (l *ledger) forgetOld() {
	if time.Since(l.opened) < settled {
		return
	}
	now := l.clock.now()
	maps.DeleteFunc(l.all, func(key string, p position) bool {
		_, open := l.pending[key]
		return !open && !l.used[key] && p.At > 0 && now.Sub(p.written()) > forgetAfter
	})
}

// get returns a position. Of a source that is not known, lines may be stored nevertheless when the ledger was damaged once.
func (l *ledger) get(key string) (position, bool) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	p, ok := l.all[key]
	l.used[key] = l.used[key] || ok
	if i, open := l.pending[key]; open {
		return l.from(i), true
	}
	if !ok && l.lost > 0 {
		p.Unsure = span{l.lost - int64(lookBack), l.lost}
	}
	return p, ok
}

// unfinished returns, once, the batch of a source of which nobody knows whether it was stored.
func (l *ledger) unfinished(key string) (intent, bool) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	i, ok := l.pending[key]
	return i, ok
}

// known returns all positions of sources, those that are not finished as they began.
func (l *ledger) known() map[string]position {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	all := make(map[string]position, len(l.all))
	for key, p := range l.all {
		all[key] = p
	}
	for key, i := range l.pending {
		all[key] = l.from(i)
	}
	return all
}

// from is where an intent begins. Of its file no more is known than of the source: the clock may have been set back since the
// reader took its position.
func (l *ledger) from(i intent) position {
	if p, ok := l.all[i.Key]; ok && p.known().Before(i.From.known()) {
		i.From.Looked = p.known().UnixNano()
	}
	return i.From
}

// begin must be called before a push; the one before must be done, or wait.
func (l *ledger) begin(intents []intent) error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if len(intents) == 0 {
		return nil
	}
	if err := l.append(record{Begin: intents}); err != nil {
		return err
	}
	l.begun = intents
	return nil
}

// done says that what was begun is stored. When it cannot be written, the next start looks into the store.
func (l *ledger) done(intents []intent) error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if len(intents) == 0 {
		return nil
	}
	for _, i := range intents {
		i.To.At = l.clock.now().UnixNano()
		l.all[i.Key] = i.To
		l.used[i.Key] = true
		delete(l.pending, i.Key)
	}
	l.begun = nil
	return errors.Join(l.append(record{Done: true}), l.compactSoon())
}

// wait says that it is not known whether all of what was begun is stored, and that others begin before it is.
func (l *ledger) wait(intents []intent) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	for _, i := range intents {
		l.pending[i.Key] = i
	}
	l.begun = nil
}

// forget drops a source that is gone.
func (l *ledger) forget(key string) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	delete(l.all, key)
	delete(l.pending, key)
	delete(l.used, key)
	_ = errors.Join(l.append(record{Forget: key}), l.compactSoon()) // it is forgotten after a while anyhow
}

// inherit gives what is known of a file that is gone to its copy.
func (l *ledger) inherit(gone, heir string) {
	l.mtx.Lock()
	pos := l.all[gone]
	i, open := l.pending[gone]
	if open {
		pos = l.from(i)
	}
	l.mtx.Unlock()
	pos.Rotated = true
	l.put(heir, pos)
	if open {
		i.Key, i.From.Rotated, i.To.Rotated = heir, true, true
		l.mtx.Lock()
		l.pending[heir] = i
		_ = l.append(record{Wait: []intent{i}}) // as with put
		l.mtx.Unlock()
	}
	l.forget(gone)
}

// put sets a position that does not come from a batch.
func (l *ledger) put(key string, p position) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	p.At = l.clock.now().UnixNano()
	l.all[key] = p
	l.used[key] = true
	_ = errors.Join(l.append(record{Put: map[string]position{key: p}}), l.compactSoon()) // when it fails, the source's first batch writes it
}

func (l *ledger) close() error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return errors.Join(l.append(record{Closed: true}), l.file.Sync(), l.file.Close())
}
