package logcollector

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// position is how far a source has been read. Each kind of source uses the fields that it needs.
type position struct {
	Path   string `json:"path,omitempty"`   // of a file, or the name of a container
	Offset int64  `json:"offset,omitempty"` // of a file
	Tail   []byte `json:"tail,omitempty"`   // the bytes before the offset, by which the file is recognized
	Head   head   `json:"head,omitzero"`    // and its first bytes
	Cursor string `json:"cursor,omitempty"` // of the journal
	Given  int64  `json:"given,omitempty"`  // the last time that was assigned to a line, UnixNano
	Time   int64  `json:"time,omitempty"`   // the last time that came with a line, UnixNano
	Same   int    `json:"same,omitempty"`   // how many lines came with that time
	Looked int64  `json:"looked,omitempty"` // when a file was seen to continue from the offset, UnixNano
	Unsure span   `json:"unsure,omitzero"`  // the lines that follow may already be stored with times in this range
	At     int64  `json:"at,omitempty"`     // when this was written, UnixNano; Unix in old ledgers
	// Rotated is set for a file that was found under a name that rotation had given it.
	Rotated bool `json:"beside,omitempty"`
	// Missed is set for a copy of which nothing had been read when it was found: it may have been found before its
	// original.
	Missed bool `json:"missed,omitempty"`

	seen int64 // the last known size of a file
}

// written returns when a position was written.
func (p position) written() time.Time {
	if p.At < 1e15 { // seconds
		return time.Unix(p.At, 0)
	}
	return time.Unix(0, p.At)
}

// known returns the time up to which it is known what happened to the file of a position.
func (p position) known() time.Time {
	if p.Looked > 0 {
		return time.Unix(0, p.Looked)
	}
	return p.written()
}

// lastNamed returns the last time at which the file of a position certainly had its name. It is no later than known,
// because the clock may have been set back since the file was written.
func (p position) lastNamed(info fs.FileInfo) time.Time {
	if known := p.known(); known.Before(info.ModTime()) {
		return known
	}
	return info.ModTime()
}

// span is the range of times for which the store may have lines unknown to the ledger, UnixNano, both ends included. It
// is empty as long as the ledger was never damaged.
type span struct {
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
}

func (s span) empty() bool { return s.To == 0 || s.From > s.To }

// with returns a span that includes another one.
func (s span) with(o span) span {
	switch {
	case s.empty():
		return o
	case o.empty():
		return s
	}
	return span{min(s.From, o.From), max(s.To, o.To)}
}

// intent is a batch that is about to be stored: the lines of a source from one position to another, with the time of
// the first of them. After a crash, the same lines are read again, get the same times, and are looked up in the store
// before they are sent.
type intent struct {
	Key  string   `json:"key"`
	From position `json:"from"`
	To   position `json:"to"`
	Base int64    `json:"base,omitempty"`
}

// record is a line of the ledger's file; one field is set, and with All also those below it.
type record struct {
	Begin  []intent            `json:"begin,omitempty"`
	Done   bool                `json:"done,omitempty"`
	Wait   []intent            `json:"wait,omitempty"` // begun, and not done before others begin
	Forget string              `json:"forget,omitempty"`
	Put    map[string]position `json:"put,omitempty"`
	Closed bool                `json:"closed,omitempty"` // nothing is missing after this
	All    map[string]position `json:"all,omitzero"`
	Boot   string              `json:"boot,omitempty"` // boot ID; while it is unchanged, the file is certainly as written
	Lost   int64               `json:"lost,omitempty"` // see ledger
}

const (
	ledgerCompactAt = 4 << 20
	forgetAfter     = 30 * 24 * time.Hour // for sources that are not used by a process of age settled
	settled         = time.Hour
	lookBack        = 30 * 24 * time.Hour // how far back lines of sources unknown to a damaged ledger are looked up
	syncEvery       = time.Second         // how much of the ledger a power cut may lose
)

// ledger stores positions in a file to which it appends: an intent before each push, and a mark after it. Killing the
// process leaves it exact. A power cut, a full or broken disk, or a manual change may damage it; each line has a
// checksum, and the file from before the last compaction is kept. What is missing then is looked up in the store: see
// position.Unsure.
type ledger struct {
	mtx     sync.Mutex
	clock   *clock
	path    string
	boot    string
	damage  string // what is wrong with the file, empty if nothing is
	file    *os.File
	size    int64
	most    int64 // the size from which on the file is rewritten
	synced  time.Time
	opened  time.Time
	used    map[string]bool // sources that were used since then
	backTo  time.Time       // the time to which positions know that the clock was set back
	lost    int64           // the last time up to which the store may have lines of sources unknown here, UnixNano
	all     map[string]position
	begun   []intent          // of the running push
	pending map[string]intent // of the push that ran when the previous process ended, and of those that wait
}

// ledgerFile is its name in the collector's folder.
const ledgerFile = "ledger.jsonl"

func openLedger(dir string) (*ledger, error) { return openLedgerSince(dir, bootID(), newClock()) }

// bootID returns an ID that changes whenever the machine starts.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // if empty, each unclean end counts as a power cut
	return string(bytes.TrimSpace(id))
}

// openLedgerSince opens the ledger of a folder on a machine with the given boot ID.
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

// doubt marks each position with the time up to which lines after it may be stored.
func (l *ledger) doubt(until int64) {
	for _, p := range l.all {
		until = max(until, p.Given)
	}
	until += int64(time.Millisecond) // the lines of a batch get the nanoseconds after the time at which it was read
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

// heedClock limits the times at which files were looked at to the earliest time that the clock has shown since it was
// set back: what has happened to them since then has earlier times.
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

// forgetOld drops sources that are no longer configured. A configured source, even if quiet for long, is used at each
// start.
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

// get returns a position. If a source is unknown, its lines may be stored nevertheless if the ledger was once damaged.
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

// unfinished returns, once, the batch of a source that may or may not be stored.
func (l *ledger) unfinished(key string) (intent, bool) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	i, ok := l.pending[key]
	return i, ok
}

// known returns the positions of all sources; that of an unfinished batch is its beginning.
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

// from returns the beginning of an intent. No more is known about its file than about the source: the clock may have
// been set back since the reader took its position.
func (l *ledger) from(i intent) position {
	if p, ok := l.all[i.Key]; ok && p.known().Before(i.From.known()) {
		i.From.Looked = p.known().UnixNano()
	}
	return i.From
}

// begin must be called before a push; the previous one must be done, or waiting.
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

// done records that the batches begun are stored. If that cannot be written, the next start looks them up in the store.
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

// wait records that it is unknown whether everything that was begun is stored, and that others begin before it is.
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
	_ = errors.Join(l.append(record{Forget: key}), l.compactSoon()) // it is forgotten after a while anyway
}

// inherit transfers what is known about a file that is gone to its copy.
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
		_ = l.append(record{Wait: []intent{i}}) // as in put
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
	_ = errors.Join(l.append(record{Put: map[string]position{key: p}}), l.compactSoon()) // on failure, the first batch writes it
}

func (l *ledger) close() error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return errors.Join(l.append(record{Closed: true}), l.file.Sync(), l.file.Close())
}
